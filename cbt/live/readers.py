"""What sockets and event streams have in common: being let in, catching up, and going on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

from django.conf import settings

from cbt.kernel import feed
from cbt.kernel.feed import Position
from cbt.live.credentials import Visit, refuse_foreign
from cbt.live.frames import PING, READY, RESET, frame_of, own_frame, text_of
from cbt.live.hub import Hub, Item, Subscriber
from cbt.live.topics import Grant

Asking = Callable[..., Grant]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@contextlib.asynccontextmanager
async def admitted(hub: Hub, visit: Visit, ask: Asking, where: dict[str, Any]) -> AsyncIterator[Subscriber]:
    """Let a reader in and count it as long as it stays.

    ask: finds what the reader may read, from the visit and the values of the path ``where``.
    Raises what it raises, CSRF_FAILED for a foreign page, RATE_LIMITED for one too many.
    """
    with contextlib.ExitStack() as counted:
        counted.callback(hub.counts.give_back, hub.counts.take_address(visit.ip))
        refuse_foreign(visit)
        grant = await hub.threads.run(ask, visit, **where)
        counted.callback(hub.counts.give_back, hub.counts.take_holder(grant.holder))
        subscriber = await hub.join(grant, "socket" if visit.is_socket else "stream")
        try:
            yield subscriber
        finally:
            hub.leave(subscriber)


async def frames(hub: Hub, subscriber: Subscriber, last_event_id: int | None) -> AsyncIterator[Item]:
    """Return what the reader missed, then what happens, for as long as it is asked for."""
    cursor = feed.START if subscriber.grant.is_from_start else None
    if last_event_id is not None:
        known = await hub.threads.run(feed.position_of, last_event_id)
        if known is None:
            yield _own(RESET, 0)
        else:
            cursor = known
    if cursor is not None:
        async for item in _missed(hub, subscriber, cursor):
            yield item
    yield _own(READY, subscriber.position.id, {"heartbeat_seconds": settings.LIVE_HEARTBEAT_SECONDS})
    while True:
        try:
            # Not `wait_for`: Python 3.11's forgets that it was cancelled where something came in the same moment.
            async with asyncio.timeout(settings.LIVE_HEARTBEAT_SECONDS):
                item = await subscriber.queue.get()
        except TimeoutError:
            # Nothing waits in the queue, so the reader has all there is up to the hub's position.
            yield _own(PING, hub.position.id)
        else:
            yield item
            subscriber.queue.task_done()  # asked for the next: it has been sent


async def _missed(hub: Hub, subscriber: Subscriber, cursor: Position) -> AsyncIterator[Item]:
    topics, until = subscriber.grant.topics, subscriber.position
    while rows := await hub.threads.run(feed.after, cursor, topics=topics, until=until):
        for row in rows:
            yield row.event, row.pk, text_of(frame_of(row))
        cursor = Position(rows[-1].xid, rows[-1].pk)


def _own(event: str, event_id: int, data: dict[str, object] | None = None) -> Item:
    return event, event_id, text_of(own_frame(event, event_id, data))


async def first_of(*works: Coroutine[Any, Any, Any]) -> None:
    """Run these until one of them ends, and end the others; a fault of ours is raised, a lost connection is none."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, OSError):
            raise result
