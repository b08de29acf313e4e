"""Enqueueing, claiming and running jobs, and the periodic table.

A service writes a `Job` inside its own transaction; after commit someone is woken (the runner thread, or
Celery). Whoever runs it claims the row by compare-and-set with a lease (`cbt.kernel.leases`). A kill -9
therefore costs at most the lease, and an empty broker at most one sweep; handlers must be safe to run twice.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q

from cbt.kernel import clock, leases
from cbt.kernel.models import Job, JobState, PeriodicRun

logger = logging.getLogger(__name__)
BACKOFF_SECONDS = (5, 30, 120, 600, 1800, 3600, 7200)
wake_event = threading.Event()

Handler = Callable[..., object]
_handlers: dict[str, Handler] = {}
_on_failure: dict[str, Handler] = {}


@dataclass(frozen=True, slots=True)
class Periodic:
    """One row of the periodic table: which job, how often, and what it is for."""

    name: str
    every_seconds: int
    purpose: str


_periodic: dict[str, Periodic] = {}


class GiveUp(Exception):
    """Raised by a handler when trying again cannot help; the job is marked failed at once."""


def handler(name: str) -> Callable[[Handler], Handler]:
    """Register the function that runs jobs called ``name``; it gets the payload as keyword arguments."""

    def register(function: Handler) -> Handler:
        _handlers[name] = function
        return function

    return register


def on_failure(name: str) -> Callable[[Handler], Handler]:
    """Register the function that is told, in the same transaction, when a job called ``name`` has failed for good."""

    def register(function: Handler) -> Handler:
        _on_failure[name] = function
        return function

    return register


def periodic(name: str, *, every_seconds: int, purpose: str) -> Callable[[Handler], Handler]:
    """Register a handler and put it in the periodic table."""
    _periodic[name] = Periodic(name, every_seconds, purpose)
    return handler(name)


def periodic_table() -> list[Periodic]:
    """Return the rows of the periodic table by name."""
    return sorted(_periodic.values(), key=lambda row: row.name)


def handler_names() -> set[str]:
    """Return the names that can be run."""
    return set(_handlers)


def enqueue(
    name: str,
    payload: Mapping[str, object] | None = None,
    *,
    run_at: datetime | None = None,
    dedupe_key: str | None = None,
    company_id: int | None = None,
) -> Job | None:
    """Store a job in the current transaction and wake a runner after commit.

    dedupe_key: while a job with this key is open, a second one is not made (None is returned).
    """
    if name not in _handlers:
        raise LookupError(f"no handler is registered for job {name!r}")
    now = clock.now()
    job = Job(
        name=name,
        payload=dict(payload or {}),
        run_at=run_at or now,
        created_at=now,
        dedupe_key=dedupe_key,
        company_id=company_id,
    )
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError:
        if dedupe_key is None:
            raise
        return None
    transaction.on_commit(lambda: wake(job.pk))
    return job


def enqueue_many(name: str, rows: list[tuple[dict[str, object], str]]) -> None:
    """Store many jobs of one kind, each (payload, dedupe key), a thousand a statement; one wake-up for all."""
    if name not in _handlers:
        raise LookupError(f"no handler is registered for job {name!r}")
    now = clock.now()
    Job.objects.bulk_create(
        [Job(name=name, payload=payload, dedupe_key=key, run_at=now, created_at=now) for payload, key in rows],
        batch_size=1000,
        ignore_conflicts=True,
    )
    transaction.on_commit(lambda: wake(None))


def wake(job_id: int | None) -> None:
    """Tell an executor that there is work. Losing this call costs one sweep, never the job."""
    if settings.JOB_EXECUTOR != "celery":
        wake_event.set()
        return
    from celery import current_app

    try:
        name, args = ("kernel.run_job", [job_id]) if job_id else ("kernel.tick", [])
        current_app.send_task(name, args=args, retry=False)
    except Exception as error:  # noqa: BLE001 - any broker fault: the sweeper takes the job up
        logger.warning("the broker could not be reached, job waits for the sweep: %s", type(error).__name__)


def claim(job_id: int | None = None) -> Job | None:
    """Take one due job (or the given one) by compare-and-set, or None when there is nothing to take."""
    for _ in range(10):
        now = clock.now()
        due = Q(state=JobState.QUEUED, run_at__lte=now) | Q(state=JobState.RUNNING, lease_until__lt=now)
        candidates = Job.objects.filter(due).order_by("run_at", "id")
        if job_id is not None:
            candidates = candidates.filter(pk=job_id)
        job = candidates.first()
        if job is None:
            return None
        taken = Job.objects.filter(pk=job.pk, state=job.state, attempts=job.attempts).update(
            state=JobState.RUNNING, lease_until=now + leases.length(), attempts=F("attempts") + 1
        )
        if taken:
            job.refresh_from_db()
            return job
    return None


def run(job: Job) -> None:
    """Run a claimed job and store how it ended. Never raises for a failing handler."""
    try:
        with leases.held(job):
            result = _handlers[job.name](**job.payload)
    except Exception as error:  # noqa: BLE001 - whatever a handler raises becomes the job's last_error
        _failed(job, error)
        return
    Job.objects.filter(pk=job.pk, attempts=job.attempts).update(
        state=JobState.DONE,
        finished_at=clock.now(),
        lease_until=None,
        last_error="",
        result=result if isinstance(result, dict) else None,
    )


def _failed(job: Job, error: Exception) -> None:
    """Put a failed job back with a delay, or mark it failed for good."""
    final = isinstance(error, GiveUp | KeyError | TypeError) or job.attempts >= job.max_attempts
    logger.log(
        logging.ERROR if final else logging.WARNING,
        "job %s #%s failed (attempt %s): %s",
        job.name, job.pk, job.attempts, type(error).__name__,
        exc_info=error if final else None,
    )  # fmt: skip
    now = clock.now()
    delay = BACKOFF_SECONDS[min(job.attempts, len(BACKOFF_SECONDS)) - 1]
    with transaction.atomic():
        is_ours = Job.objects.filter(pk=job.pk, attempts=job.attempts).update(
            state=JobState.FAILED if final else JobState.QUEUED,
            run_at=now + timedelta(seconds=delay),
            finished_at=now if final else None,
            lease_until=None,
            last_error=f"{type(error).__name__}: {error}"[:500],
        )
        # Somebody else may have taken the job up since: then how it ends is theirs to tell.
        if is_ours and final and job.name in _on_failure:
            _on_failure[job.name](**job.payload)


def progress(job: Job, done: int, total: int) -> None:
    """Store how far a long job is and prolong its lease, unless somebody else has it by now; at most twice a second."""
    until = clock.now() + leases.length()
    Job.objects.filter(pk=job.pk, attempts=job.attempts).update(
        progress_done=done, progress_total=total, lease_until=until
    )


def run_due(limit: int = 1000) -> int:
    """Run due jobs until none is left or ``limit`` is reached; return how many ran."""
    for count in range(limit):
        job = claim()
        if job is None:
            return count
        run(job)
    return limit


def enqueue_periodic() -> int:
    """Enqueue every row of the periodic table that is due; return how many. Safe on many machines at once."""
    now = clock.now()
    known = {row.name: row for row in PeriodicRun.objects.all()}
    count = 0
    for entry in periodic_table():
        row = known.get(entry.name)
        if row is None:
            row, _ = PeriodicRun.objects.get_or_create(name=entry.name, defaults={"next_at": now})
        if row.next_at > now:
            continue
        following = now + timedelta(seconds=entry.every_seconds)
        with transaction.atomic():
            if PeriodicRun.objects.filter(pk=row.pk, next_at=row.next_at).update(next_at=following):
                enqueue(entry.name, dedupe_key=f"periodic:{entry.name}")
                count += 1
    return count


@periodic("kernel.forget_old_jobs", every_seconds=86_400, purpose="remove finished jobs after 30 days")
def forget_old_jobs() -> dict[str, int]:
    """Delete rows of jobs that ended well more than 30 days ago; failed ones stay for a person to see."""
    horizon = clock.now() - timedelta(days=30)
    deleted, _ = Job.objects.filter(state=JobState.DONE, finished_at__lt=horizon).delete()
    return {"deleted": deleted}
