"""The clock every answer to a session request carries."""

from datetime import datetime
from typing import Any

from cbt.kernel import clock
from sessions_app.engine import timing
from sessions_app.models import ExamSession


def clock_keys(session: ExamSession, now: datetime) -> dict[str, Any]:
    """Return server_time and remaining_seconds (None: no limit; 0 once the session has ended)."""
    at = session.paused_at or now
    remaining = timing.remaining_seconds(now=at, deadline=session.deadline_at) if session.is_open else 0
    return {"server_time": clock.iso(now), "remaining_seconds": remaining}


def time_spent(session: ExamSession, now: datetime) -> int:
    """Return whole seconds of work: running for an open session, as stored for an ended one."""
    if not session.is_open:
        return session.time_spent_seconds
    return timing.time_spent_seconds(
        started_at=session.started_at,
        until=session.paused_at or now,
        deadline=session.deadline_at,
        paused_seconds=session.paused_seconds,
    )
