"""The invitation: one mail per assignment, written when it is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F

from cbt.kernel import jobs, mail
from cbt.kernel.errors import DomainError, ErrorCode
from cbt.kernel.mail import MailContent
from cbt.kernel.models import OutgoingMail
from sessions_app.models import Participant, TestAssignment
from sessions_app.selectors.assignments import assignment_token

KIND = "sessions_app.assignment"
OBJECT_TYPE = "sessions_app.testassignment"


@mail.kind(KIND)
def assignment_mail(context: Mapping[str, object]) -> MailContent | None:
    """Write the invitation, or None when it has lost its point (banned, deleted, completed)."""
    assignment = (
        TestAssignment.objects.select_related("participant__company", "test")
        .filter(pk=int(str(context["assignment_id"])))
        .first()
    )
    if assignment is None or not _is_worth_sending(assignment):
        return None
    test, participant = assignment.test, assignment.participant
    return MailContent(
        subject=f"Penugasan Tes - {test.name}",
        template="sessions_app/assignment",
        context={
            "name": participant.name,
            "company": participant.company.name,
            "test": test,
            "start_at": assignment.start_at,
            "end_at": assignment.end_at,
            "extra_minutes": assignment.extra_seconds // 60,
            "link": assignment_link(assignment),
        },
    )


def _is_worth_sending(assignment: TestAssignment) -> bool:
    participant = assignment.participant
    return participant.banned_at is None and participant.deleted_at is None and not assignment.is_completed


def assignment_link(assignment: TestAssignment) -> str:
    """Return the secret address a participant opens. Source: primary contract, workflow 2."""
    return f"{settings.FRONTEND_URL}/participant/assignment/{assignment_token(assignment)}"


def assignment_mail_enqueue(*, assignment: TestAssignment, participant: Participant) -> OutgoingMail | None:
    """Put the invitation in the outbox, inside the caller's transaction; each request for one is a mail of its own."""
    TestAssignment.objects.filter(pk=assignment.pk).update(mails_requested=F("mails_requested") + 1)
    assignment.refresh_from_db(fields=["mails_requested"])
    return mail.enqueue(
        KIND,
        to=participant.email,
        context={"assignment_id": assignment.pk},
        dedupe_key=f"assignment:{assignment.pk}:{assignment.mails_requested}",
        company_id=participant.company_id,
        about=(OBJECT_TYPE, assignment.pk),
    )


def first_mails_enqueue(*, assignments: Sequence[TestAssignment], now: datetime) -> None:
    """Put the first invitation of each assignment in the outbox, a few statements for all.

    Inside the caller's transaction, for assignments just stored with ``mails_requested=1`` and their participants
    loaded. Each mail has a job of its own, as one that is enqueued alone: its retries are its own.
    """
    made = OutgoingMail.objects.bulk_create(
        [
            OutgoingMail(
                kind=KIND,
                recipient=assignment.participant.email,
                context={"assignment_id": assignment.pk},
                dedupe_key=f"assignment:{assignment.pk}:1",
                company_id=assignment.participant.company_id,
                object_type=OBJECT_TYPE,
                object_id=assignment.pk,
                created_at=now,
            )
            for assignment in assignments
        ]
    )
    jobs.enqueue_many("kernel.send_mail", [({"mail_id": row.pk}, f"mail:{row.pk}") for row in made])


@transaction.atomic
def assignment_mail_resend(*, assignment: TestAssignment) -> TestAssignment:
    """Send the invitation again. Raises MAIL_NOT_SENT for a banned participant or a completed assignment.

    Source: primary contract 8.7.
    """
    if not _is_worth_sending(assignment):
        raise DomainError(ErrorCode.MAIL_NOT_SENT, "Failed to send email")
    assignment_mail_enqueue(assignment=assignment, participant=assignment.participant)
    return assignment


@dataclass(frozen=True, slots=True)
class Resent:
    """Outcome of resending all: how many mails went out, and why others did not."""

    sent: int
    failed: int
    errors: list[dict[str, object]]


@transaction.atomic
def participant_mails_resend(*, participant: Participant, now: datetime) -> Resent:
    """Send the invitations of all open assignments again. Source: primary contract 8.7."""
    sent = 0
    errors: list[dict[str, object]] = []
    for assignment in participant.assignments.filter(completed_at__isnull=True, end_at__gte=now).select_related("test"):
        if participant.banned_at is not None:
            errors.append(
                {
                    "assignment_id": assignment.pk,
                    "participant_email": participant.email,
                    "error": "Failed to send email",
                }
            )
            continue
        assignment_mail_enqueue(assignment=assignment, participant=participant)
        sent += 1
    return Resent(sent=sent, failed=len(errors), errors=errors)
