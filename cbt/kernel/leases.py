"""Leases of running jobs: short, and prolonged for as long as the process that runs them lives.

So the jobs of a killed process are taken up within seconds, and one that takes an hour is not run twice.
"""

import contextlib
import logging
import threading
from collections.abc import Iterator
from datetime import timedelta

from django.db import InterfaceError, OperationalError, close_old_connections

from cbt.kernel import clock
from cbt.kernel.models import Job, JobState

logger = logging.getLogger(__name__)
LEASE = timedelta(seconds=20)
BEAT_SECONDS = 5.0
#: Where nothing prolongs it: a single run from a command.
UNATTENDED = timedelta(seconds=120)
#: (job, attempt) of what this process runs now.
_running: set[tuple[int, int]] = set()
_guard = threading.Lock()
_thread: threading.Thread | None = None


def length() -> timedelta:
    """Return how long a lease taken now is good."""
    return LEASE if _thread is not None and _thread.is_alive() else UNATTENDED


@contextlib.contextmanager
def held(job: Job) -> Iterator[None]:
    """Prolong the lease of a claimed job while the block runs."""
    mine = (job.pk, job.attempts)
    with _guard:
        _running.add(mine)
    try:
        yield
    finally:
        with _guard:
            _running.discard(mine)


def beat() -> int:
    """Prolong the leases of what runs here and has not been taken by somebody else; return how many."""
    with _guard:
        running = sorted(_running)
    count = 0
    for job_id, attempt in running:
        mine = Job.objects.filter(pk=job_id, attempts=attempt, state=JobState.RUNNING)
        count += mine.update(lease_until=clock.now() + LEASE)
    return count


def start() -> None:
    """Start the thread that prolongs the leases of this process, once."""
    global _thread  # noqa: PLW0603 - one thread a process is the point
    with _guard:
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_loop, name="job-leases", daemon=True)
            _thread.start()


def _loop() -> None:
    pause = threading.Event()
    while True:
        pause.wait(BEAT_SECONDS)
        try:
            beat()
        except (OperationalError, InterfaceError) as error:
            logger.warning("leases of jobs cannot be prolonged: %s", type(error).__name__)
        finally:
            close_old_connections()
