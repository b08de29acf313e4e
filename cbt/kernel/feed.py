"""Live news: rows that services append and every reader takes from the same place.

Whoever reads remembers how far it came and must never pass a row that commits later. Ids do not help: they are given
out when a row is inserted, and a slow transaction may commit a small one after a quick one has committed a larger.
So rows carry their transaction, the order is (transaction, id), and only rows of transactions older than every
running one are shown. What is shown is therefore final: nothing can appear before it any more. No lock is taken, and
writers never wait for each other; a long writing transaction in this database holds the news up, not back.
SQLite has one writer at a time, so there ids are in the order of the commits. Source: docs/decisions/0011.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.db.models import BigIntegerField, Func, Q, QuerySet

from cbt.kernel import clock, jobs, wakeup
from cbt.kernel.horizon import horizon
from cbt.kernel.models import FeedEvent

KEEP = timedelta(hours=24)
PAGE = 500
_DELETE_AT_ONCE = 5000
#: Ends a topic that stands for all topics with the same beginning.
ALL = "/*"


class News(StrEnum):
    """Every event there is; docs/live.md tells what each carries. Published: never renamed."""

    IMPORT_PROGRESS = "import.progress"
    SESSION_STARTED = "session.started"
    SESSION_RESUMED = "session.resumed"
    SESSION_PAUSED = "session.paused"
    SESSION_CONTINUED = "session.continued"
    SESSION_TIME_CHANGED = "session.time_changed"
    SESSION_SUBMITTED = "session.submitted"
    SESSION_CLOSED = "session.closed"
    SESSION_BANNED = "session.banned"
    SESSION_ABANDONED = "session.abandoned"
    SESSION_PRESENCE = "session.presence"
    CHEAT_DETECTED = "cheat.detected"
    PHOTO_TAKEN = "photo.taken"
    ATTENDANCE_RECORDED = "attendance.recorded"
    ATTENDANCE_CHANGED = "attendance.changed"
    ATTENDANCE_REMOVED = "attendance.removed"


class _OfDatabase(Func):
    """A number PostgreSQL tells about its transactions; on SQLite a constant that changes nothing."""

    postgresql = ""
    sqlite = 0
    output_field = BigIntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, tuple[str | int, ...]]:
        """Write the call; a transaction's number has 64 bits and never comes again."""
        return f"{self.postgresql}::text::bigint", ()

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, tuple[str | int, ...]]:
        """Write the constant."""
        return str(self.sqlite), ()


class _OwnTransaction(_OfDatabase):
    postgresql, sqlite = "pg_current_xact_id()", 0


class _NextTransaction(_OfDatabase):
    postgresql, sqlite = "pg_snapshot_xmax(pg_current_snapshot())", 1


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """How far a reader came: the transaction and id of the last row it was shown."""

    xid: int = 0
    id: int = 0


START = Position()


@dataclass(frozen=True, slots=True)
class Fresh:
    """A row to be appended."""

    topic: str
    event: News
    data: Mapping[str, object]


def append(rows: Sequence[Fresh], *, now: datetime) -> None:
    """Store news in the caller's transaction, in one statement, and wake the readers after the commit."""
    FeedEvent.objects.bulk_create(
        [
            FeedEvent(topic=row.topic, event=row.event, payload=dict(row.data), xid=_OwnTransaction(), created_at=now)
            for row in rows
        ]
    )
    transaction.on_commit(wakeup.wake, robust=True)


def settled() -> QuerySet[FeedEvent]:
    """Return the rows before which nothing can appear any more, in the one order all readers share."""
    return FeedEvent.objects.filter(xid__lt=horizon()).order_by("xid", "pk")


def latest() -> Position:
    """Return the end of what is settled."""
    row = settled().reverse().values_list("xid", "pk").first()
    return Position(*row) if row else START


def position_of(event_id: int) -> Position | None:
    """Return where the row with this id stands, None where it is gone; 0 is the beginning."""
    if event_id == 0:
        return START
    row = FeedEvent.objects.filter(pk=event_id).values_list("xid", "pk").first()
    return Position(*row) if row else None


def after(
    position: Position, *, topics: Sequence[str] | None = None, until: Position | None = None, limit: int = PAGE
) -> list[FeedEvent]:
    """Return the next rows behind a position; one query. topics: only these (None: all).  until: the last wanted."""
    rows = settled().filter(Q(xid__gt=position.xid) | Q(pk__gt=position.id), xid__gte=position.xid)
    if topics is not None:
        rows = rows.filter(_among(topics))
    if until is not None:
        rows = rows.filter(Q(xid__lt=until.xid) | Q(pk__lte=until.id), xid__lte=until.xid)
    return list(rows[:limit])


def _among(topics: Sequence[str]) -> Q:
    condition = Q(topic__in=[topic for topic in topics if not topic.endswith(ALL)])
    for topic in topics:
        if topic.endswith(ALL):
            condition |= Q(topic__startswith=topic.removesuffix("*"))
    return condition


@jobs.periodic("kernel.forget_feed", every_seconds=3600, purpose="remove live news after 24 hours")
def forget_feed() -> dict[str, int]:
    """Remove rows older than a day, and those of another server: a restored dump brings transactions from there."""
    gone = Q(created_at__lt=clock.now() - KEEP) | Q(xid__gte=_NextTransaction())
    deleted = 0
    while ids := list(FeedEvent.objects.filter(gone).values_list("pk", flat=True)[:_DELETE_AT_ONCE]):
        deleted += FeedEvent.objects.filter(pk__in=ids).delete()[0]
    return {"deleted": deleted}
