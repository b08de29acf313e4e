"""The statements of the hot path, each one round trip; PostgreSQL beside its plain twin for SQLite.

`touch` comes first and takes the row lock. What follows has a younger snapshot than the lock, so two saves of
one session that overlap see each other; a single statement doing both would compare with what it saw before it
waited, and lose the other's answer.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.utils.dateparse import parse_datetime

from sessions_app.engine.saving import Stored
from sessions_app.models import ExamSession, SessionAnswer, SessionEvent
from sessions_app.states import EventKind

SESSION = ExamSession._meta.db_table
ANSWER = SessionAnswer._meta.db_table
EVENT = SessionEvent._meta.db_table


@dataclass(frozen=True, slots=True)
class OpenSession:
    """What the hot path needs to know of a session in progress."""

    id: int
    version_id: int
    started_at: datetime
    deadline_at: datetime | None
    grace_seconds: int
    paused_at: datetime | None
    paused_seconds: int


def touch(token_hash: str, now: datetime, *, is_save: bool) -> OpenSession | None:
    """Mark an open session as seen and lock its row; None when no open session has this token. One round trip."""
    saved = ", last_saved_at = %s" if is_save else ""
    moment = _out(now)
    sql = (
        f"UPDATE {SESSION} SET last_seen_at = %s{saved} WHERE token_hash = %s AND status = 'in_progress' "  # noqa: S608
        "RETURNING id, version_id, started_at, deadline_at, grace_seconds, paused_at, paused_seconds"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [moment, moment, token_hash] if is_save else [moment, token_hash])
        row = cursor.fetchone()
    if row is None:
        return None
    return OpenSession(row[0], row[1], _moment(row[2]), _maybe(row[3]), row[4], _maybe(row[5]), row[6])


def stored_answers(session_id: int, keys: list[str]) -> dict[str, tuple[Stored, datetime]]:
    """Return {question: (stored, updated_at)} of the keys that have a row; one round trip, whatever else is stored."""
    sql = f"SELECT question_id, value, revision, updated_at FROM {ANSWER} WHERE session_id = %s AND question_id "  # noqa: S608
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"{sql}= ANY(%s)", [session_id, keys])
        else:
            cursor.execute(f"{sql}IN ({', '.join(['%s'] * len(keys))})", [session_id, *keys])
        return {row[0]: _stored(row) for row in cursor.fetchall()}


def stored_answers_counted(session_id: int, keys: list[str]) -> tuple[dict[str, tuple[Stored, datetime]], int]:
    """Return as `stored_answers`, and how many answers the session has in all; one round trip."""
    columns = "question_id, value, revision, updated_at"
    total = f"UNION ALL SELECT NULL, NULL, NULL, NULL, count(*) FROM {ANSWER} WHERE session_id = %s"  # noqa: S608
    sql = f"SELECT {columns}, NULL FROM {ANSWER} WHERE session_id = %s AND question_id "  # noqa: S608
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"{sql}= ANY(%s) {total}", [session_id, keys, session_id])
        else:
            cursor.execute(f"{sql}IN ({', '.join(['%s'] * len(keys))}) {total}", [session_id, *keys, session_id])
        rows = cursor.fetchall()
    stored = {row[0]: _stored(row) for row in rows if row[0] is not None}
    return stored, next(row[4] for row in rows if row[0] is None)


def _stored(row: tuple[Any, ...]) -> tuple[Stored, datetime]:
    _, value, revision, updated_at = row[:4]
    return Stored(None if value is None else json.loads(value), revision), _moment(updated_at)


def write_answers(
    session_id: int, changed: Mapping[str, Stored], payload: dict[str, Any], now: datetime, client_at: datetime | None
) -> None:
    """Store changed answers and the event that tells of them. One round trip on PostgreSQL, two calls on SQLite."""
    if connection.vendor == "postgresql":
        _write_postgresql(session_id, changed, payload, now, client_at)
    else:
        _write_sqlite(session_id, changed, payload, now, client_at)


_UPSERT = (
    "ON CONFLICT (session_id, question_id) DO UPDATE "
    "SET value = EXCLUDED.value, revision = EXCLUDED.revision, updated_at = EXCLUDED.updated_at"
)
_NEXT_EVENT = (
    f"INSERT INTO {EVENT} (session_id, seq, kind, payload, client_at, at) "  # noqa: S608
    f"SELECT %s, COALESCE(MAX(seq), 0) + 1, %s, %s{{cast}}, %s, %s FROM {EVENT} WHERE session_id = %s"
)


def _write_postgresql(
    session_id: int, changed: Mapping[str, Stored], payload: dict[str, Any], now: datetime, client_at: datetime | None
) -> None:
    sql = (
        f"WITH saved AS (INSERT INTO {ANSWER} (session_id, question_id, value, revision, updated_at) "  # noqa: S608
        "SELECT %s, k, v, r, %s FROM unnest(%s::text[], %s::jsonb[], %s::bigint[]) AS t(k, v, r) "
        f"{_UPSERT}) {_NEXT_EVENT.format(cast='::jsonb')}"
    )
    answers: list[Any] = [
        session_id,
        now,
        list(changed),
        [_json(item.value) for item in changed.values()],
        [item.revision for item in changed.values()],
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            sql, [*answers, session_id, EventKind.ANSWERS_SAVED.value, _json(payload), client_at, now, session_id]
        )


def _write_sqlite(
    session_id: int, changed: Mapping[str, Stored], payload: dict[str, Any], now: datetime, client_at: datetime | None
) -> None:
    moment = _out(now)
    rows = ", ".join(["(%s, %s, %s, %s, %s)"] * len(changed))
    values = [
        part for key, item in changed.items() for part in (session_id, key, _json(item.value), item.revision, moment)
    ]
    event = [session_id, EventKind.ANSWERS_SAVED.value, _json(payload), _out(client_at), moment, session_id]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {ANSWER} (session_id, question_id, value, revision, updated_at) VALUES {rows} {_UPSERT}",  # noqa: S608
            values,
        )
        cursor.execute(_NEXT_EVENT.format(cast=""), event)


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _out(moment: datetime | None) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)


def _maybe(value: Any) -> datetime | None:
    return None if value is None else _moment(value)


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    parsed = parse_datetime(value)
    if parsed is None:
        raise ValueError("the database returned an instant that cannot be read")
    return parsed.replace(tzinfo=UTC)
