"""The one mover of an exam session: from in progress to completed, banned or abandoned; and pausing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from accounts.services.login import logins_last_until
from cbt.kernel import audit, clock, jobs
from cbt.kernel.actor import SYSTEM, Actor
from cbt.kernel.errors import DomainError, ErrorCode, not_found
from cbt.kernel.events import SessionBanned, SessionCompleted, publish
from cbt.kernel.ids import hash_token
from sessions_app.engine import timing
from sessions_app.models import ExamSession, Result, TestAssignment
from sessions_app.services import refusals
from sessions_app.services.bans import participant_ban_record
from sessions_app.services.events import Origin, event_append, told
from sessions_app.services.locks import lock_chain, lock_open_sessions, lock_participant, lock_session
from sessions_app.services.results import result_make
from sessions_app.states import TRANSITIONS, EventKind, SessionStatus, SubmittedBy

BATCH = 200
#: How long a stopped clock keeps the logins of its candidate.
LONGEST_PAUSE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Submitted:
    """Outcome of a submit. is_replay: the session had been submitted before and nothing was done now."""

    session: ExamSession
    result: Result
    is_replay: bool


def session_submit(*, token: str, now: datetime, origin: Origin | None = None) -> Submitted:
    """Complete a session and score it, once; a second submit returns the first result.

    origin: where it came from, for the log.

    Raises NOT_FOUND, BANNED, SESSION_NOT_IN_PROGRESS. Source: primary contract 4.3.
    """
    with transaction.atomic():
        session = lock_chain(hash_token(token))
        if session is None:
            raise not_found()
        if session.status == SessionStatus.COMPLETED:
            return Submitted(session, session.results.get(is_current=True), is_replay=True)
        if not session.is_open:
            raise refusals.not_in_progress(session.status)
        if is_late(session, now):
            return Submitted(session, _run_out(session, now), is_replay=False)
        result = _complete(session, by=SubmittedBy.TAKER, at=now, now=now, origin=origin)
        return Submitted(session, result, is_replay=False)


def login_prolong(session: ExamSession) -> None:
    """See that the logins of a session's candidate last to its end, grace included; in the caller's transaction.

    Nobody knows the end of one whose clock is stopped: they last through a pause of a day, within the window.
    """
    participant, until = session.participant, session.deadline_at
    if session.paused_at is not None and until is not None:
        longest = until + LONGEST_PAUSE
        until = min(session.assignment.end_at, longest) if session.assignment else longest
    if participant is not None and participant.user_id is not None and until is not None:
        logins_last_until(user_id=participant.user_id, until=until + timedelta(seconds=session.grace_seconds))


def session_close_if_late(*, now: datetime, token: str | None = None, token_hash: str | None = None) -> bool:
    """Complete a session whose time is up; tell whether it was. Answers are kept and scored.

    To be called outside the transaction of a request that will be refused: a refusal must not undo it.
    """
    wanted = token_hash or hash_token(token or "")
    found = ExamSession.objects.filter(token_hash=wanted, status=SessionStatus.IN_PROGRESS).first()
    return found is not None and is_late(found, now) and _close(wanted, now)


def _close(token_hash: str, now: datetime) -> bool:
    with transaction.atomic():
        session = lock_chain(token_hash)
        if session is None or not session.is_open or not is_late(session, now):
            return False
        _run_out(session, now)
        return True


def _run_out(session: ExamSession, now: datetime) -> Result:
    return _complete(session, by=SubmittedBy.TIMER, at=session.deadline_at or now, now=now)


@jobs.periodic("sessions_app.close_late", every_seconds=30, purpose="complete and score sessions whose time is up")
def sessions_close_late() -> dict[str, int]:
    """Close every late session, each in a transaction of its own. Requests close theirs without waiting for this."""
    now = clock.now()
    closed = 0
    for session in late_sessions(now):
        closed += _close(session.token_hash, now)
    return {"closed": closed}


def late_sessions(now: datetime) -> list[ExamSession]:
    """Return sessions past deadline and grace, oldest first, a batch at most."""
    rows = ExamSession.objects.filter(
        status=SessionStatus.IN_PROGRESS, paused_at__isnull=True, deadline_at__lt=now
    ).order_by("deadline_at")
    return [row for row in rows[:BATCH] if is_late(row, now)]


def is_late(session: ExamSession, now: datetime) -> bool:
    """Tell whether deadline and grace have passed; the clock of a paused session stands still."""
    return timing.is_over(
        now=now, deadline=session.deadline_at, grace_seconds=session.grace_seconds, paused_at=session.paused_at
    )


def session_lock_open(token: str, *, now: datetime, may_ban: bool = False) -> ExamSession:
    """Lock and return an open session for a write, inside the caller's transaction.

    may_ban: the caller may call `session_ban`; participant and assignment are locked first, as the order wants.
    Raises NOT_FOUND, BANNED, SESSION_NOT_IN_PROGRESS, SESSION_PAUSED.
    """
    token_hash = hash_token(token)
    session = lock_chain(token_hash, with_participant=True) if may_ban else lock_session(token_hash=token_hash)
    if session is None:
        raise not_found()
    if not session.is_open or is_late(session, now):
        raise refusals.not_in_progress(session.status if not session.is_open else SessionStatus.COMPLETED)
    if session.paused_at is not None:
        raise refusals.paused()
    return session


def _move(session: ExamSession, to: SessionStatus) -> None:
    if to not in TRANSITIONS[SessionStatus(session.status)]:
        raise refusals.not_in_progress(session.status)
    session.status = to


def _complete(
    session: ExamSession, *, by: SubmittedBy, at: datetime, now: datetime, origin: Origin | None = None
) -> Result:
    _stop_clock(session, at)
    _move(session, SessionStatus.COMPLETED)
    session.completed_at = at
    session.submitted_by = by
    session.save()
    kind = EventKind.SUBMITTED if by is SubmittedBy.TAKER else EventKind.TIME_RAN_OUT
    payload = {"time_spent_seconds": session.time_spent_seconds, **told(origin)}
    event_append(session=session, kind=kind, payload=payload, now=now)
    if session.assignment_id is not None:
        TestAssignment.objects.filter(pk=session.assignment_id).update(completed_at=at)
    result = result_make(session=session, now=now, reason="submitted", actor=SYSTEM)
    publish(SessionCompleted(session.pk))
    return result


def _stop_clock(session: ExamSession, at: datetime) -> None:
    until = session.paused_at or at
    session.time_spent_seconds = timing.time_spent_seconds(
        started_at=session.started_at,
        until=until,
        deadline=session.deadline_at,
        paused_seconds=session.paused_seconds,
    )


def session_ban(
    *, session: ExamSession, reason: str, now: datetime, actor: Actor, bans_participant: bool = True
) -> None:
    """End a locked, open session by a ban; a participant is banned with all open sessions, a private buyer is not.

    Raises SESSION_NOT_IN_PROGRESS when it has ended already.
    """
    _ban_one(session, reason, now, actor)
    if session.participant_id is not None and bans_participant:
        participant = lock_participant(session.participant_id)
        participant_ban_record(participant=participant, reason=reason, now=now, actor=actor, session_id=session.pk)
        for other in lock_open_sessions(session.participant_id):
            _ban_one(other, reason, now, actor)


def sessions_ban_open(*, participant_id: int, reason: str, now: datetime, actor: Actor) -> int:
    """Ban every open session of a participant inside the caller's transaction; return how many."""
    sessions = lock_open_sessions(participant_id)
    for session in sessions:
        _ban_one(session, reason, now, actor)
    return len(sessions)


