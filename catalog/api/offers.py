"""Routes of tests. Source: primary contract 7.2."""

from typing import Any

from catalog.api.serializers import OfferIn, OfferOut, SeenOfferOut, offer_shape
from catalog.selectors.offers import OfferFilters, test_get_for, test_list_for
from catalog.services import offers
from catalog.states import TestType
from cbt.http.face import Ok
from cbt.http.pages import bool_of, choice_of, int_of, page_of, search_of, sort_of
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import FaceView, Scope
from cbt.kernel.errors import ErrorCode
from cbt.kernel.permissions import Perm

SORTS = {
    name: name
    for name in (
        "sort_order", "name", "code", "price", "question_count", "duration_minutes", "type", "is_active", "created_at",
        "updated_at",
    )
}  # fmt: skip
REQUEST = {
    "category_id": 1, "name": "Test Name", "code": "TEST-001", "description": "Test description", "price": 50000.00,
    "question_count": 50, "duration_minutes": 60, "type": "public", "instruction_route": "/tests/test-001/instruction",
    "test_route": "/tests/test-001/take", "metadata": {}, "is_active": True, "sort_order": 1,
}  # fmt: skip
LIST_ERRORS = [ErrorCode.UNAUTHENTICATED, ErrorCode.FORBIDDEN, ErrorCode.VALIDATION_ERROR]
ONE_ERRORS = [ErrorCode.UNAUTHENTICATED, ErrorCode.FORBIDDEN, ErrorCode.NOT_FOUND]


class Offers(FaceView):
    """All tests the caller may see."""

    permission = {"get": Perm.VIEW_TESTS, "post": Perm.CREATE_TESTS}
    rate = Rate.STAFF
    scope = Scope.ALL

    @documented(
        "List tests",
        response=SeenOfferOut,
        paged=True,
        errors=LIST_ERRORS,
        query=[
            ("category", "category id; also read as category_id"),
            ("type", "public, company or all"),
            ("is_active", "true or false"),
            ("search", "in name, code and description"),
            ("sort_by", ", ".join(SORTS)),
            ("sort_order", "asc (default) or desc"),
        ],
    )
    def get(self, request: Request) -> Ok:
        """A page of tests."""
        filters = OfferFilters(
            category_id=int_of(request, "category", "category_id"),
            type=choice_of(request, "type", {word.value for word in TestType}),
            is_active=bool_of(request, "is_active"),
        )
        rows = test_list_for(request.actor, filters)
        rows = rows.filter(search_of(request, "name", "code", "description"))
        rows = rows.order_by(*sort_of(request, SORTS, default="sort_order"))
        page = page_of(rows, request, lambda row: offer_shape(row, request.actor))
        return Ok(page=page, message="Tests retrieved successfully")

    @documented("Create a test", request=OfferIn, response=OfferOut, status=201, errors=LIST_ERRORS, example=REQUEST)
    def post(self, request: Request) -> Ok:
        """Put a test on offer."""
        made = offers.test_create(data=OfferIn.parse(request), actor=request.actor)
        return Ok(OfferOut(made).data, message="Test created successfully", status=201)


class OneOffer(FaceView):
    """One test."""

    permission = {
        "get": Perm.VIEW_TESTS,
        "put": Perm.EDIT_TESTS,
        "patch": Perm.EDIT_TESTS,
        "delete": Perm.DELETE_TESTS,
    }
    rate = Rate.STAFF
    scope = Scope.ALL

    @documented("Show a test", response=SeenOfferOut, errors=ONE_ERRORS)
    def get(self, request: Request, test: int) -> Ok:
        """Show it."""
        found = test_get_for(request.actor, test)
        return Ok(offer_shape(found, request.actor), message="Test retrieved successfully")

    @documented(
        "Change a test",
        request=OfferIn,
        response=OfferOut,
        errors=[*ONE_ERRORS, ErrorCode.VALIDATION_ERROR],
        example=REQUEST,
    )
    def put(self, request: Request, test: int) -> Ok:
        """Change the given fields; with a bank the number of questions is the bank's."""
        data = OfferIn.parse(request, partial=True)
        changed = offers.test_update(test_id=test, data=data, actor=request.actor)
        return Ok(OfferOut(changed).data, message="Test updated successfully")

    @documented(
        "Change a test in part", request=OfferIn, response=OfferOut, errors=[*ONE_ERRORS, ErrorCode.VALIDATION_ERROR]
    )
    def patch(self, request: Request, test: int) -> Ok:
        """As PUT."""
        result: Any = self.put(request, test)
        return result

    @documented("Delete a test", errors=ONE_ERRORS)
    def delete(self, request: Request, test: int) -> Ok:
        """Take it off the offer."""
        offers.test_delete(test_id=test, actor=request.actor)
        return Ok(message="Test deleted successfully")
