"""One poller for all sockets and streams of a process.

While anybody reads, the hub asks for new rows once a turn: every half second, sooner when it is woken. Each row goes
into the queues of those whose topics it has. The hub's position and the queues move together within one turn of the
event loop, so a reader that joins at a position is shown the rows up to it from the database and the rows behind it
from its queue, and none twice.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Callable

from django.conf import settings
from django.db import InterfaceError, OperationalError

from cbt.kernel import clock, feed, wakeup
from cbt.kernel.feed import Position
from cbt.kernel.metrics import LIVE_DROPPED, LIVE_SOCKETS
from cbt.kernel.models import FeedEvent
from cbt.live.closing import TRY_AGAIN, code_of
from cbt.live.frames import frame_of, text_of
from cbt.live.limits import Counts
from cbt.live.listener import RedisListener
from cbt.live.presence import Presence
from cbt.live.threads import Threads
from cbt.live.topics import Grant, no_longer_good

logger = logging.getLogger("cbt.live")
#: A frame: its event, its id (None: the client keeps the one it has), its text.
Item = tuple[str, int | None, str]
_GATHER_SECONDS = 0.03
#: How long one who must go may take for what was told before.
_LAST_WORDS_SECONDS = 1.0


class Subscriber:
    """One socket or stream. What is queued is (event, id, text) and comes behind ``position``.

    ended: set when it must go; ``code`` then says why (a code of WebSocket closing).
    """

    def __init__(self, grant: Grant, position: Position, transport: str) -> None:
        self.grant = grant
        self.position = position
        self.transport = transport
        self.queue: asyncio.Queue[Item] = asyncio.Queue(settings.LIVE_QUEUE)
        self.ended = asyncio.Event()
        self.code = 1000

    def offer(self, item: Item) -> None:
        """Queue a frame. Who cannot keep up goes, and can replay what it missed when it comes back."""
        try:
            self.queue.put_nowait(item)
        except asyncio.QueueFull:
            self.end(TRY_AGAIN)

    async def end_told(self, code: int) -> None:
        """Ask for its end once it has taken what is queued, or has had the time to."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_SECONDS):
                await self.queue.join()
        self.end(code)

    def end(self, code: int) -> None:
        """Ask for its end, with the first reason that was given."""
        if not self.ended.is_set():
            self.code = code
            self.ended.set()
            LIVE_DROPPED.labels(str(code)).inc()


class Hub:
    """Who reads what in this process, and the task that serves them. Belongs to one event loop."""

    def __init__(self) -> None:
        self.threads = Threads(3)
        self._own_thread = Threads(1)  # a rush of newcomers must not hold up the news and the looking again
        self.counts = Counts()
        self.presence = Presence()
        self.position = feed.START
        self._by_topic: defaultdict[str, set[Subscriber]] = defaultdict(set)
        self._subscribers: set[Subscriber] = set()
        self._starting = asyncio.Lock()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._listener = RedisListener(self._wake.set)
        self._is_away = False
        self._leaving: dict[Subscriber, asyncio.Task[None]] = {}

    async def join(self, grant: Grant, transport: str) -> Subscriber:
        """Let a reader in; from now on its queue gets what comes behind its position."""
        async with self._starting:
            if self._task is None:
                self.position = await self._own_thread.run(feed.latest)
                self._start()
        subscriber = Subscriber(grant, self.position, transport)
        self._subscribers.add(subscriber)
        for topic in grant.topics:
            self._by_topic[topic].add(subscriber)
        LIVE_SOCKETS.labels(grant.kind, transport).inc()
        self.presence.came(grant)
        return subscriber

    def leave(self, subscriber: Subscriber) -> None:
        """Forget a reader."""
        self._subscribers.discard(subscriber)
        for topic in subscriber.grant.topics:
            self._by_topic[topic].discard(subscriber)
            if not self._by_topic[topic]:
                del self._by_topic[topic]
        LIVE_SOCKETS.labels(subscriber.grant.kind, subscriber.transport).dec()
        self.presence.went(subscriber.grant)

    def _start(self) -> None:
        loop = asyncio.get_running_loop()

        def woken() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._wake.set)

        self._task = asyncio.create_task(self._serve(woken))

    async def _serve(self, woken: Callable[[], None]) -> None:
        """Poll until nobody reads any more."""
        wakeup.listen(woken)
        self._listener.start()
        check_at = clock.now().timestamp() + settings.LIVE_CHECK_SECONDS
        try:
            while self._subscribers or self.presence.is_pending:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(settings.LIVE_POLL_SECONDS):
                        await self._wake.wait()
                self._wake.clear()
                is_due = clock.now().timestamp() >= check_at
                await self._turn(is_due=is_due)
                if is_due:
                    check_at = clock.now().timestamp() + settings.LIVE_CHECK_SECONDS
                await asyncio.sleep(_GATHER_SECONDS)
        finally:
            self._task = None
            wakeup.forget(woken)
            self._listener.stop()

    async def _turn(self, *, is_due: bool) -> None:
        """Look for news, and now and then whether the readers may still read. A fault waits for the next turn."""
        try:
            rows = await self._own_thread.run(feed.after, self.position)
            self._hand_out(rows)
            if len(rows) == feed.PAGE:
                self._wake.set()
            if is_due:
                await self._check()
                await self.presence.tell(self._own_thread)
            self._is_away = False
        except (OperationalError, InterfaceError) as error:
            if not self._is_away:
                logger.warning("the database cannot be reached, readers wait: %s", type(error).__name__)
            self._is_away = True
        except Exception:
            logger.exception("the live feed met an error and goes on")

    def _hand_out(self, rows: list[FeedEvent]) -> None:
        for row in rows:
            exact = self._by_topic.get(row.topic, ())
            wide = self._by_topic.get(row.topic.partition("/")[0] + feed.ALL, ())
            if exact or wide:
                item = (row.event, row.pk, text_of(frame_of(row)))
                for subscriber in (*exact, *wide):
                    subscriber.offer(item)
            self.position = Position(row.xid, row.pk)

    async def _check(self) -> None:
        ended = await self._own_thread.run(no_longer_good, {subscriber.grant for subscriber in self._subscribers})
        if not ended:
            return
        # What ended them is news to them: a ban is told before the door is shut.
        self._hand_out(await self._own_thread.run(feed.after, self.position))
        for subscriber in self._subscribers - self._leaving.keys():
            if subscriber.grant in ended:
                self._let_go(subscriber, code_of(ended[subscriber.grant]))

    def _let_go(self, subscriber: Subscriber, code: int) -> None:
        task = self._leaving[subscriber] = asyncio.create_task(subscriber.end_told(code))
        task.add_done_callback(lambda _: self._leaving.pop(subscriber, None))

    async def close(self) -> None:
        """End everything, at the end of the process."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        for threads in (self.threads, self._own_thread):
            await asyncio.to_thread(threads.close)
