"""Participants as companies manage them. Contract 7.5, 8.5 and 8.7."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from accounts.api.serializers import PasswordField
from cbt.http import pages
from cbt.http.face import Ok
from cbt.http.fields import IdField, Input, JsonObject, MomentIn
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Scope
from cbt.kernel import clock
from cbt.kernel.errors import ErrorCode as E
from cbt.kernel.errors import invalid
from cbt.kernel.permissions import Perm
from sessions_app.api.participants_shapes import (
    AssignmentOut,
    CredentialsOut,
    ParticipantBriefOut,
    ParticipantDetailOut,
    ParticipantRowOut,
    assignment_detail,
    participant_brief,
    participant_detail,
    participant_row,
)
from sessions_app.models import Participant
from sessions_app.selectors.assignments import assignment_of_company
from sessions_app.selectors.participants import has_number, mail_states, participant_for, participant_list_for
from sessions_app.services import participants as service
from sessions_app.services.credentials import Wish
from sessions_app.services.mails import assignment_mail_resend, participant_mails_resend
from tenants.api.base import TenantView

ACCESS = (E.UNAUTHENTICATED, E.FORBIDDEN, E.COMPANY_ADMIN_NOT_FOUND, E.COMPANY_INACTIVE, E.SUBSCRIPTION_REQUIRED)


class ParticipantCreateIn(Input):
    """A person to invite. Contract 8.5; start_date and end_date are read as aliases."""

    name = serializers.CharField(max_length=255)
    email = serializers.EmailField(max_length=255)
    schedule_start_date = MomentIn()
    schedule_end_date = MomentIn(end_of_day=True)
    test_ids = serializers.ListField(child=IdField(), allow_empty=False, max_length=50)
    participant_number = serializers.CharField(
        max_length=40,
        required=False,
        allow_null=True,
        help_text="To sign in with; made up when only a password is given",
    )
    password = PasswordField(
        max_length=1000, required=False, allow_null=True, help_text="Made up when only a number is given"
    )

    def to_internal_value(self, data: Any) -> Any:
        """Read the aliases, then validate."""
        return super().to_internal_value(with_aliases(data) if isinstance(data, dict) else data)


class ParticipantUpdateIn(Input):
    """What may be changed."""

    name = serializers.CharField(max_length=255, required=False)
    email = serializers.EmailField(max_length=255, required=False)


class BanIn(Input):
    """Why a participant is banned."""

    reason = serializers.CharField(max_length=1000, required=False, allow_blank=True, allow_null=True, default="")


#: What ``search`` looks at.
SEARCHED = "In name and address; or a whole participant number"


def detail_of(request: Request, participant_id: int) -> dict[str, Any]:
    """Write one participant the caller may see."""
    participant = participant_for(request.actor, participant_id)
    return participant_detail(participant, mail_states([row.pk for row in participant.assignments.all()]))


def filtered(request: Request) -> QuerySet[Participant]:
    """Return the participants the caller may see, narrowed by the request's filters, newest first."""
    rows = participant_list_for(request.actor)
    if searched := pages.search_of(request, "name", "email"):
        rows = rows.filter(searched | has_number(request.query_params["search"]))
    status = pages.choice_of(request, "status", {"active", "banned"})
    is_banned = {"active": False, "banned": True}.get(status or "", pages.bool_of(request, "banned"))
    if is_banned is not None:
        rows = rows.filter(banned_at__isnull=not is_banned)
    company_id = pages.int_of(request, "company_id")
    return rows if company_id is None else rows.filter(company_id=company_id)


def window_of(data: Mapping[str, Any], now: datetime) -> service.Window:
    """Return the window of an invitation. Raises VALIDATION_ERROR unless it ends after it starts, and after now."""
    window = service.Window(data["schedule_start_date"], data["schedule_end_date"])
    if window.end_at <= window.start_at:
        raise invalid(schedule_end_date="The schedule end date must be a date after schedule start date.")
    if window.end_at <= now:
        raise invalid(schedule_end_date="The schedule end date must be a date after now.")
    return window


def with_aliases(data: dict[str, Any]) -> dict[str, Any]:
    """Read start_date and end_date where the contract's names are not sent."""
    for name, alias in (("schedule_start_date", "start_date"), ("schedule_end_date", "end_date")):
        if (data.get(name) is None or data[name] == "") and alias in data:
            data = {**data, name: data[alias]}
    return data


def wish_of(data: Mapping[str, Any]) -> Wish | None:
    """Return the number and password wished for, None when neither is given."""
    number, password = data.get("participant_number"), data.get("password")
    return Wish(number, password) if number is not None or password is not None else None


class Participants(TenantView):
    """The list, and inviting one person."""

    permission = {"get": Perm.VIEW_PARTICIPANTS, "post": Perm.CREATE_PARTICIPANTS}
    rate = Rate.STAFF
    scope = Scope.COMPANY
    admits_super_admin = {"get": True, "post": False}

    @documented(
        "List participants", response=ParticipantRowOut, paged=True, errors=(*ACCESS, E.VALIDATION_ERROR),
        query=[
            ("status", "active or banned"), ("search", SEARCHED), ("company_id", "Super admin only"),
        ],
    )  # fmt: skip
    def get(self, request: Request) -> Ok:
        """Return a page of participants, newest first; banned ones are shown too."""
        return Ok(page=pages.page_of(filtered(request), request, participant_row))

    @documented(
        "Create participant",
        request=ParticipantCreateIn, response=ParticipantDetailOut, status=201,
        errors=(*ACCESS, E.VALIDATION_ERROR, E.BUSINESS_RULE, E.EMAIL_TAKEN, E.QUOTA_EXCEEDED),
        example={
            "name": "Participant Name", "email": "participant@example.com",
            "schedule_start_date": "2024-01-01T00:00:00Z", "schedule_end_date": "2024-01-31T23:59:59Z",
            "test_ids": [1, 2, 3],
        },
    )  # fmt: skip
    def post(self, request: Request) -> Ok:
        """Invite a person: a link by mail for each test, and credentials where a number or password is given."""
        data = ParticipantCreateIn.parse(request)
        now = clock.now()
        invited = service.participant_invite(
            company_id=self.company.pk,
            name=data["name"],
            email=data["email"],
            test_ids=data["test_ids"],
            window=window_of(data, now),
            wish=wish_of(data),
            now=now,
            actor=request.actor,
        )
        told = {"credentials": CredentialsOut(invited.credentials).data} if invited.credentials else {}
        return Ok(
            {**detail_of(request, invited.participant.pk), **told},
            message="Participant created successfully with test assignments.",
            status=201,
        )


