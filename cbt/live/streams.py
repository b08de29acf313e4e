"""The reader by server-sent events: the same addresses, without the upgrade."""

import asyncio
import contextlib
from typing import Any

import orjson

from cbt.http.face import PRIMARY, Problem
from cbt.http.problems import report, to_problem
from cbt.kernel.errors import DomainError, ErrorCode
from cbt.live.credentials import Visit, refuse_foreign, visit_of
from cbt.live.hub import Hub, Subscriber
from cbt.live.readers import Asking, Receive, Scope, Send, admitted, first_of, frames
from cbt.live.sockets import GOODBYE_SECONDS

RETRY_MILLISECONDS = 2000


class StreamReader:
    """One address as an event stream, as an ASGI application. A refusal is the usual error body with its status."""

    def __init__(self, hub: Hub, ask: Asking) -> None:
        self.hub = hub
        self.ask = ask

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one stream to its end."""
        is_begun = False
        try:
            visit = visit_of(scope)
            if scope["method"] == "OPTIONS":
                await answer(send, 204, b"", allowed_for(visit))
                return
            if scope["method"] != "GET":
                raise DomainError(ErrorCode.METHOD_NOT_ALLOWED, "Method not allowed")
            last_event_id = visit.last_event_id
            async with admitted(self.hub, visit, self.ask, scope["url_route"]["kwargs"]) as subscriber:
                is_begun = True
                await send(_begin(visit))
                tell = self._tell(subscriber, last_event_id, send)
                await first_of(_listen(receive), tell, subscriber.ended.wait())
            with contextlib.suppress(TimeoutError, OSError):
                async with asyncio.timeout(GOODBYE_SECONDS):
                    await send({"type": "http.response.body", "body": b""})
        except Exception as error:  # noqa: BLE001 - the last resort of this reader; reported
            problem = to_problem(error)
            report(error, problem, None)
            if not is_begun:
                await refuse(send, problem)

    async def _tell(self, subscriber: Subscriber, last_event_id: int | None, send: Send) -> None:
        async for event, event_id, text in frames(self.hub, subscriber, last_event_id):
            head = f"event: {event}\n" if event_id is None else f"id: {event_id}\nevent: {event}\n"
            body = f"{head}data: {text}\n\n".encode()
            await send({"type": "http.response.body", "body": body, "more_body": True})


async def _listen(receive: Receive) -> None:
    """Return when the client goes; a body, which nobody needs, is not kept."""
    while (await receive())["type"] != "http.disconnect":
        pass


def allowed_for(visit: Visit) -> list[tuple[bytes, bytes]]:
    """Return the headers that let a listed page of another origin read; none for others."""
    headers = [(b"vary", b"Origin")]
    with contextlib.suppress(DomainError):
        refuse_foreign(visit)
        if visit.origin is not None:
            headers += [
                (b"access-control-allow-origin", visit.origin.encode("latin-1")),
                (b"access-control-allow-credentials", b"true"),
                (b"access-control-allow-headers", b"authorization, last-event-id"),
            ]
    return headers


def _begin(visit: Visit) -> dict[str, Any]:
    return {
        "type": "http.response.start",
        "status": 200,
        "headers": [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
            *allowed_for(visit),
        ],
    }


async def refuse(send: Send, problem: Problem) -> None:
    """Answer with the error body of every route."""
    headers = [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
    await answer(send, problem.status, orjson.dumps(PRIMARY.fail(problem)), headers)


async def answer(
    send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]], kind: bytes = b"application/json"
) -> None:
    """Send a whole answer."""
    headers = [*headers, (b"content-type", kind), (b"content-length", str(len(body)).encode())]
    with contextlib.suppress(OSError):
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
