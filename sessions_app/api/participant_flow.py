"""The participant flow: everything a person does with the link from the mail. Contract section 3."""

from typing import Any

from rest_framework import serializers

from cbt.http.client import client_ip
from cbt.http.face import Ok
from cbt.http.fields import BirthDate, Input, JsonObject, OutputSerializer
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Access, FaceView, Scope
from cbt.kernel import clock
from cbt.kernel.errors import ErrorCode as E
from sessions_app.api import examples
from sessions_app.api.clock import clock_keys
from sessions_app.api.shapes import SessionStartOut, assignment_flow, page_routes, test_flow, test_row
from sessions_app.engine import biodata
from sessions_app.models import TestAssignment
from sessions_app.selectors.assignments import (
    assignment_by_token,
    assignments_as_of,
    assignments_open_for,
    check_assignment_open,
)
from sessions_app.services.participants import biodata_complete
from sessions_app.services.sessions import Origin, Started, session_start

TOKEN_ERRORS = (
    E.TOKEN_REQUIRED, E.INVALID_TOKEN, E.BANNED, E.COMPANY_INACTIVE, E.ASSIGNMENT_EXPIRED, E.ASSIGNMENT_NOT_STARTED,
)  # fmt: skip
TOKEN_QUERY = [("token", "The assignment's token, from the mailed link")]


class FlowView(FaceView):
    """A view whose caller shows an assignment's token, in the path or as ``?token=``."""

    permission = Access.ASSIGNMENT_TOKEN
    rate = Rate.PARTICIPANT
    scope = Scope.TOKEN

    def assignment(self, request: Request, token: str | None = None) -> TestAssignment:
        """Return the assignment of the shown token, if it may be used now."""
        found = assignment_by_token(token or request.query_params.get("token"))
        check_assignment_open(found, now=clock.now())
        return found


class FlowItemOut(OutputSerializer):
    """One assignment with its test and participant."""

    assignment = JsonObject()
    test = JsonObject()
    participant = JsonObject()


class FlowListItemOut(FlowItemOut):
    """As `FlowItemOut`, with the token on top where documented clients read it."""

    token = serializers.CharField()


def flow_item(assignment: TestAssignment) -> dict[str, Any]:
    """Write one assignment as contract 3.1 shows it."""
    participant = assignment.participant
    return {
        "assignment": assignment_flow(assignment, clock.now()),
        "test": test_flow(assignment),
        "participant": {
            "id": participant.pk,
            "name": participant.name,
            "email": participant.email,
            "biodata": participant.biodata,
        },
    }


class AssignmentShow(FlowView):
    """What the mailed link leads to."""

    @documented("Get assignment by token", response=FlowItemOut, errors=TOKEN_ERRORS, answer=examples.ASSIGNMENT)
    def get(self, request: Request, token: str) -> Ok:
        """Return assignment, test and participant."""
        (own,) = assignments_as_of([self.assignment(request, token)], now=clock.now())
        return Ok(flow_item(own), message="Assignment retrieved successfully")


class AssignmentList(FlowView):
    """All tests the same person can take now."""

    @documented(
        "Get all open assignments of the participant",
        response=FlowListItemOut, many=True, errors=TOKEN_ERRORS, query=TOKEN_QUERY,
    )  # fmt: skip
    def get(self, request: Request) -> Ok:
        """Return open assignments; the token of a finished test still reads this list."""
        own = self.assignment(request)
        rows = assignments_open_for(own.participant_id, now=clock.now())
        items = [flow_item(row) for row in rows]
        return Ok(
            [{"token": item["assignment"]["token"], **item} for item in items],
            message="Assignments retrieved successfully",
        )


class BiodataStatusOut(OutputSerializer):
    """Whether the form is complete, and what is in it."""

    is_complete = serializers.BooleanField()
    biodata = JsonObject()


class BiodataStatus(FlowView):
    """Whether the form has been filled in."""

    @documented(
        "Check biodata status",
        response=BiodataStatusOut,
        errors=TOKEN_ERRORS,
        query=TOKEN_QUERY,
        answer=examples.BIODATA,
    )
    def get(self, request: Request) -> Ok:
        """Return the form as far as it is filled in; name and address of the invitation stand in until then."""
        participant = self.assignment(request).participant
        shown = {"name": participant.name, "email": participant.email, **participant.biodata}
        return Ok(
            {"is_complete": biodata.is_complete(participant.biodata), "biodata": shown},
            message="Biodata status retrieved successfully",
        )


