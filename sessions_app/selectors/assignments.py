"""From a link to its assignment, and what may be done with it now."""

from collections.abc import Iterable
from datetime import datetime

from cbt.kernel.errors import DomainError, ErrorCode, not_found
from cbt.kernel.ids import hash_token, recover_token
from sessions_app.engine import timing
from sessions_app.models import ExamSession, TestAssignment
from sessions_app.states import SessionStatus

ASSIGNMENT_PURPOSE = "assignment"


def assignment_token(assignment: TestAssignment) -> str:
    """Return the link's token; it is derived from the row and the server's key, not stored."""
    token = recover_token(ASSIGNMENT_PURPOSE, assignment.nonce, assignment.token_hash)
    if token is None:
        raise DomainError(ErrorCode.UNAVAILABLE, "The link cannot be opened. Please contact support.")
    return token


def assignment_by_token(token: str | None) -> TestAssignment:
    """Return the assignment of a link with participant, company and test loaded; one query.

    Raises TOKEN_REQUIRED, INVALID_TOKEN (also for a deleted participant). Source: details 2.5.
    """
    if not token:
        raise DomainError(ErrorCode.TOKEN_REQUIRED, "Token is required")
    assignment = (
        TestAssignment.objects.select_related("participant__company", "test__category")
        .filter(token_hash=hash_token(token), participant__deleted_at__isnull=True)
        .first()
    )
    if assignment is None:
        raise DomainError(ErrorCode.INVALID_TOKEN, "Invalid token")
    return assignment


def check_assignment_open(assignment: TestAssignment, *, now: datetime) -> None:
    """Refuse a link that may not be used now: BANNED, COMPANY_INACTIVE, ASSIGNMENT_EXPIRED, ASSIGNMENT_NOT_STARTED."""
    participant = assignment.participant
    if participant.banned_at is not None:
        raise DomainError(ErrorCode.BANNED, "You have been banned from taking tests")
    if not participant.company.is_active or participant.company.deleted_at is not None:
        raise DomainError(ErrorCode.COMPANY_INACTIVE, "Company is inactive")
    if now > assignment.end_at:
        raise DomainError(ErrorCode.ASSIGNMENT_EXPIRED, "Test assignment period has expired")
    if now < assignment.start_at:
        raise DomainError(
            ErrorCode.ASSIGNMENT_NOT_STARTED,
            "Test assignment period has not started yet",
            details={"start_date": assignment.start_at.strftime("%Y-%m-%dT%H:%M:%SZ")},
        )


def assignments_as_of(assignments: Iterable[TestAssignment], *, now: datetime) -> list[TestAssignment]:
    """Return the rows with ``completed_at`` as it is at ``now``, for showing only; one query.

    A session whose time is up ends at its deadline; until a request or the periodic job writes that down, the row
    does not know. Source: decision "then the session closes itself".
    """
    rows = list(assignments)
    late = ExamSession.objects.filter(assignment__in=rows, status=SessionStatus.IN_PROGRESS, deadline_at__lt=now)
    ended = {
        session.assignment_id: session.deadline_at
        for session in late
        if timing.is_over(
            now=now, deadline=session.deadline_at, grace_seconds=session.grace_seconds, paused_at=session.paused_at
        )
    }
    for row in rows:
        row.completed_at = row.completed_at or ended.get(row.pk)
    return rows


def assignments_open_for(participant_id: int, *, now: datetime) -> list[TestAssignment]:
    """Return the participant's assignments that can be taken now, earliest first; two queries. Source: details 2.5."""
    rows = (
        TestAssignment.objects.select_related("participant", "test__category")
        .filter(participant_id=participant_id, completed_at__isnull=True, start_at__lte=now, end_at__gte=now)
        .order_by("start_at", "pk")
    )
    return [row for row in assignments_as_of(rows, now=now) if not row.is_completed]


def assignment_of_company(company_id: int, assignment_id: int) -> TestAssignment:
    """Return a company's assignment with participant and test. Raises NOT_FOUND, also for another company's."""
    assignment = (
        TestAssignment.objects.select_related("participant__company", "test")
        .filter(pk=assignment_id, participant__company_id=company_id, participant__deleted_at__isnull=True)
        .first()
    )
    if assignment is None:
        raise not_found("Assignment not found")
    return assignment