def _ban_one(session: ExamSession, reason: str, now: datetime, actor: Actor) -> None:
    _stop_clock(session, now)
    _move(session, SessionStatus.BANNED)
    session.banned_at = now
    session.ban_reason = reason[:1000]
    session.save()
    event_append(session=session, kind=EventKind.BANNED, payload={"reason": reason}, now=now)
    audit.record("sessions_app.session.banned", actor=actor, obj=session, company_id=session.company_id, reason=reason)
    publish(SessionBanned(session.pk))


def session_flag(*, session: ExamSession) -> None:
    """Ask a person to look at a locked session."""
    if not session.is_flagged:
        session.is_flagged = True
        session.save(update_fields=["is_flagged"])


def session_pause(*, session: ExamSession, reason: str, now: datetime) -> None:
    """Stop the clock of a locked, open session until staff lets it go on."""
    if session.paused_at is None:
        session.paused_at = now
        session.is_flagged = True
        session.save(update_fields=["paused_at", "is_flagged"])
        login_prolong(session)
        event_append(session=session, kind=EventKind.PAUSED, payload={"reason": reason}, now=now)


@transaction.atomic
def session_continue(*, session_id: int, now: datetime, actor: Actor) -> ExamSession:
    """Let a paused session go on; the pause is given back as time, up to the end of the window.

    Raises NOT_FOUND, SESSION_NOT_IN_PROGRESS, BUSINESS_RULE when it is not paused.
    """
    session = lock_session(pk=session_id)
    if session is None:
        raise not_found()
    if not session.is_open:
        raise refusals.not_in_progress(session.status)
    if session.paused_at is None:
        raise DomainError(ErrorCode.BUSINESS_RULE, "Session is not paused")
    seconds = max(0, int((now - session.paused_at).total_seconds()))
    session.deadline_at = timing.deadline_after_pause(
        deadline=session.deadline_at,
        paused_seconds=seconds,
        window_end=session.assignment.end_at if session.assignment else None,
    )
    session.paused_seconds += seconds
    session.paused_at = None
    session.save(update_fields=["deadline_at", "paused_seconds", "paused_at"])
    login_prolong(session)
    event_append(session=session, kind=EventKind.CONTINUED, payload={"paused_seconds": seconds}, now=now)
    audit.record(
        "sessions_app.session.continued", actor=actor, obj=session, company_id=session.company_id, seconds=seconds
    )
    return session


@transaction.atomic
def session_abandon(*, session_id: int, reason: str, now: datetime, actor: Actor) -> ExamSession:
    """Give an open session up for its taker (a broken machine, a fire alarm): not scored, may be started again.

    Raises NOT_FOUND, SESSION_NOT_IN_PROGRESS.
    """
    session = lock_session(pk=session_id)
    if session is None:
        raise not_found()
    _stop_clock(session, now)
    _move(session, SessionStatus.ABANDONED)
    session.abandoned_at = now
    session.save()
    event_append(session=session, kind=EventKind.ABANDONED, payload={"reason": reason}, now=now)
    audit.record(
        "sessions_app.session.abandoned", actor=actor, obj=session, company_id=session.company_id, reason=reason
    )
    return session
