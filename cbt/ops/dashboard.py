"""Numbers for the admin's first page: what there is, what goes on, and what wants a person."""

import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django.apps import apps
from django.core.cache import cache
from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from cbt.kernel import clock
from cbt.kernel.models import Job, JobState, MailStatus, OutgoingMail
from sessions_app.models import ExamSession
from sessions_app.states import SessionStatus
from tenants.models import Company, CompanySubscription
from tenants.states import SubscriptionStatus

logger = logging.getLogger(__name__)
CACHE_KEY = "ops.dashboard"
CACHE_SECONDS = 30
DAYS = 14
#: How a session stands, in the order in which bars are stacked, and what it is called.
STATUSES = {
    SessionStatus.COMPLETED: "completed",
    SessionStatus.IN_PROGRESS: "in progress",
    SessionStatus.BANNED: "banned",
    SessionStatus.ABANDONED: "abandoned",
}
# Measures of the chart, in the SVG's own units.
BAR, STEP, HEIGHT, TOP, WIDTH = 28, 48, 100, 18, DAYS * 48


@dataclass(frozen=True, slots=True)
class Tile:
    """One number with the list it counts. wants: somebody should look at it when it is not 0."""

    label: str
    number: int
    link: str
    note: str = ""
    wants: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """One rectangle of a stacked bar."""

    status: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """The sessions that were started on one day."""

    day: date
    x: int
    total: int
    link: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """How many of the sessions shown stand like this."""

    status: str
    label: str
    number: int
    percent: float
    link: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Everything the page shows. at: when it was counted."""

    at: datetime
    tiles: tuple[Tile, ...]
    alerts: tuple[Tile, ...]
    bars: tuple[Bar, ...]
    shares: tuple[Share, ...]
    session_count: int
    width: int = WIDTH
    bar_width: int = BAR
    half: int = BAR // 2
    bottom: int = TOP + HEIGHT
    height: int = TOP + HEIGHT + 20

    @property
    def is_quiet(self) -> bool:
        """Tell whether nothing wants a person."""
        return not any(tile.number for tile in self.alerts)


def dashboard_read() -> Dashboard:
    """Return the numbers, counted at most 30 seconds ago; a cache that is away only costs the counting."""
    try:
        found = cache.get(CACHE_KEY)
    except Exception as error:  # noqa: BLE001 - any fault of the cache, also a class it can no longer read
        logger.warning("the dashboard is not cached: %s", type(error).__name__)
        return dashboard_count(clock.now())
    if isinstance(found, Dashboard):
        return found
    made = dashboard_count(clock.now())
    cache.set(CACHE_KEY, made, CACHE_SECONDS)
    return made


def dashboard_count(now: datetime) -> Dashboard:
    """Count everything: one query a table, two for sessions. Days begin at midnight of the server's time zone."""
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    first = today - timedelta(days=DAYS - 1)
    by_day = _sessions_by_day(first)
    open_now = ExamSession.objects.filter(status=SessionStatus.IN_PROGRESS).aggregate(
        all=Count("pk"), flagged=Count("pk", filter=Q(is_flagged=True))
    )
    companies = Company.objects.filter(deleted_at__isnull=True).aggregate(
        all=Count("pk"), active=Count("pk", filter=Q(is_active=True))
    )
    subscriptions = CompanySubscription.objects.filter(
        status=SubscriptionStatus.ACTIVE.value, expires_at__gt=now
    ).aggregate(all=Count("pk"), soon=Count("pk", filter=Q(expires_at__lte=now + timedelta(days=14))))
    totals = {day: sum(counts.values()) for day, counts in by_day.items()}
    bars = _bars(by_day, [(first + timedelta(days=number)).date() for number in range(DAYS)])
    tiles = (
        Tile("Sessions in progress", open_now["all"], _list(ExamSession, status__exact="in_progress")),
        Tile("Sessions started today", totals.get(today.date(), 0), _list(ExamSession, started_at__gte=today)),
        Tile(
            "Active companies", companies["active"], _list(Company, is_active__exact=1), f"of {companies['all']} in all"
        ),
        Tile(
            "Active subscriptions", subscriptions["all"],
            _list(CompanySubscription, status__exact="active", expires_at__gt=now),
            f"{subscriptions['soon']} end within 14 days" if subscriptions["soon"] else "",
        ),
    )  # fmt: skip
    alerts = (*_pending_payments(), *_failures(), _flagged(open_now["flagged"]))
    return Dashboard(now, tiles, alerts, bars, _shares(by_day, first), sum(totals.values()))


