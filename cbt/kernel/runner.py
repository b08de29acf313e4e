"""The in-process job runner of the embedded run: one daemon thread over the same rows Celery would run."""

import logging
import threading

from django.db import InterfaceError, OperationalError, close_old_connections

from cbt.kernel import jobs, leases

logger = logging.getLogger(__name__)
POLL_SECONDS = 2.0
_started = threading.Lock()
_thread: threading.Thread | None = None


def start() -> None:
    """Start the runner thread of this process, once."""
    global _thread  # noqa: PLW0603 - one thread a process is the point
    with _started:
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_loop, name="job-runner", daemon=True)
            _thread.start()


def tick() -> int:
    """Enqueue what is due by the periodic table, then run what is due; return how many jobs ran."""
    jobs.enqueue_periodic()
    return jobs.run_due(limit=100)


def _loop() -> None:
    leases.start()
    while True:
        jobs.wake_event.wait(POLL_SECONDS)
        jobs.wake_event.clear()
        try:
            while tick() == 100:
                pass
        except (OperationalError, InterfaceError) as error:
            logger.warning("the job runner cannot reach the database and goes on trying: %s", type(error).__name__)
        except Exception:
            logger.exception("the job runner met an error and goes on")
        finally:
            close_old_connections()
