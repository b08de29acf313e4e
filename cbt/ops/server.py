"""The web server of the one-command run: granian with one worker process, the job runner and the live server inside it.

Knows nothing of Django, so that the parent process stays small; `manage.py serve` replaces itself by this module.
"""

import os
import resource
import signal
import sys
import threading
import time
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

THREADS = 8
CONNECTIONS = 4096
STOP_SECONDS = 3


def load_application() -> Any:
    """Return the WSGI application; runs in the worker process."""
    # Ctrl-C reaches every process of the terminal. The parent passes it on; heard twice, the worker would hang.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), name="parent-watch", daemon=True).start()
    from cbt.wsgi import application

    _serve_live()
    return application


def _serve_live() -> None:
    """Serve sockets and event streams from a thread: they wait nearly always, and the web server knows WSGI only."""
    from django.conf import settings

    from cbt.live.server import serve_in_thread

    serve_in_thread(settings.LIVE_PORT)


def _end_with_parent(parent: int) -> None:
    """End this worker when its parent was killed: an orphan would keep the port and the database."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os._exit(1)


def _allow_open_files(count: int) -> None:
    """Raise the soft limit of open files: every candidate holds a connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def serve(address: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM. One process, because SQLite has one writer and the counters live in memory."""
    _allow_open_files(2 * CONNECTIONS)
    Server(
        "cbt.ops.server:load_application",
        factory=True,
        address=address,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        blocking_threads_idle_timeout=600,
        backlog=1024,
        backpressure=CONNECTIONS,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        websockets=False,
        log_level=LogLevels.error,
        log_access=False,  # paths carry tokens
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
    ).serve()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
