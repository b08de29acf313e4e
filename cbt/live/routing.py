"""The addresses of the live server, each a socket and an event stream. `cbt.asgi` serves them."""

from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path, re_path

from cbt.http.problems import to_problem
from cbt.kernel.errors import not_found
from cbt.live.closing import NOT_THERE
from cbt.live.credentials import Visit, actor_of
from cbt.live.hub import Hub
from cbt.live.lifespan import Lifespan
from cbt.live.probes import Alive, Numbers
from cbt.live.readers import Asking, Receive, Scope, Send
from cbt.live.sockets import SocketReader
from cbt.live.streams import StreamReader, refuse
from cbt.live.topics import (
    Grant,
    attendance_grant,
    exam_grant,
    import_grant,
    monitor_grant,
    session_grant,
    sitting_grant,
)


def _import(visit: Visit, import_id: int) -> Grant:
    return import_grant(actor_of(visit), import_id)


def _monitor(visit: Visit) -> Grant:
    return monitor_grant(actor_of(visit))


def _attendance(visit: Visit) -> Grant:
    return attendance_grant(actor_of(visit))


def _session(visit: Visit, token: str) -> Grant:
    return session_grant(token)


def _exam(visit: Visit, exam_id: int) -> Grant:
    return exam_grant(actor_of(visit), exam_id)


def _sitting(visit: Visit, session_id: int) -> Grant:
    return sitting_grant(actor_of(visit), session_id)


ADDRESSES: dict[str, Asking] = {
    "ws/imports/<int:import_id>": _import,
    "ws/session/<str:token>": _session,
    "ws/exam/<int:exam_id>": _exam,
    "ws/sittings/<int:session_id>": _sitting,
    "ws/monitor": _monitor,
    "ws/attendance": _attendance,
}


async def _no_socket(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": NOT_THERE})


async def _no_stream(scope: Scope, receive: Receive, send: Send) -> None:
    await refuse(send, to_problem(not_found()))


def application_make() -> Any:
    """Return the ASGI application with a hub of its own; to be served by one event loop."""
    hub = Hub()
    sockets = [path(address, SocketReader(hub, ask)) for address, ask in ADDRESSES.items()]  # type: ignore[arg-type]
    streams = [path(address, StreamReader(hub, ask)) for address, ask in ADDRESSES.items()]  # type: ignore[arg-type]
    probes = [path("health/live", Alive()), path("metrics", Numbers())]  # type: ignore[arg-type]
    return ProtocolTypeRouter(
        {
            "websocket": URLRouter([*sockets, re_path("", _no_socket)]),  # type: ignore[arg-type]
            "http": URLRouter([*streams, *probes, re_path("", _no_stream)]),  # type: ignore[arg-type]
            "lifespan": Lifespan(hub),
        }
    )