def _list(model: type, **filters: object) -> str:
    """Return the address of a model's list in the admin, filtered; "" where the model has no page."""
    meta = model._meta  # type: ignore[attr-defined]
    try:
        path = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    except NoReverseMatch:
        return ""
    query = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in filters.items()}
    return f"{path}?{urlencode(query)}"


def _pending_payments() -> tuple[Tile, ...]:
    try:
        payment = apps.get_model("commerce", "Payment")
    except LookupError:
        return ()
    waiting = payment._default_manager.filter(status="pending").aggregate(
        all=Count("pk"), proofs=Count("pk", filter=~Q(proof_file="") & Q(proof_file__isnull=False))
    )
    note = f"{waiting['proofs']} with proof" if waiting["proofs"] else ""
    return (Tile("Pending payments", waiting["all"], _list(payment, status__exact="pending"), note, wants=True),)


def _failures() -> tuple[Tile, Tile]:
    mails = OutgoingMail.objects.exclude(status=MailStatus.SENT).aggregate(
        failed=Count("pk", filter=Q(status=MailStatus.FAILED)),
        waiting=Count("pk", filter=Q(status__in=[MailStatus.QUEUED, MailStatus.SENDING])),
    )
    jobs = Job.objects.exclude(state=JobState.DONE).aggregate(
        failed=Count("pk", filter=Q(state=JobState.FAILED)),
        waiting=Count("pk", filter=Q(state__in=[JobState.QUEUED, JobState.RUNNING])),
    )
    return (
        Tile(
            "Failed mails", mails["failed"], _list(OutgoingMail, status__exact="failed"),
            f"{mails['waiting']} waiting" if mails["waiting"] else "", wants=True,
        ),
        Tile(
            "Failed jobs", jobs["failed"], _list(Job, state__exact="failed"),
            f"{jobs['waiting']} waiting" if jobs["waiting"] else "", wants=True,
        ),
    )  # fmt: skip


def _flagged(number: int) -> Tile:
    link = _list(ExamSession, is_flagged__exact=1, status__exact="in_progress")
    return Tile("Flagged sessions", number, link, "being taken now" if number else "", wants=True)


def _sessions_by_day(first: datetime) -> dict[date, dict[str, int]]:
    rows = (
        ExamSession.objects.filter(started_at__gte=first)
        .annotate(day=TruncDate("started_at"))
        .values_list("day", "status")
        .annotate(number=Count("pk"))
        .order_by()
    )
    found: dict[date, dict[str, int]] = defaultdict(dict)
    for day, status, number in rows:
        found[day][status] = number
    return dict(found)


def _bars(by_day: Mapping[date, Mapping[str, int]], days: list[date]) -> tuple[Bar, ...]:
    highest = max((sum(counts.values()) for counts in by_day.values()), default=0) or 1
    return tuple(
        _bar(day, number * STEP + (STEP - BAR) // 2, by_day.get(day, {}), highest) for number, day in enumerate(days)
    )


def _bar(day: date, x: int, counts: Mapping[str, int], highest: int) -> Bar:
    blocks, y = [], float(TOP + HEIGHT)
    for status in STATUSES:
        height = HEIGHT * counts.get(status, 0) / highest
        y -= height
        if height:
            blocks.append(Block(status.value, round(y, 2), round(height, 2)))
    words = ", ".join(f"{counts[status]} {label}" for status, label in STATUSES.items() if counts.get(status))
    link = _list(ExamSession, started_at__year=day.year, started_at__month=day.month, started_at__day=day.day)
    return Bar(day, x, sum(counts.values()), link, f"{day:%d %B}: {words or 'none'}", tuple(blocks))


def _shares(by_day: Mapping[date, Mapping[str, int]], first: datetime) -> tuple[Share, ...]:
    sums = {status: sum(counts.get(status, 0) for counts in by_day.values()) for status in STATUSES}
    total = sum(sums.values()) or 1
    return tuple(
        Share(
            status.value, label, sums[status], round(100 * sums[status] / total, 2),
            _list(ExamSession, status__exact=status.value, started_at__gte=first),
        )
        for status, label in STATUSES.items()
    )  # fmt: skip
