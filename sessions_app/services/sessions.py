"""Starting an exam session; the other moves stand in `closing` and are offered here under one roof."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction

from catalog.models import Test, TestVersion
from catalog.selectors.versions import version_load
from catalog.services.versions import version_freeze
from cbt.kernel.errors import DomainError, ErrorCode
from cbt.kernel.ids import derive_token, hash_token, new_nonce, recover_token
from commerce.models import Purchase
from sessions_app.engine import biodata, ordering, timing
from sessions_app.models import ExamSession, SessionPaper, TestAssignment
from sessions_app.selectors.assignments import check_assignment_open
from sessions_app.selectors.sessions import sessions_on
from sessions_app.services import refusals
from sessions_app.services.closing import (
    login_prolong,
    session_abandon,
    session_ban,
    session_close_if_late,
    session_continue,
    session_flag,
    session_lock_open,
    session_pause,
    session_submit,
)
from sessions_app.services.events import Origin, event_append
from sessions_app.services.locks import lock_assignment, lock_participant, lock_session, lock_user
from sessions_app.states import EventKind, SessionStatus

__all__ = [
    "Origin", "session_abandon", "session_ban", "session_close_if_late", "session_continue", "session_flag",
    "session_lock_open", "session_pause", "session_start", "session_start_class", "session_start_file",
    "session_start_purchase",
    "session_submit",
]  # fmt: skip

TOKEN_PREFIX = "SESSION-"  # noqa: S105 - a prefix
TOKEN_PURPOSE = "session"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Started:
    """A session ready to be taken. is_new: False when an open one was found and goes on."""

    session: ExamSession
    token: str
    is_new: bool


def session_start(*, assignment: TestAssignment, now: datetime, origin: Origin, needs_biodata: bool = True) -> Started:
    """Start the assignment's test, or go on with the open session.

    assignment: found by its token or its candidate's login, with participant, company and test loaded.
    needs_biodata: False for a candidate who signed in, whom the tenant knows and who has no form to fill in.
    Raises BANNED, COMPANY_INACTIVE, ASSIGNMENT_EXPIRED, ASSIGNMENT_NOT_STARTED, ASSIGNMENT_COMPLETED,
    BIODATA_REQUIRED, TEST_NOT_AVAILABLE. Source: primary contract 3.6.
    """
    check_assignment_open(assignment, now=now)
    participant, test = assignment.participant, assignment.test
    if needs_biodata and not biodata.is_complete(participant.biodata):
        raise DomainError(ErrorCode.BIODATA_REQUIRED, "Please complete your biodata before starting the test")
    _close_open_if_late(now, assignment_id=assignment.pk)
    version = version_freeze(test.pk)
    with transaction.atomic():
        if lock_participant(participant.pk).banned_at is not None:
            raise refusals.banned()
        locked = lock_assignment(assignment.pk)
        draft = ExamSession(
            assignment=locked, participant_id=participant.pk, company_id=participant.company_id, test=test,
            extra_seconds=locked.extra_seconds,
        )  # fmt: skip
        begun = _start_or_resume(
            draft, version, window_end=locked.end_at, now=now, origin=origin, used_up=_assignment_used_up
        )
        login_prolong(begun.session)
        return begun


def session_start_purchase(*, purchase: Purchase, now: datetime, origin: Origin) -> Started:
    """Start a bought test, or go on with the open session. One purchase gives ``max_attempts`` attempts (1).

    An attempt that ended in a ban has been used.

    Raises TEST_NOT_AVAILABLE, ATTEMPTS_USED_UP. Source: primary contract 2.7.
    """
    _close_open_if_late(now, purchase_id=purchase.pk)
    version = version_freeze(purchase.test.pk)
    with transaction.atomic():
        locked = Purchase.objects.select_for_update(of=("self",)).get(pk=purchase.pk)
        draft = ExamSession(purchase=locked, user_id=locked.user_id, test=purchase.test)
        return _start_or_resume(draft, version, window_end=None, now=now, origin=origin, used_up=_purchase_used_up)


def session_start_file(
    *, user_id: int, exam_file: str, test: Test, now: datetime, origin: Origin, is_published: bool = True
) -> Started:
    """Start an exam that is kept as a file, or go on with the open session; ``test`` is what the file became.

    Whether it may be taken is its publisher's word, not the catalogue's; who has begun goes on without it. One user
    gets ``max_attempts`` attempts. Raises ATTEMPTS_USED_UP, TEST_NOT_AVAILABLE. Source: exam-files contract, "Rules".
    """
    _close_open_if_late(now, user_id=user_id, exam_file=exam_file)
    version = version_freeze(test.pk)
    with transaction.atomic():
        lock_user(user_id)
        draft = ExamSession(user_id=user_id, exam_file=exam_file, test=test)
        return _start_or_resume(
            draft, version, window_end=None, now=now, origin=origin, used_up=_purchase_used_up,
            is_on_offer=is_published,
        )  # fmt: skip


def session_start_class(*, taker_id: int, test: Test, now: datetime, origin: Origin) -> Started:
    """Start a test of a class for one of its takers, or go on with the open session; ``max_attempts`` attempts (1).

    Inside the caller's transaction it holds the taker's row. Raises TEST_NOT_AVAILABLE, ATTEMPTS_USED_UP.
    """
    if test.starts_at is not None and now < test.starts_at:
        raise DomainError(ErrorCode.TEST_NOT_AVAILABLE, "The test has not started yet")
    _close_open_if_late(now, taker_id=taker_id, test_id=test.pk)
    version = version_freeze(test.pk)
    with transaction.atomic():
        lock_user(taker_id)
        draft = ExamSession(taker_id=taker_id, user_id=taker_id, test=test)
        return _start_or_resume(draft, version, window_end=None, now=now, origin=origin, used_up=_purchase_used_up)


def _check_available(test: Test) -> None:
    if not test.is_active or test.deleted_at is not None:
        raise DomainError(ErrorCode.TEST_NOT_AVAILABLE, "Test is not available")


def _close_open_if_late(now: datetime, **ground: int | str) -> None:
    for token_hash in ExamSession.objects.filter(status=SessionStatus.IN_PROGRESS, **ground).values_list(
        "token_hash", flat=True
    ):
        session_close_if_late(token_hash=token_hash, now=now)


def _assignment_used_up() -> DomainError:
    return DomainError(ErrorCode.ASSIGNMENT_COMPLETED, "Test assignment already completed")


def _purchase_used_up() -> DomainError:
    return DomainError(ErrorCode.ATTEMPTS_USED_UP, "Test already completed")


def _start_or_resume(
    draft: ExamSession,
    version: TestVersion,
    *,
    window_end: datetime | None,
    now: datetime,
    origin: Origin,
    used_up: Callable[[], DomainError],
    is_on_offer: bool = False,
) -> Started:
    """Under the lock of the assignment, purchase or user: return the open session or make one.

    is_on_offer: somebody else than the catalogue has said that the test may be taken.  Who has begun a test goes on
    with it, whatever has become of the offer; only a new session needs one.
    """
    earlier = list(sessions_on(draft).order_by("attempt_number"))
    still_open = [session for session in earlier if session.is_open]
    open_session = lock_session(pk=still_open[0].pk) if still_open else None
    if open_session is not None and open_session.is_open:
        return _resume(open_session, now, origin)
    spent = sum(session.status in draft.spent for session in [*earlier, open_session] if session)
    if spent >= draft.test.max_attempts:
        raise used_up()
    if not is_on_offer:
        _check_available(draft.test)
    draft.attempt_number = len(earlier) + 1
    return _create(draft, version, window_end, now, origin)


def _resume(session: ExamSession, now: datetime, origin: Origin) -> Started:
    event_append(
        session=session,
        kind=EventKind.RESUMED,
        payload={"ip": origin.ip, "user_agent": origin.user_agent},
        now=now,
    )
    return Started(session, session_token(session), is_new=False)


def _create(
    session: ExamSession, version: TestVersion, window_end: datetime | None, now: datetime, origin: Origin
) -> Started:
    session.version = version
    session.nonce = new_nonce()
    token = derive_token(TOKEN_PURPOSE, session.nonce, prefix=TOKEN_PREFIX)
    session.token_hash = hash_token(token)
    session.status = SessionStatus.IN_PROGRESS
    session.started_at = session.last_seen_at = session.created_at = now
    session.grace_seconds = settings.EXAM_GRACE_SECONDS
    session.deadline_at = timing.deadline_at(
        started_at=now,
        duration_minutes=version_load(version.pk).duration_minutes,
        window_end=window_end,
        extra_seconds=session.extra_seconds,
    )
    session.start_ip = origin.ip or None
    session.start_user_agent = origin.user_agent[:300]
    try:
        session.save(force_insert=True)
    except IntegrityError:
        # Only where the row lock was not honoured: the constraint still lets one session through.
        raise DomainError(ErrorCode.CONFLICT, "The test is being started. Please try again.", retry_after=1) from None
    _hand_out_paper(session, version)
    event_append(
        session=session,
        kind=EventKind.STARTED,
        payload={
            "deadline_at": session.deadline_at.isoformat() if session.deadline_at else None,
            "version": version.content_hash,
            "ip": origin.ip,
            "user_agent": origin.user_agent[:300],
        },
        now=now,
    )
    return Started(session, token, is_new=True)


def _hand_out_paper(session: ExamSession, version: TestVersion) -> None:
    content = version_load(version.pk)
    rules = content.settings
    SessionPaper.objects.create(
        session=session,
        question_order=ordering.shuffled(
            [question.key for question in content.questions], seed=session.nonce, is_random=rules.shuffle_questions
        ),
        option_orders=ordering.option_orders(
            {question.key: question.option_keys for question in content.questions},
            seed=session.nonce,
            is_random=rules.shuffle_options,
        ),
    )


def session_token(session: ExamSession) -> str:
    """Return the token of a session for its taker; it is derived, not stored."""
    token = recover_token(TOKEN_PURPOSE, session.nonce, session.token_hash, prefix=TOKEN_PREFIX)
    if token is None:
        raise DomainError(ErrorCode.UNAVAILABLE, "The session cannot be opened. Please contact support.")
    return token
