"""Saving answers and keeping time: the hot path."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from catalog.engine.answers import AnswerInvalid, normalise
from catalog.selectors.versions import version_load
from cbt.kernel.errors import DomainError, ErrorCode, not_found
from cbt.kernel.ids import hash_token
from sessions_app.engine import saving, timing
from sessions_app.models import AnswerTime, ExamSession
from sessions_app.services import hot_sql, refusals
from sessions_app.services.closing import session_close_if_late
from sessions_app.services.doubts import doubts_store
from sessions_app.services.events import Origin, told
from sessions_app.services.hot_sql import OpenSession

MAX_ANSWERS = 1000
MAX_KEY_LENGTH = 100
#: Of a test without a question bank, whose keys are the client's own.
MAX_KEYS_PER_SESSION = 5000


@dataclass(frozen=True, slots=True)
class SavedAnswer:
    """The stored state of one answer after a save."""

    question_id: str
    value: Any
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Saved:
    """Outcome of a save: the stored state of the keys sent, and the clock."""

    answers: list[SavedAnswer]
    time_spent_seconds: int
    remaining_seconds: int | None


@dataclass(frozen=True, slots=True)
class Clock:
    """The server's clock of a session."""

    time_spent_seconds: int
    remaining_seconds: int | None


def answers_save(
    *,
    token: str,
    answers: Mapping[str, Any],
    revision: int | None,
    client_at: datetime | None,
    now: datetime,
    doubts: Mapping[str, bool] | None = None,
    origin: Origin | None = None,
    seconds: Mapping[str, float] | None = None,
) -> Saved:
    """Store a batch of answers; when this returns they are committed.

    answers: {question id: JSON value}, at most 1,000; ``None`` clears.  revision: growing integer per session, or
    None for arrival order.  doubts: {question id: whether the taker wants to come back to it}, stored with the answers.
    seconds: {question id: time the client measured}, kept as a claim.  origin: where it came from, for the log.
    One bad answer refuses the whole batch, so that nothing is half saved.
    Raises NOT_FOUND, SESSION_NOT_IN_PROGRESS, BANNED, SESSION_PAUSED, UNKNOWN_QUESTION, VALIDATION_ERROR, and
    LIMIT_REACHED beyond 5,000 different keys of a test without a question bank.
    Source: primary contract 4.2; decisions "saving is idempotent and order-safe".
    """
    token_hash = hash_token(token)
    is_late = False
    saved: Saved | None = None
    with transaction.atomic():
        session = hot_sql.touch(token_hash, now, is_save=True)
        if session is not None:
            is_late = _is_late(session, now)
            if not is_late:
                saved = _store(session, answers, Sent(revision, client_at, doubts or {}, origin), now)
                _store_seconds(session.id, seconds or {})
    if saved is None:
        _refuse(token_hash, now, is_late=is_late)
        raise AssertionError("a refusal always raises")
    return saved


def time_update(*, token: str, now: datetime) -> Clock:
    """Note that the taker is there and return the server's clock. One round trip.

    Raises as `answers_save`. Source: primary contract 4.4.
    """
    token_hash = hash_token(token)
    session = hot_sql.touch(token_hash, now, is_save=False)
    if session is None or _is_late(session, now):
        _refuse(token_hash, now, is_late=session is not None)
        raise AssertionError("a refusal always raises")
    return clock_of(session, now)


def clock_of(session: OpenSession, now: datetime) -> Clock:
    """Return time spent and left of an open session; a paused clock stands still."""
    at = session.paused_at or now
    return Clock(
        timing.time_spent_seconds(
            started_at=session.started_at,
            until=at,
            deadline=session.deadline_at,
            paused_seconds=session.paused_seconds,
        ),
        timing.remaining_seconds(now=at, deadline=session.deadline_at),
    )


def _is_late(session: OpenSession, now: datetime) -> bool:
    if session.paused_at is not None:
        raise refusals.paused()
    return not timing.accepts_saves(now=now, deadline=session.deadline_at, grace_seconds=session.grace_seconds)


def _refuse(token_hash: str, now: datetime, *, is_late: bool) -> None:
    """Close a late session, then say why the request was not taken."""
    if is_late:
        session_close_if_late(token_hash=token_hash, now=now)
    status = ExamSession.objects.filter(token_hash=token_hash).values_list("status", flat=True).first()
    if status is None:
        raise not_found()
    raise refusals.not_in_progress(status)


