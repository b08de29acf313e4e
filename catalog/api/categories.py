"""Routes of categories. Source: primary contract 7.3."""

from typing import Any

from catalog.api.serializers import CategoryIn, CountedCategoryOut
from catalog.selectors.categories import category_find, category_list
from catalog.services import categories
from cbt.http.face import Ok
from cbt.http.pages import bool_of, page_of, search_of, sort_of
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import FaceView, Scope
from cbt.kernel.errors import ErrorCode, not_found
from cbt.kernel.permissions import Perm

SORTS = {name: name for name in ("sort_order", "name", "slug", "is_active", "created_at", "updated_at")}
REQUEST = {
    "name": "Category Name", "slug": "category-slug", "description": "Category description", "is_active": True,
    "sort_order": 1,
}  # fmt: skip
WRITE_ERRORS = [ErrorCode.UNAUTHENTICATED, ErrorCode.FORBIDDEN, ErrorCode.VALIDATION_ERROR]
ONE_ERRORS = [ErrorCode.UNAUTHENTICATED, ErrorCode.FORBIDDEN, ErrorCode.NOT_FOUND]


class Categories(FaceView):
    """All categories."""

    permission = {"get": Perm.VIEW_TEST_CATEGORIES, "post": Perm.MANAGE_TEST_CATEGORIES}
    rate = Rate.STAFF
    scope = Scope.ALL

    @documented(
        "List categories",
        response=CountedCategoryOut,
        paged=True,
        errors=WRITE_ERRORS,
        query=[
            ("is_active", "true or false"),
            ("search", "in name and description"),
            ("sort_by", "sort_order (default), name, slug, is_active, created_at, updated_at"),
            ("sort_order", "asc (default) or desc"),
        ],
    )
    def get(self, request: Request) -> Ok:
        """A page of categories."""
        rows = category_list().filter(search_of(request, "name", "description"))
        is_active = bool_of(request, "is_active")
        if is_active is not None:
            rows = rows.filter(is_active=is_active)
        rows = rows.order_by(*sort_of(request, SORTS, default="sort_order"))
        page = page_of(rows, request, lambda row: CountedCategoryOut(row).data)
        return Ok(page=page, message="Test categories retrieved successfully")

    @documented(
        "Create a category",
        request=CategoryIn,
        response=CountedCategoryOut,
        status=201,
        errors=WRITE_ERRORS,
        example=REQUEST,
    )
    def post(self, request: Request) -> Ok:
        """Make a category."""
        made = categories.category_create(data=CategoryIn.parse(request), actor=request.actor)
        return Ok(CountedCategoryOut(made).data, message="Test category created successfully", status=201)


class OneCategory(FaceView):
    """One category."""

    permission = {
        "get": Perm.VIEW_TEST_CATEGORIES,
        "put": Perm.MANAGE_TEST_CATEGORIES,
        "patch": Perm.MANAGE_TEST_CATEGORIES,
        "delete": Perm.MANAGE_TEST_CATEGORIES,
    }
    rate = Rate.STAFF
    scope = Scope.ALL

    @documented("Show a category", response=CountedCategoryOut, errors=ONE_ERRORS)
    def get(self, request: Request, category: int) -> Ok:
        """Show it."""
        found = category_find(category)
        if found is None:
            raise not_found()
        return Ok(CountedCategoryOut(found).data, message="Test category retrieved successfully")

    @documented(
        "Change a category",
        request=CategoryIn,
        response=CountedCategoryOut,
        errors=[*ONE_ERRORS, ErrorCode.VALIDATION_ERROR],
        example=REQUEST,
    )
    def put(self, request: Request, category: int) -> Ok:
        """Change the given fields."""
        data = CategoryIn.parse(request, partial=True)
        changed = categories.category_update(category_id=category, data=data, actor=request.actor)
        return Ok(CountedCategoryOut(changed).data, message="Test category updated successfully")

    @documented(
        "Change a category in part",
        request=CategoryIn,
        response=CountedCategoryOut,
        errors=[*ONE_ERRORS, ErrorCode.VALIDATION_ERROR],
    )
    def patch(self, request: Request, category: int) -> Ok:
        """As PUT."""
        result: Any = self.put(request, category)
        return result

    @documented("Delete a category", errors=ONE_ERRORS)
    def delete(self, request: Request, category: int) -> Ok:
        """Delete it; its tests stay and lose it."""
        categories.category_delete(category_id=category, actor=request.actor)
        return Ok(message="Test category deleted successfully")