class ParticipantOne(TenantView):
    """One participant."""

    permission = {
        "get": Perm.VIEW_PARTICIPANTS, "put": Perm.EDIT_PARTICIPANTS,
        "patch": Perm.EDIT_PARTICIPANTS, "delete": Perm.DELETE_PARTICIPANTS,
    }  # fmt: skip
    rate = Rate.STAFF
    scope = Scope.COMPANY
    admits_super_admin = {"get": True, "put": False, "patch": False, "delete": False}

    @documented("Get participant details", response=ParticipantDetailOut, errors=(*ACCESS, E.NOT_FOUND))
    def get(self, request: Request, participant_id: int) -> Ok:
        """Return the participant with form, links and sessions."""
        return Ok(detail_of(request, participant_id))

    @documented(
        "Update participant", request=ParticipantUpdateIn, response=ParticipantBriefOut,
        errors=(*ACCESS, E.NOT_FOUND, E.VALIDATION_ERROR, E.EMAIL_TAKEN),
        example={"name": "New Name", "email": "newemail@example.com"},
    )  # fmt: skip
    def put(self, request: Request, participant_id: int) -> Ok:
        """Change name or address; what is not sent stays."""
        data = ParticipantUpdateIn.parse(request)
        found = participant_for(request.actor, participant_id)
        changed = service.participant_update(
            participant_id=found.pk,
            name=data.get("name"),
            email=data.get("email"),
            now=clock.now(),
            actor=request.actor,
        )
        return Ok(participant_brief(changed), message="Participant updated successfully.")

    patch = put

    @documented("Delete participant", errors=(*ACCESS, E.NOT_FOUND))
    def delete(self, request: Request, participant_id: int) -> Ok:
        """Hide the participant: links die, answers and results stay."""
        found = participant_for(request.actor, participant_id)
        service.participant_delete(participant_id=found.pk, now=clock.now(), actor=request.actor)
        return Ok(message="Participant deleted successfully.")


class Ban(TenantView):
    """Ban a participant."""

    permission = Perm.BAN_PARTICIPANTS
    rate = Rate.STAFF
    scope = Scope.COMPANY

    @documented(
        "Ban participant", request=BanIn, response=ParticipantBriefOut, errors=(*ACCESS, E.NOT_FOUND),
        example={"reason": "Cheating detected"},
    )  # fmt: skip
    def post(self, request: Request, participant_id: int) -> Ok:
        """Ban the participant and end open sessions at once."""
        reason = BanIn.parse(request).get("reason") or ""
        found = participant_for(request.actor, participant_id)
        banned = service.participant_ban(
            participant_id=found.pk, reason=reason, now=clock.now(), actor=request.actor
        )  # fmt: skip
        return Ok(participant_brief(banned), message="Participant banned successfully.")


class Unban(TenantView):
    """Lift a ban."""

    permission = Perm.BAN_PARTICIPANTS
    rate = Rate.STAFF
    scope = Scope.COMPANY

    @documented("Unban participant", response=ParticipantBriefOut, errors=(*ACCESS, E.NOT_FOUND))
    def post(self, request: Request, participant_id: int) -> Ok:
        """Let the participant use the links again; banned sessions stay banned."""
        found = participant_for(request.actor, participant_id)
        freed = service.participant_unban(participant_id=found.pk, now=clock.now(), actor=request.actor)
        return Ok(participant_brief(freed), message="Participant unbanned successfully.")


class ResendEmail(TenantView):
    """Send one invitation again."""

    permission = Perm.ASSIGN_TESTS
    rate = Rate.MAIL
    scope = Scope.COMPANY

    @documented("Resend assignment email", response=AssignmentOut, errors=(*ACCESS, E.NOT_FOUND, E.MAIL_NOT_SENT))
    def post(self, request: Request, assignment_id: int) -> Ok:
        """Put the invitation in the outbox again."""
        assignment = assignment_of_company(self.company.pk, assignment_id)
        assignment_mail_resend(assignment=assignment)
        mails = mail_states([assignment.pk])
        return Ok(
            assignment_detail(assignment, mails.get(assignment.pk), clock.now()),
            message="Test assignment email sent successfully.",
        )


class ResendAllEmails(TenantView):
    """Send all open invitations of a participant again."""

    permission = Perm.ASSIGN_TESTS
    rate = Rate.MAIL
    scope = Scope.COMPANY

    @documented("Resend all emails of a participant", response=JsonObject(), errors=(*ACCESS, E.NOT_FOUND))
    def post(self, request: Request, participant_id: int) -> Ok:
        """Put the invitations of all open assignments in the outbox again."""
        participant = participant_for(request.actor, participant_id)
        outcome = participant_mails_resend(participant=participant, now=clock.now())
        return Ok(
            {"sent": outcome.sent, "failed": outcome.failed, "errors": outcome.errors},
            message=f"Email sending completed. {outcome.sent} sent, {outcome.failed} failed.",
        )