@dataclass(frozen=True, slots=True)
class Sent:
    """What came with the answers of a save."""

    revision: int | None
    client_at: datetime | None
    doubts: Mapping[str, bool]
    origin: Origin | None


def _store(session: OpenSession, answers: Mapping[str, Any], more: Sent, now: datetime) -> Saved:
    sent = _checked(session.version_id, answers)
    stored, free = _stored(session, list(sent))
    changed = saving.changes(stored={key: item for key, (item, _) in stored.items()}, sent=sent, revision=more.revision)
    if free is not None and len(changed.keys() - stored.keys()) > free:
        raise DomainError(ErrorCode.LIMIT_REACHED, f"A session holds at most {MAX_KEYS_PER_SESSION} answers.")
    if changed:
        payload = {
            "revision": more.revision,
            "answers": [{"question_id": key, "answer": item.value} for key, item in changed.items()],
            **told(more.origin),
        }
        hot_sql.write_answers(session.id, changed, payload, now, more.client_at)
    fresh = {key: mark for key, mark in more.doubts.items() if not _is_outdated(stored.get(key), more.revision)}
    if fresh:
        doubts_store(session_id=session.id, doubts=fresh, now=now)
    time = clock_of(session, now)
    return Saved(
        answers=[_state_of(key, changed, stored, now) for key in sent],
        time_spent_seconds=time.time_spent_seconds,
        remaining_seconds=time.remaining_seconds,
    )


def _is_outdated(stored: tuple[saving.Stored, datetime] | None, revision: int | None) -> bool:
    return stored is not None and saving.is_outdated(stored[0], revision)


def _stored(session: OpenSession, keys: list[str]) -> tuple[Mapping[str, tuple[saving.Stored, datetime]], int | None]:
    """Return what is stored of these keys, and how many further ones fit; None: the question bank is the limit."""
    if not keys:
        return {}, None
    if version_load(session.version_id).questions:
        return hot_sql.stored_answers(session.id, keys), None
    stored, count = hot_sql.stored_answers_counted(session.id, keys)
    return stored, max(0, MAX_KEYS_PER_SESSION - count)


def _store_seconds(session_id: int, seconds: Mapping[str, float]) -> None:
    if seconds:
        AnswerTime.objects.bulk_create(
            [AnswerTime(session_id=session_id, question_id=key, seconds=value) for key, value in seconds.items()],
            update_conflicts=True,
            unique_fields=["session", "question_id"],
            update_fields=["seconds"],
        )


def _state_of(
    key: str,
    changed: Mapping[str, saving.Stored],
    stored: Mapping[str, tuple[saving.Stored, datetime]],
    now: datetime,
) -> SavedAnswer:
    if key in changed:
        return SavedAnswer(key, changed[key].value, now)
    if key in stored:
        item, updated_at = stored[key]
        return SavedAnswer(key, item.value, updated_at)
    return SavedAnswer(key, None, now)


def _checked(version_id: int, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers in stored form; refuse unknown questions and values that do not fit their kind.

    A test without a question bank has its pages in the frontend: any key and value is taken.
    """
    if len(answers) > MAX_ANSWERS:
        raise _invalid({"answers": f"The answers must not have more than {MAX_ANSWERS} items."})
    questions = version_load(version_id).questions_by_key
    if not questions:
        wrong = [key for key in answers if not 0 < len(key) <= MAX_KEY_LENGTH]
        if wrong:
            raise _invalid({"answers": f"A question id must have 1 to {MAX_KEY_LENGTH} characters."})
        return dict(answers)
    unknown = [key for key in answers if key not in questions]
    if unknown:
        raise DomainError(
            ErrorCode.UNKNOWN_QUESTION,
            "The given data was invalid.",
            fields={f"answers.{key[:MAX_KEY_LENGTH]}": ["The question does not exist."] for key in unknown[:20]},
        )
    checked: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for key, value in answers.items():
        try:
            checked[key] = normalise(questions[key], value)
        except AnswerInvalid as error:
            faults[f"answers.{key}"] = error.message
    if faults:
        raise _invalid(faults)
    return checked


def _invalid(faults: Mapping[str, str]) -> DomainError:
    return DomainError(
        ErrorCode.VALIDATION_ERROR,
        "The given data was invalid.",
        fields={name: [text] for name, text in faults.items()},
    )
