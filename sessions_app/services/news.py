"""What the log of a session and an import tell live: to the taker, and to the staff of the company."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cbt.kernel import clock, feed
from cbt.kernel.feed import Fresh, News
from sessions_app.models import ExamSession, ImportBatch
from sessions_app.states import EventKind


@dataclass(frozen=True, slots=True)
class _Told:
    """How a kind of log entry is told. fields: what of its payload goes along.  is_for_taker: not for staff only."""

    event: News
    fields: tuple[str, ...] = ()
    is_for_taker: bool = True


#: Kinds that are not here are nobody's news: saves come by the thousand.
TOLD: dict[EventKind, _Told] = {
    EventKind.STARTED: _Told(News.SESSION_STARTED),
    EventKind.RESUMED: _Told(News.SESSION_RESUMED),
    EventKind.PAUSED: _Told(News.SESSION_PAUSED, ("reason",)),
    EventKind.CONTINUED: _Told(News.SESSION_CONTINUED, ("paused_seconds",)),
    EventKind.TIME_CHANGED: _Told(News.SESSION_TIME_CHANGED, ("extra_seconds", "reason")),
    EventKind.SUBMITTED: _Told(News.SESSION_SUBMITTED, ("time_spent_seconds",)),
    EventKind.TIME_RAN_OUT: _Told(News.SESSION_CLOSED, ("time_spent_seconds",)),
    EventKind.BANNED: _Told(News.SESSION_BANNED, ("reason",)),
    EventKind.ABANDONED: _Told(News.SESSION_ABANDONED, ("reason",)),
    EventKind.CHEAT_REPORTED: _Told(
        News.CHEAT_DETECTED, ("detection_id", "detection_type", "severity", "source"), is_for_taker=False
    ),
    EventKind.PHOTO_TAKEN: _Told(News.PHOTO_TAKEN, ("photo_id", "number"), is_for_taker=False),
}


def session_topic(session_id: int) -> str:
    """Return the topic of the taker of a session."""
    return f"session/{session_id}"


def monitor_topic(company_id: int | None) -> str:
    """Return the topic of the staff who watch a company's sessions; those of no company are the house's alone."""
    return f"monitor/{company_id or 0}"


def import_topic(import_id: int) -> str:
    """Return the topic of one import."""
    return f"import/{import_id}"


def session_tell(*, session: ExamSession, kind: EventKind, payload: Mapping[str, object], now: datetime) -> None:
    """Append the news of a log entry in its transaction. One statement, or none."""
    told = TOLD.get(kind)
    if told is None:
        return
    data = {
        "session_id": session.pk,
        "test_id": session.test_id,
        "participant_id": session.participant_id,
        "status": str(session.status),
        "deadline_at": clock.iso(session.deadline_at),
        "paused_at": clock.iso(session.paused_at),
        **{name: payload.get(name) for name in told.fields},
    }
    topics = [monitor_topic(session.company_id)]
    if told.is_for_taker:
        topics.append(session_topic(session.pk))
    feed.append([Fresh(topic, told.event, data) for topic in topics], now=now)


def import_tell(*, batch: ImportBatch, state: str, now: datetime) -> None:
    """Append how far an import is, in the transaction that settled its rows."""
    data = {
        "import_id": batch.pk,
        "job_id": batch.job_id,
        "done": batch.rows_done,
        "total": batch.rows_total,
        "created": batch.created_count,
        "failed": batch.failed_count,
        "state": state,
    }
    feed.append([Fresh(import_topic(batch.pk), News.IMPORT_PROGRESS, data)], now=now)
