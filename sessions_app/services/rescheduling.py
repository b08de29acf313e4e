"""Other times for a sitting: another window for its assignment, extra time for it or for a session on other ground.

A running session's deadline moves at once: `min(start + duration + extra time + pauses, end of the window)`.
Source: decision "the server owns the clock".
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from catalog.selectors.versions import version_load
from cbt.kernel import audit, clock
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode, invalid, not_found
from sessions_app.engine import timing
from sessions_app.models import ExamSession, TestAssignment
from sessions_app.services import refusals
from sessions_app.services.closing import is_late, login_prolong, session_close_if_late
from sessions_app.services.events import event_append
from sessions_app.services.locks import lock_assignment, lock_session
from sessions_app.services.mails import assignment_mail_enqueue
from sessions_app.states import EventKind, SessionStatus


@dataclass(frozen=True, slots=True)
class Times:
    """What is to hold from now on; None leaves a thing as it is. extra_seconds: >= 0, in all, not on top."""

    start_at: datetime | None = None
    end_at: datetime | None = None
    extra_seconds: int | None = None
    reason: str = ""


def assignment_reschedule(
    *, assignment_id: int, times: Times, tells_participant: bool, now: datetime, actor: Actor
) -> TestAssignment:
    """Give an assignment, and the session that is being taken on it, other times; the same twice changes nothing.

    tells_participant: another window is told by the invitation, sent again with the same link.
    Raises VALIDATION_ERROR (empty window, end in the past, less time than is used), ASSIGNMENT_COMPLETED,
    ASSIGNMENT_EXPIRED (extra time for a window that is over), BUSINESS_RULE (another start after it has been started).
    """
    running = ExamSession.objects.filter(assignment_id=assignment_id, status=SessionStatus.IN_PROGRESS).first()
    if running is not None:
        session_close_if_late(now=now, token_hash=running.token_hash)
    with transaction.atomic():
        assignment = lock_assignment(assignment_id)
        before = _told(assignment)
        is_moved = _apply(assignment, times, now)
        if _told(assignment) == before:
            return assignment
        assignment.save(update_fields=["start_at", "end_at", "extra_seconds"])
        _move_running(assignment, times.reason, now)
        if is_moved and tells_participant and assignment.participant.banned_at is None:
            assignment_mail_enqueue(assignment=assignment, participant=assignment.participant)
        audit.record(
            "sessions_app.assignment.rescheduled", actor=actor, obj=assignment, company_id=assignment.company_id,
            before=before, after=_told(assignment), reason=times.reason,
        )  # fmt: skip
        return assignment


def session_give_time(*, session_id: int, extra_seconds: int, reason: str, now: datetime, actor: Actor) -> ExamSession:
    """Give a session extra time in all; where it stands on an assignment, that one keeps it for another attempt too.

    Raises NOT_FOUND, SESSION_NOT_IN_PROGRESS, BUSINESS_RULE (no time limit), and what `assignment_reschedule` raises.
    """
    found = ExamSession.objects.filter(pk=session_id).first()
    if found is None:
        raise not_found()
    session_close_if_late(now=now, token_hash=found.token_hash)
    with transaction.atomic():
        if found.assignment_id is not None:
            lock_assignment(found.assignment_id)
        session = lock_session(pk=session_id)
        if session is None or not session.is_open:
            raise refusals.not_in_progress(session.status if session else found.status)
        _check_has_clock(session)
        if session.assignment_id is not None:
            times = Times(extra_seconds=extra_seconds, reason=reason)
            assignment_reschedule(
                assignment_id=session.assignment_id, times=times, tells_participant=False, now=now, actor=actor
            )
            session.refresh_from_db()
            return session
        if session.extra_seconds != extra_seconds:
            before = session.extra_seconds
            _move_session(session, None, extra_seconds, reason, now)
            audit.record(
                "sessions_app.session.time_changed", actor=actor, obj=session, company_id=session.company_id,
                before=before, after=extra_seconds, reason=reason,
            )  # fmt: skip
        return session


def _check_has_clock(session: ExamSession) -> None:
    """Refuse to promise time that would not come: extra time lengthens a duration, never a window."""
    if session.deadline_at is None:
        raise DomainError(ErrorCode.BUSINESS_RULE, "The test has no time limit")
    if not version_load(session.version_id).duration_minutes:
        only_window = "The test has no time limit of its own. Give the assignment a later end instead."
        raise DomainError(ErrorCode.BUSINESS_RULE, only_window)


def _told(assignment: TestAssignment) -> dict[str, object]:
    return {
        "start_date": clock.iso(assignment.start_at),
        "end_date": clock.iso(assignment.end_at),
        "extra_seconds": assignment.extra_seconds,
    }


def _apply(assignment: TestAssignment, times: Times, now: datetime) -> bool:
    """Write the new times into a locked assignment; tell whether the window is another one."""
    if assignment.is_completed:
        raise DomainError(ErrorCode.ASSIGNMENT_COMPLETED, "Test already completed")
    window = (assignment.start_at, assignment.end_at)
    start_at, end_at = times.start_at or assignment.start_at, times.end_at or assignment.end_at
    if end_at <= start_at:
        raise invalid(schedule_end_date="The schedule end date must be a date after schedule start date.")
    if end_at <= now:
        if times.end_at is None:
            raise DomainError(ErrorCode.ASSIGNMENT_EXPIRED, "Test assignment period has expired")
        raise invalid(schedule_end_date="The schedule end date must be a date after now.")
    if start_at != assignment.start_at and assignment.sessions.exists():
        raise DomainError(ErrorCode.BUSINESS_RULE, "The test has been started. Its start date cannot be changed.")
    assignment.start_at, assignment.end_at = start_at, end_at
    if times.extra_seconds is not None:
        assignment.extra_seconds = times.extra_seconds
    return window != (start_at, end_at)


def _move_running(assignment: TestAssignment, reason: str, now: datetime) -> None:
    running = assignment.sessions.filter(status=SessionStatus.IN_PROGRESS).first()
    session = lock_session(pk=running.pk) if running is not None else None
    if session is not None and session.is_open and not is_late(session, now):
        _move_session(session, assignment.end_at, assignment.extra_seconds, reason, now)
        login_prolong(session)  # while the clock is stopped the window alone may be what moved


def _move_session(
    session: ExamSession, window_end: datetime | None, extra_seconds: int, reason: str, now: datetime
) -> None:
    """Give a locked, open session its new deadline; nothing is told where it stays the same."""
    deadline = timing.deadline_at(
        started_at=session.started_at,
        duration_minutes=version_load(session.version_id).duration_minutes,
        window_end=window_end,
        extra_seconds=extra_seconds,
        paused_seconds=session.paused_seconds,
    )
    if deadline is not None and deadline <= (session.paused_at or now):
        raise invalid(extra_minutes="The test has been running for longer than the time that would be left.")
    if (deadline, extra_seconds) == (session.deadline_at, session.extra_seconds):
        return
    session.deadline_at, session.extra_seconds = deadline, extra_seconds
    session.save(update_fields=["deadline_at", "extra_seconds"])
    login_prolong(session)
    event_append(
        session=session,
        kind=EventKind.TIME_CHANGED,
        payload={"extra_seconds": extra_seconds, "deadline_at": clock.iso(deadline), "reason": reason},
        now=now,
    )
