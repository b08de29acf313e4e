"""What /health looks at. Each part is ok, late or down; without the database or the storage no candidate is served."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.db import connection
from django.db.models import Min

from cbt.kernel import clock
from cbt.kernel.models import Job, JobState

FRESH_SECONDS = 5
LATE = timedelta(minutes=5)
_NEEDED = ("database", "storage")
_lock = threading.Lock()
_last: tuple[float, dict[str, str]] | None = None


def checks() -> dict[str, str]:
    """Return the state of each part, at most five seconds old: whoever calls often costs nothing."""
    global _last  # noqa: PLW0603 - one answer a process is the point
    with _lock:
        if _last is None or time.monotonic() - _last[0] > FRESH_SECONDS:
            _last = (time.monotonic(), probe())
        return _last[1]


def forget() -> None:
    """Look again at the next call."""
    global _last  # noqa: PLW0603
    with _lock:
        _last = None


def probe() -> dict[str, str]:
    """Look at every part now."""
    return {
        "database": _state(_database),
        "cache": _state(_cache),
        "storage": _state(_storage),
        "jobs": _state(_jobs),
    }


def summary(parts: dict[str, str]) -> str:
    """Return ok, degraded (candidates are served, something waits) or down."""
    if any(parts[name] != "ok" for name in _NEEDED):
        return "down"
    return "ok" if set(parts.values()) == {"ok"} else "degraded"


def _state(check: Callable[[], str | None]) -> str:
    try:
        return check() or "ok"
    except Exception:  # noqa: BLE001 - any fault of the part means it is down
        return "down"


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()


def _cache() -> None:
    cache.get("health")


def _storage() -> None:
    default_storage.exists("health")


def _jobs() -> str | None:
    """Return late when the oldest due job has waited five minutes; fail when the broker cannot be reached."""
    oldest = Job.objects.filter(state=JobState.QUEUED).aggregate(at=Min("run_at"))["at"]
    if oldest is not None and clock.now() - oldest > LATE:
        return "late"
    if settings.JOB_EXECUTOR == "celery":
        from celery import current_app

        with current_app.connection_for_write(connect_timeout=1) as broker:
            broker.ensure_connection(max_retries=0, timeout=1)
    return None
