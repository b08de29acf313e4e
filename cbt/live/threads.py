"""Database work of the live server: a few threads, each with one connection, however many sockets there are."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import close_old_connections, connections

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """Runs functions that read or write the database."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="live-db")

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call it in a thread and return what it returns."""

        def guarded() -> T:
            close_old_connections()  # a connection that has died or grown old is not used again
            try:
                return function(*args, **kwargs)
            finally:
                close_old_connections()

        return await asyncio.get_running_loop().run_in_executor(self._pool, guarded)

    def close(self) -> None:
        """Give the connections back and end the threads."""
        meet = threading.Barrier(self._count)

        def leave() -> None:
            connections.close_all()
            meet.wait(5)  # so that every thread comes here once

        for _ in range(self._count):
            self._pool.submit(leave)
        self._pool.shutdown(wait=True)
