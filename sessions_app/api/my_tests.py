"""A private buyer takes what was bought. Contract 2.7."""

from typing import Any

from rest_framework import serializers

from cbt.http.face import Ok
from cbt.http.fields import JsonObject, OutputSerializer
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import FaceView, Scope
from cbt.kernel import clock
from cbt.kernel.errors import DomainError
from cbt.kernel.errors import ErrorCode as E
from cbt.kernel.permissions import Perm
from commerce.models import Purchase
from sessions_app.api.participant_flow import origin_of, started
from sessions_app.api.shapes import SessionStartOut, page_routes
from sessions_app.selectors.purchases import Bought, purchases_with_state
from sessions_app.services.sessions import session_start_purchase


class MyTestOut(OutputSerializer):
    """A bought test. Contract 2.7."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    code = serializers.CharField()
    description = serializers.CharField()
    duration_minutes = serializers.IntegerField()
    question_count = serializers.IntegerField()
    category = serializers.CharField(allow_null=True)
    instruction_route = serializers.CharField(allow_null=True)
    test_route = serializers.CharField(allow_null=True)
    has_active_session = serializers.BooleanField()
    is_completed = serializers.BooleanField()


def test_block(purchase: Purchase) -> dict[str, Any]:
    """Write the test of a purchase, its category by name."""
    test = purchase.test
    return {
        "id": test.pk,
        "name": test.name,
        "code": test.code,
        "description": test.description,
        "duration_minutes": test.duration_minutes,
        "question_count": test.question_count,
        "category": test.category.name if test.category else None,
        **page_routes(test),
    }


test_block.__test__ = False  # type: ignore[attr-defined]


class BuyerView(FaceView):
    """A view of a private buyer."""

    permission = Perm.TAKE_TESTS
    role = "public_user"
    rate = Rate.STAFF
    scope = Scope.SELF

    def bought(self, request: Request, test_id: int, message: str) -> Bought:
        """Return the caller's purchase of this test with its state."""
        rows = purchases_with_state(request.actor.id or 0, now=clock.now())
        found = next((row for row in rows if row.purchase.test_id == test_id), None)
        if found is None:
            raise DomainError(E.TEST_NOT_PURCHASED, message)
        return found


class MyTests(BuyerView):
    """What can be taken."""

    @documented("Get available tests", response=MyTestOut, many=True, errors=(E.UNAUTHENTICATED, E.FORBIDDEN))
    def get(self, request: Request) -> Ok:
        """Return bought tests that are active or being taken as a plain array."""
        rows = purchases_with_state(request.actor.id or 0, now=clock.now())
        data = [
            {**test_block(row.purchase), "has_active_session": row.has_open, "is_completed": row.has_completed}
            for row in rows
            if row.can_be_taken
        ]
        return Ok(data, message="Available tests retrieved successfully")


class MyTestInstructions(BuyerView):
    """What to read before starting."""

    @documented(
        "Get test instructions", response=JsonObject(),
        errors=(E.UNAUTHENTICATED, E.FORBIDDEN, E.TEST_NOT_PURCHASED, E.TEST_NOT_AVAILABLE),
    )  # fmt: skip
    def get(self, request: Request, test_id: int) -> Ok:
        """Return test, buyer and whether it has been taken."""
        row = self.bought(request, test_id, "Test not purchased or payment not verified")
        if not row.can_be_taken:
            raise DomainError(E.TEST_NOT_AVAILABLE, "Test is not available")
        data = {
            "test": test_block(row.purchase),
            "user": {"name": row.purchase.user.name, "email": row.purchase.user.email},
            "is_completed": row.has_completed,
        }
        return Ok(data, message="Test instructions retrieved successfully")


class MyTestStart(BuyerView):
    """Start a bought test, or go on with it."""

    @documented(
        "Start test session", response=SessionStartOut,
        errors=(E.UNAUTHENTICATED, E.FORBIDDEN, E.TEST_NOT_PURCHASED, E.TEST_NOT_AVAILABLE, E.ATTEMPTS_USED_UP),
    )  # fmt: skip
    def post(self, request: Request, test_id: int) -> Ok:
        """Return the open session of this purchase, made now if there is none."""
        message = "Cannot start test. Test not purchased or payment not verified."
        purchase = self.bought(request, test_id, message).purchase
        return started(session_start_purchase(purchase=purchase, now=clock.now(), origin=origin_of(request)))
