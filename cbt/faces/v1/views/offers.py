"""Tests of classes, and taking them. Source: v1 contract, tests."""

from typing import Any

from rest_framework.response import Response

from accounts.states import V1_ROLES
from catalog.models import Test
from catalog.selectors.offers import class_test_for, class_tests_for, sees_keys
from catalog.services.classes import ClassTest, class_test_create, class_test_update
from catalog.services.offers import test_delete
from cbt.faces.v1.shapes import (
    V1SubmitIn,
    V1SubmittedOut,
    V1TestChangeIn,
    V1TestIn,
    V1TestOut,
    V1TestRowOut,
    answers_of,
    submitted_body,
)  # fmt: skip
from cbt.faces.v1.views.base import (
    LIST_HEADERS,
    ONE_ERRORS,
    PAGES,
    READ_ERRORS,
    STAFF,
    V1View,
    listed,
    rows_of,
)  # fmt: skip
from cbt.http.face import Ok
from cbt.http.pages import search_of
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Scope
from cbt.kernel import clock
from cbt.kernel.actor import Actor
from cbt.kernel.errors import ErrorCode as E
from sessions_app.services.classes import class_test_submit
from sessions_app.services.sessions import Origin

EXAMPLE = {
    "title": "Capitals",
    "description": "Ten minutes, one attempt",
    "questions": [
        {
            "id": "q1",
            "text": "What is the capital of Indonesia?",
            "options": [{"id": "a", "text": "Jakarta"}, {"id": "b", "text": "Bandung"}],
            "correct_option": "a",
            "points": 2,
        }
    ],
}


def written(test: Test, actor: Actor) -> dict[str, Any]:
    """Write one test as this reader may see it."""
    return dict(V1TestOut(test, context={"with_key": sees_keys(actor, test)}).data)


def said(request: Request, shape: type[V1TestIn]) -> ClassTest:
    """Return what the body says about a test."""
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    return body.said()


class Tests(V1View):
    """All tests the caller may see."""

    __test__ = False
    roles = {"get": V1_ROLES, "post": STAFF}
    scope = Scope.SELF

    @documented(
        "List tests: an instructor's own, a student's to take, all for an admin",
        bare=rows_of(V1TestRowOut),
        is_tagged=True,
        headers=LIST_HEADERS,
        errors=(*READ_ERRORS, E.VALIDATION_ERROR),
        query=[("search", "in title and description"), *PAGES],
    )
    def get(self, request: Request) -> Ok:
        """Return them oldest first."""
        rows = class_tests_for(request.actor).filter(search_of(request, "name", "description"))
        return listed(rows, request, lambda row: V1TestRowOut(row).data)

    @documented(
        "Create a test", request=V1TestIn, bare=V1TestOut, status=201, errors=(*READ_ERRORS, E.VALIDATION_ERROR),
        example=EXAMPLE,
    )  # fmt: skip
    def post(self, request: Request) -> Ok:
        """Store a test the caller owns."""
        actor = request.actor
        return Ok(written(class_test_create(said=said(request, V1TestIn), actor=actor), actor), status=201)


class OneTest(V1View):
    """One test."""

    __test__ = False
    roles = {"get": V1_ROLES, "put": STAFF, "delete": STAFF}
    scope = Scope.SELF

    @documented(
        "Show a test with its questions; keys and points only to its authors",
        bare=V1TestOut, is_tagged=True, errors=ONE_ERRORS,
    )  # fmt: skip
    def get(self, request: Request, test: int) -> Ok:
        """Show it."""
        actor = request.actor
        return Ok(written(class_test_for(actor, test), actor))

    @documented(
        "Change a test; what is missing stays, and sessions that were started keep their version",
        request=V1TestChangeIn, bare=V1TestOut, errors=(*ONE_ERRORS, E.VALIDATION_ERROR), example=EXAMPLE,
    )  # fmt: skip
    def put(self, request: Request, test: int) -> Ok:
        """Change the given fields."""
        actor = request.actor
        found = class_test_for(actor, test)
        changed = class_test_update(test_id=found.pk, said=said(request, V1TestChangeIn), actor=actor)
        return Ok(written(changed, actor))

    @documented("Delete a test; its results stay", status=204, errors=ONE_ERRORS)
    def delete(self, request: Request, test: int) -> Response:
        """Take it off, softly."""
        actor = request.actor
        test_delete(test_id=class_test_for(actor, test).pk, actor=actor)
        return Response(status=204)


class Submit(V1View):
    """Taking a test in one go."""

    scope = Scope.SELF

    @documented(
        "Submit answers; a second submission gets the first result",
        request=V1SubmitIn,
        bare=V1SubmittedOut,
        errors=(*ONE_ERRORS, E.VALIDATION_ERROR, E.UNKNOWN_QUESTION, E.TEST_NOT_AVAILABLE),
        example={"answers": {"q1": "a"}},
        answer={
            "score": 2,
            "details": {
                "result_id": 1, "attempt": 1, "submitted_at": "2026-01-01T00:00:00Z", "already_submitted": False,
                "max_score": 2, "percentage": 100.0, "passed": None, "correct_count": 1, "wrong_count": 0,
                "unanswered_count": 0,
            },
        },
    )  # fmt: skip
    def post(self, request: Request, test: int) -> Ok:
        """Start, save and submit."""
        actor = request.actor
        found = class_test_for(actor, test)
        answers = answers_of(V1SubmitIn.parse(request)["answers"])
        done = class_test_submit(
            taker_id=actor.id or 0, test=found, answers=answers, now=clock.now(),
            origin=Origin(actor.ip, actor.user_agent),
        )  # fmt: skip
        return Ok(submitted_body(done))
