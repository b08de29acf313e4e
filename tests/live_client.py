"""A client of the live server: sockets by the `websockets` library, event streams by hand."""

import http.client
import json
import socket
import time
from contextlib import ExitStack
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

PATIENCE = 10
OWN = {"live.ping", "live.pong", "live.ready"}


class Socket:
    """One open socket."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def frame(self) -> dict[str, Any]:
        """Return the next frame."""
        return json.loads(self.connection.recv(timeout=PATIENCE))

    def until(self, event: str) -> list[dict[str, Any]]:
        """Return the frames up to the first of this name, with it."""
        frames = [self.frame()]
        deadline = time.monotonic() + PATIENCE
        while frames[-1]["event"] != event:
            assert time.monotonic() < deadline, frames
            frames.append(self.frame())
        return frames

    def news(self, count: int) -> list[dict[str, Any]]:
        """Return the next frames that are news."""
        found: list[dict[str, Any]] = []
        deadline = time.monotonic() + PATIENCE
        while len(found) < count:
            assert time.monotonic() < deadline, (len(found), found[-3:])
            frame = self.frame()
            found += [] if frame["event"] in OWN else [frame]
        return found

    def code(self) -> int:
        """Read on to the end and return the code it was closed with."""
        deadline = time.monotonic() + PATIENCE
        try:
            while time.monotonic() < deadline:
                self.frame()
            return 0
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006


class Client:
    """Opens sockets and streams, and closes them when the block ends."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.stack = ExitStack()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def socket(self, path: str, *, buffer_bytes: int = 0, **headers: str) -> Socket:
        """Open a socket. buffer_bytes: what the operating system may keep for a client that does not read."""
        plain = socket.socket()
        if buffer_bytes:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        plain.connect(("127.0.0.1", self.port))
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        address = f"ws://127.0.0.1:{self.port}{path}"
        opened = connect(
            address, sock=plain, additional_headers=sent, proxy=None, max_size=None, close_timeout=1, compression=None
        )
        return Socket(self.stack.enter_context(opened))

    def verdict(self, path: str, **headers: str) -> int:
        """Return 200 for a socket that is let in, else its closing code."""
        opened = self.socket(path, **headers)
        try:
            while opened.frame()["event"] != "live.ready":
                pass
        except ConnectionClosed as closed:
            return closed.rcvd.code
        opened.connection.close()
        return 200

    def stream(self, path: str, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
        """Open an event stream."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        self.stack.callback(connection.close)
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        self.stack.callback(response.close)
        return response


def events_of(response: http.client.HTTPResponse, count: int) -> list[dict[str, Any]]:
    """Read events off a stream until so many were news; each id and name is what its data say."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        head: dict[str, str] = {}
        while line := response.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            head[name] = value
        frame = json.loads(head["data"])
        assert (head["event"], head.get("id")) == (frame["event"], str(frame["id"]))
        found += [] if frame["event"] in OWN else [frame]
    return found
