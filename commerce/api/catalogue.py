"""What can be bought, for everybody to see. Contract 2.2."""

from catalog.api.serializers import CategoryOut
from cbt.http.face import Ok
from cbt.http.pages import int_of, page_of, search_of
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Access, FaceView, Scope
from cbt.kernel.errors import ErrorCode as E
from commerce.api import examples
from commerce.api.shapes import CatalogDetailOut, CatalogTestOut
from commerce.selectors.catalogue import catalogue, catalogue_categories, catalogue_test, is_purchased


class CatalogueView(FaceView):
    """Open to everybody; a bearer token only adds what its user has bought."""

    permission = Access.PUBLIC
    rate = Rate.PUBLIC
    scope = Scope.NONE


class Catalogue(CatalogueView):
    """Tests on sale."""

    @documented(
        "Browse tests",
        response=CatalogTestOut,
        paged=True,
        errors=[E.VALIDATION_ERROR],
        query=[("category", "category id; also read as category_id"), ("search", "in name, code and description")],
    )
    def get(self, request: Request) -> Ok:
        """A page of active tests of type public or all."""
        rows = catalogue().filter(search_of(request, "name", "code", "description"))
        category = int_of(request, "category", "category_id")
        if category is not None:
            rows = rows.filter(category_id=category)
        return Ok(page=page_of(rows, request, lambda row: CatalogTestOut(row).data))


class CatalogueCategories(CatalogueView):
    """Categories of tests."""

    @documented("Categories of the catalogue", response=CategoryOut, many=True)
    def get(self, request: Request) -> Ok:
        """All active categories, not paged."""
        data = CategoryOut(catalogue_categories(), many=True).data
        return Ok(data, message="Categories retrieved successfully")


class CatalogueTest(CatalogueView):
    """One test on sale."""

    @documented(
        "Show a test of the catalogue",
        response=CatalogDetailOut,
        errors=[E.NOT_FOUND, E.UNAUTHENTICATED],
        answer=examples.answer({**examples.TEST, "is_purchased": False}, "Test details retrieved successfully"),
    )
    def get(self, request: Request, test_id: int) -> Ok:
        """The test, and whether the caller may take it already (false for a stranger)."""
        test = catalogue_test(test_id)
        user_id = request.actor.id
        data = {
            **CatalogTestOut(test).data,
            "is_purchased": user_id is not None and is_purchased(user_id, test.pk),
        }
        return Ok(data, message="Test details retrieved successfully")
