"""Serving the live application: as a thread of `make run`'s worker, or as a process of its own."""

import contextlib
import logging
import socket
import threading

import uvicorn

from cbt.live.limits import MAX_MESSAGE_BYTES

logger = logging.getLogger("cbt.live")
BACKLOG = 2048
#: Pings of the protocol, which browsers answer by themselves: a peer that is gone is found out and let go.
PING_SECONDS = 20.0
#: After how long a peer that takes nothing any more is given up by the operating system, whatever it holds open.
UNTAKEN_MILLISECONDS = 60_000


def _listening(address: str, port: int) -> socket.socket:
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    with contextlib.suppress(AttributeError, OSError):  # Linux; what is accepted here inherits it
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNTAKEN_MILLISECONDS)
    try:
        found.bind((address, port))
    except OSError:
        found.close()
        raise
    return found


def server_make() -> uvicorn.Server:
    """Return the server. Nothing of an address is logged: it holds tokens. Nothing is compressed: it costs memory."""
    from cbt.live.routing import application_make

    return uvicorn.Server(
        uvicorn.Config(
            application_make(),
            log_config=None,
            access_log=False,
            proxy_headers=False,  # `cbt.http.client` reads them, by TRUSTED_PROXY_COUNT
            server_header=False,
            lifespan="on",
            ws="websockets-sansio",
            ws_max_size=MAX_MESSAGE_BYTES,
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=PING_SECONDS,
            ws_per_message_deflate=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=2,
        )
    )


def serve(address: str, port: int) -> None:
    """Serve in the foreground until SIGINT or SIGTERM."""
    with contextlib.closing(_listening(address, port)) as listening:
        server_make().run(sockets=[listening])


def serve_in_thread(port: int) -> None:
    """Serve on the loopback address beside the web server of this process, for as long as it lives."""
    listening = _listening("127.0.0.1", port)
    thread = threading.Thread(target=lambda: server_make().run(sockets=[listening]), name="live-server", daemon=True)
    thread.start()
