"""Appending to the log of a session, in the transaction of what it tells."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db.models import Max

from sessions_app.models import ExamSession, SessionEvent
from sessions_app.services.news import session_tell
from sessions_app.states import EventKind


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from: address and browser, kept with the session and its log."""

    ip: str = ""
    user_agent: str = ""


def told(origin: Origin | None) -> dict[str, str]:
    """Return what a log entry says about where it came from; nothing when that was not asked for."""
    return asdict(origin) if origin is not None else {}


def event_append(
    *,
    session: ExamSession,
    kind: EventKind,
    payload: Mapping[str, object] | None = None,
    now: datetime,
    client_at: datetime | None = None,
) -> SessionEvent:
    """Append one event with the next number, and tell it live where somebody watches for its kind.

    The caller holds the session's row lock, so numbers have no gaps. session: as it has become by this event.
    """
    last = SessionEvent.objects.filter(session_id=session.pk).aggregate(last=Max("seq"))["last"] or 0
    event = SessionEvent.objects.create(
        session_id=session.pk, seq=last + 1, kind=kind, payload=dict(payload or {}), client_at=client_at, at=now
    )
    session_tell(session=session, kind=kind, payload=event.payload, now=now)
    return event
