"""Hearing from other processes, by Redis, that there is news. Without Redis the poller finds it a little later."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from django.conf import settings

from cbt.kernel.wakeup import CHANNEL

logger = logging.getLogger("cbt.live")
_TROUBLE_SECONDS = 5.0


class RedisListener:
    """Calls ``wake`` at every wake-up other processes publish."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen, where there is a Redis."""
        if settings.REDIS_URL:
            self._task = asyncio.create_task(self._listen())

    def stop(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _listen(self) -> None:
        import redis.asyncio as redis

        while True:
            # One connection; no timeout on reading, because silence is normal, but a check that the other end is there.
            client = redis.Redis.from_url(
                settings.REDIS_URL, socket_timeout=None, socket_connect_timeout=2, health_check_interval=30
            )
            try:
                async with client.pubsub() as channel:
                    await channel.subscribe(CHANNEL)
                    while True:
                        message = await channel.get_message(ignore_subscribe_messages=True, timeout=20)
                        if message is not None:
                            self._wake()
            except (redis.RedisError, OSError) as error:
                logger.info("Redis cannot be reached, the live feed polls: %s", type(error).__name__)
            finally:
                with contextlib.suppress(Exception):
                    await client.aclose()
            await asyncio.sleep(_TROUBLE_SECONDS)