class BiodataIn(Input):
    """The form. Contract 3.4."""

    name = serializers.CharField(max_length=255)
    email = serializers.EmailField(max_length=255)
    phone = serializers.CharField(max_length=20)
    date_of_birth = BirthDate()
    address = serializers.CharField(max_length=500)
    additional_info = serializers.CharField(max_length=1000, required=False, allow_null=True)


class BiodataOut(OutputSerializer):
    """The participant after filling in the form."""

    participant = JsonObject()
    is_complete = serializers.BooleanField()


class BiodataComplete(FlowView):
    """Fill in the form."""

    @documented(
        "Complete biodata",
        request=BiodataIn, response=BiodataOut, errors=(*TOKEN_ERRORS, E.VALIDATION_ERROR), query=TOKEN_QUERY,
        example={
            "name": "John Doe", "email": "john.doe@example.com", "phone": "081234567890",
            "date_of_birth": "1990-01-01", "address": "Jl. Example No. 123",
            "additional_info": "Additional information",
        },
    )  # fmt: skip
    def post(self, request: Request) -> Ok:
        """Merge the form over what is stored."""
        own = self.assignment(request)
        data = BiodataIn.parse(request)
        data["date_of_birth"] = data["date_of_birth"].isoformat()
        participant = biodata_complete(participant_id=own.participant_id, biodata=data, now=clock.now())
        shown = {
            "id": participant.pk,
            "name": participant.name,
            "email": participant.email,
            "biodata": participant.biodata,
        }
        return Ok(
            {"participant": shown, "is_complete": biodata.is_complete(participant.biodata)},
            message="Biodata completed successfully",
        )


class Instructions(FlowView):
    """What to read before starting."""

    @documented("Get test instructions", response=FlowItemOut, errors=TOKEN_ERRORS, query=TOKEN_QUERY)
    def get(self, request: Request) -> Ok:
        """Return test, assignment and participant; the category by name, as documented."""
        own = self.assignment(request)
        test = test_flow(own)
        category = test.pop("category")
        test.pop("type")
        assignment = assignment_flow(own, clock.now())
        return Ok(
            {
                "test": {**test, "category": category["name"] if category else None, **page_routes(own.test)},
                "assignment": {
                    key: assignment[key] for key in ("id", "token", "start_date", "end_date", "time_remaining")
                },
                "participant": {"name": own.participant.name, "email": own.participant.email},
            },
            message="Test instructions retrieved successfully",
        )


def origin_of(request: Request) -> Origin:
    """Return where a start comes from."""
    return Origin(ip=client_ip(request._request), user_agent=str(request.META.get("HTTP_USER_AGENT", ""))[:300])


def started(outcome: Started) -> Ok:
    """Write a started session as contracts 2.7 and 3.6 show it."""
    session, now = outcome.session, clock.now()
    test = test_row(session)
    return Ok(
        {
            "session": {
                "session_token": outcome.token,
                "test": {key: test[key] for key in ("id", "name", "duration_minutes")},
                "started_at": clock.iso(session.started_at),
                "deadline_at": clock.iso(session.deadline_at),
            },
            **clock_keys(session, now),
        },
        message="Test session started successfully",
    )


class SessionStart(FlowView):
    """Start the test, or go on with it."""

    @documented(
        "Start test session",
        response=SessionStartOut, query=TOKEN_QUERY, answer=examples.STARTED,
        errors=(*TOKEN_ERRORS, E.ASSIGNMENT_COMPLETED, E.BIODATA_REQUIRED, E.TEST_NOT_AVAILABLE, E.CONFLICT),
    )  # fmt: skip
    def post(self, request: Request) -> Ok:
        """Return the open session of this assignment, made now if there is none."""
        own = assignment_by_token(request.query_params.get("token"))
        return started(session_start(assignment=own, now=clock.now(), origin=origin_of(request)))
