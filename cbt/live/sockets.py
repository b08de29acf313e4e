"""The WebSocket reader."""

import asyncio
import contextlib
from typing import Any

from cbt.http.problems import report, to_problem
from cbt.live.closing import TOO_BIG, TOO_MANY, code_of
from cbt.live.credentials import visit_of
from cbt.live.frames import PONG, own_frame, text_of
from cbt.live.hub import Hub, Subscriber
from cbt.live.limits import MAX_MESSAGE_BYTES, MessageRate
from cbt.live.readers import Asking, Receive, Scope, Send, admitted, first_of, frames

#: A peer that does not even take our goodbye is left to the operating system.
GOODBYE_SECONDS = 1.0


class SocketReader:
    """One WebSocket address, as an ASGI application. A refusal is a closing code: only so browsers tell pages why."""

    def __init__(self, hub: Hub, ask: Asking) -> None:
        self.hub = hub
        self.ask = ask

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket to its end."""
        await receive()
        with contextlib.suppress(OSError):  # it has gone
            await send({"type": "websocket.accept"})
            try:
                visit = visit_of(scope)
                last_event_id = visit.last_event_id
                async with admitted(self.hub, visit, self.ask, scope["url_route"]["kwargs"]) as subscriber:
                    await first_of(
                        _listen(subscriber, receive),
                        self._tell(subscriber, last_event_id, send),
                        subscriber.ended.wait(),
                    )
                code = subscriber.code
            except Exception as error:  # noqa: BLE001 - the last resort of this reader; reported
                problem = to_problem(error)
                report(error, problem, None)
                code = code_of(problem.code)
            await _goodbye(send, code)

    async def _tell(self, subscriber: Subscriber, last_event_id: int | None, send: Send) -> None:
        async for _, _, text in frames(self.hub, subscriber, last_event_id):
            await send({"type": "websocket.send", "text": text})


async def _listen(subscriber: Subscriber, receive: Receive) -> None:
    """Answer the client's messages, which say no more than that it is there; return when it goes."""
    rate = MessageRate()
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        given: Any = message.get("text")
        size = len(given.encode()) if given is not None else len(message.get("bytes") or b"")
        if size > MAX_MESSAGE_BYTES:
            subscriber.end(TOO_BIG)
        elif rate.is_exceeded():
            subscriber.end(TOO_MANY)
        else:
            subscriber.offer((PONG, None, text_of(own_frame(PONG, None))))


async def _goodbye(send: Send, code: int) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GOODBYE_SECONDS):
            await send({"type": "websocket.close", "code": code})
