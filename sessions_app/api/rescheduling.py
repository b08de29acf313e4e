"""Another window or extra time for one assignment, and extra time for a session that is being taken."""

from typing import Any

from rest_framework import serializers

from cbt.http.face import Ok
from cbt.http.fields import Input, MomentIn
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Scope
from cbt.kernel import clock
from cbt.kernel.errors import ErrorCode as E
from cbt.kernel.permissions import Perm
from sessions_app.api.participants import ACCESS, with_aliases
from sessions_app.api.participants_shapes import AssignmentOut, assignment_detail
from sessions_app.api.staff_sessions import StaffSessionOut, StaffView, session_row
from sessions_app.models import TestAssignment
from sessions_app.selectors.assignments import assignment_of_company
from sessions_app.selectors.participants import mail_states
from sessions_app.selectors.sessions import session_for
from sessions_app.services.rescheduling import Times, assignment_reschedule, session_give_time
from tenants.api.base import TenantView

MOST_EXTRA_MINUTES = 1440


class ExtraMinutes(serializers.IntegerField):
    """Extra time in all, on top of the test's duration."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=MOST_EXTRA_MINUTES, help_text="In all, not on top", **options)


class RescheduleIn(Input):
    """What is to hold from now on; what is not sent, or an empty date, stays. Aliases: start_date, end_date."""

    schedule_start_date = MomentIn(required=False, allow_null=True)
    schedule_end_date = MomentIn(end_of_day=True, required=False, allow_null=True)
    extra_minutes = ExtraMinutes(required=False)
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")
    notify = serializers.BooleanField(required=False, default=True, help_text="Send the invitation again")

    def to_internal_value(self, data: Any) -> Any:
        """Read the aliases, then validate."""
        return super().to_internal_value(with_aliases(data) if isinstance(data, dict) else data)


def shown(assignment: TestAssignment) -> dict[str, Any]:
    """Write an assignment with its link and the state of its mail."""
    return assignment_detail(assignment, mail_states([assignment.pk]).get(assignment.pk), clock.now())


class Assignment(TenantView):
    """One assignment: its window, its extra time."""

    permission = {"get": Perm.VIEW_PARTICIPANTS, "put": Perm.ASSIGN_TESTS, "patch": Perm.ASSIGN_TESTS}
    rate = Rate.STAFF
    scope = Scope.COMPANY

    @documented("Get a test assignment", response=AssignmentOut, errors=(*ACCESS, E.NOT_FOUND))
    def get(self, request: Request, assignment_id: int) -> Ok:
        """Return the assignment with its link."""
        assignment = assignment_of_company(self.company.pk, assignment_id)
        return Ok(shown(assignment), message="Test assignment retrieved successfully.")

    @documented(
        "Reschedule a test assignment, or give it extra time", request=RescheduleIn, response=AssignmentOut,
        errors=(
            *ACCESS, E.NOT_FOUND, E.VALIDATION_ERROR, E.BUSINESS_RULE, E.ASSIGNMENT_EXPIRED, E.ASSIGNMENT_COMPLETED,
        ),
        example={"schedule_end_date": "2024-02-15T23:59:59Z", "extra_minutes": 30, "reason": "Needs a reader"},
    )  # fmt: skip
    def put(self, request: Request, assignment_id: int) -> Ok:
        """Change the window or the extra time; a session that is being taken gets its new deadline at once."""
        found = assignment_of_company(self.company.pk, assignment_id)
        data = RescheduleIn.parse(request)
        minutes = data.get("extra_minutes")
        times = Times(
            start_at=data.get("schedule_start_date"),
            end_at=data.get("schedule_end_date"),
            extra_seconds=None if minutes is None else minutes * 60,
            reason=data["reason"],
        )
        assignment_reschedule(
            assignment_id=found.pk, times=times, tells_participant=data["notify"], now=clock.now(), actor=request.actor
        )
        changed = assignment_of_company(self.company.pk, assignment_id)
        return Ok(shown(changed), message="Test assignment updated successfully.")

    patch = put


class ExtraTimeIn(Input):
    """How much, and why."""

    extra_minutes = ExtraMinutes()
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class ExtraTime(StaffView):
    """Extra time for a session that is being taken, whatever it stands on."""

    permission = Perm.BAN_PARTICIPANTS

    @documented(
        "Give a session extra time", request=ExtraTimeIn, response=StaffSessionOut,
        errors=(
            *ACCESS, E.NOT_FOUND, E.VALIDATION_ERROR, E.BUSINESS_RULE, E.SESSION_NOT_IN_PROGRESS,
            E.ASSIGNMENT_EXPIRED, E.ASSIGNMENT_COMPLETED,
        ),
        example={"extra_minutes": 15, "reason": "Fire alarm"},
    )  # fmt: skip
    def put(self, request: Request, session_id: int) -> Ok:
        """Set the extra time in all and move the deadline, never beyond the end of the assignment's window."""
        found = session_for(request.actor, session_id)
        data = ExtraTimeIn.parse(request)
        session_give_time(
            session_id=found.pk,
            extra_seconds=data["extra_minutes"] * 60,
            reason=data["reason"],
            now=clock.now(),
            actor=request.actor,
        )
        return Ok(session_row(session_for(request.actor, session_id)), message="Session time changed successfully")
