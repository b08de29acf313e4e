"""Django's SQLite backend, with one queue per process before BEGIN IMMEDIATE.

SQLite has one writer. Whoever finds it busy sleeps in SQLite's busy handler for up to 100 ms a turn, wakes, and may
find it busy again: under load some threads starve for seconds while the disk idles. Here the threads of one process
wait on a lock of the process instead and are woken the moment the writer is done. Other processes (commands beside
the server) still meet SQLite's own lock and its timeout. Figures: docs/decisions/0003-sqlite-writer-lock.md.
"""

import threading
from collections import defaultdict
from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base

_locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


# The stubs leave out the hooks that Django's base class documents for back ends, hence the ignores.
class DatabaseWrapper(base.DatabaseWrapper):
    """Holds the lock of its database file from BEGIN to COMMIT, ROLLBACK or close."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._holds_lock = False

    @property
    def _lock(self) -> threading.Lock:
        return _locks[str(self.settings_dict["NAME"])]

    def _release(self) -> None:
        if self._holds_lock:
            self._holds_lock = False
            self._lock.release()

    def _start_transaction_under_autocommit(self) -> None:
        """Wait for one's turn, as long as SQLite itself would wait, then begin."""
        if not self._holds_lock:
            if not self._lock.acquire(timeout=self.settings_dict["OPTIONS"].get("timeout", 5)):
                raise OperationalError("database is locked")
            self._holds_lock = True
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._release()
            raise

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        self._release()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._release()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._release()
