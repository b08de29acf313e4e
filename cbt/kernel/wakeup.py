"""Telling readers of the feed that there may be news. Losing a call costs them one turn of their polling, no news."""

import logging
import os
import threading
import time
from collections.abc import Callable

from django.conf import settings

logger = logging.getLogger("cbt.live")
CHANNEL = "cbt:feed"
_PAUSE_SECONDS = 0.02
_TROUBLE_SECONDS = 1.0
_listeners: set[Callable[[], None]] = set()
_wanted = threading.Event()
_starting = threading.Lock()
_teller: tuple[int, threading.Thread] | None = None


def listen(listener: Callable[[], None]) -> None:
    """Call ``listener`` at every commit of news in this process; it must be quick and may be called by any thread."""
    _listeners.add(listener)


def forget(listener: Callable[[], None]) -> None:
    """Do not call it any more."""
    _listeners.discard(listener)


def wake() -> None:
    """Tell the readers of this process, and by Redis those of others. Never waits for the network and never fails."""
    for listener in tuple(_listeners):
        listener()
    if settings.REDIS_URL:
        _start_teller()
        _wanted.set()


def _start_teller() -> None:
    """Start the thread that speaks to Redis; after a fork the child needs one of its own."""
    global _teller  # noqa: PLW0603 - one thread a process is the point
    if _teller is not None and _teller[0] == os.getpid():
        return
    with _starting:
        if _teller is None or _teller[0] != os.getpid():
            thread = threading.Thread(target=_tell, name="feed-wakeup", daemon=True)
            _teller = (os.getpid(), thread)
            thread.start()


def _tell() -> None:
    """Publish one wake-up for all commits of the last moment; requests must not pay for a Redis that is away."""
    import redis

    client: redis.Redis | None = None
    while True:
        _wanted.wait()
        _wanted.clear()
        try:
            client = client or redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
            client.publish(CHANNEL, "")
            time.sleep(_PAUSE_SECONDS)
        except (redis.RedisError, OSError, ValueError) as error:
            logger.debug("readers poll, as Redis cannot be reached: %s", type(error).__name__)
            client = None
            time.sleep(_TROUBLE_SECONDS)
