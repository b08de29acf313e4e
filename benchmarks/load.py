"""Many keep-alive clients in one thread: each sends its next request as soon as the last one was answered.

Built to leave the cores to the server: requests are bytes made beforehand, answers are not parsed.
"""

import select
import socket
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

QUESTIONS = 50


@dataclass
class Load:
    """What the clients saw: milliseconds of each request, and how many answers of each status."""

    milliseconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.milliseconds) / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share of the requests was answered."""
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Taker:
    """One candidate: sends all 50 answers at each save, two of them changed, always another two."""

    def __init__(self, token: str, *, with_revision: bool = False) -> None:
        self.with_revision = with_revision
        self.head = (
            f"POST /api/test-session/{token}/save-answers HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()
        self.end = (
            f"POST /api/test-session/{token}/submit HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n"
        ).encode()
        self.answers = [f'"q{number}":"a"'.encode() for number in range(1, QUESTIONS + 1)]
        self.count = 0

    def first(self) -> bytes:
        """Return the save that stores all answers."""
        return self._request()

    def save(self) -> bytes:
        """Return the next save."""
        self.count += 1
        for offset in (0, 1):
            position = 2 * (self.count - 1) + offset
            at, option = position % QUESTIONS, "bca"[position // QUESTIONS % 3]
            self.answers[at] = f'"q{at + 1}":"{option}"'.encode()
        return self._request()

    def submit(self) -> bytes:
        """Return the request that hands in."""
        return self.end

    def _request(self) -> bytes:
        revision = b',"revision":%d' % self.count if self.with_revision else b""
        body = b'{"answers":{' + b",".join(self.answers) + b"}" + revision + b"}"
        return self.head + b"%d\r\n\r\n" % len(body) + body


class Client:
    """One connection, and the request it waits for."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.began = 0.0

    def send(self, request: bytes) -> None:
        """Send a request; requests are far smaller than the socket's buffer."""
        self.received = b""
        self.began = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> int | None:
        """Take what has arrived; return the status once the answer is complete."""
        data = self.socket.recv(262144)
        if not data:
            raise ConnectionError("the server closed the connection")
        self.received += data
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self.received[:end].lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        return int(head[9:12]) if len(self.received) >= end + 4 + length else None


def drive(port: int, clients: int, next_request: Callable[[int], bytes | None], seconds: float = 1e9) -> Load:
    """Let each client send what ``next_request(its number)`` returns until that is None or the time is over."""
    load = Load()
    with select.epoll() as poll:
        open_clients: dict[int, tuple[int, Client]] = {}
        for number in range(clients):
            client = Client(port)
            open_clients[client.socket.fileno()] = (number, client)
            poll.register(client.socket, select.EPOLLIN)
        try:
            _drive(poll, open_clients, next_request, seconds, load)
        finally:
            for _, client in open_clients.values():
                client.socket.close()
    return load


def _drive(
    poll: select.epoll,
    open_clients: dict[int, tuple[int, Client]],
    next_request: Callable[[int], bytes | None],
    seconds: float,
    load: Load,
) -> None:
    waiting = 0
    began = time.perf_counter()
    for number, client in open_clients.values():
        request = next_request(number)
        if request is not None:
            client.send(request)
            waiting += 1
    while waiting:
        events = poll.poll(60)
        if not events:
            raise TimeoutError("no answer within 60 s")
        for descriptor, _ in events:
            number, client = open_clients[descriptor]
            status = client.receive()
            if status is None:
                continue
            now = time.perf_counter()
            load.milliseconds.append((now - client.began) * 1000)
            load.statuses[status] += 1
            waiting -= 1
            request = next_request(number) if now - began < seconds else None
            if request is not None:
                client.send(request)
                waiting += 1
    load.seconds = time.perf_counter() - began


def share_out(takers: list[Taker], clients: int) -> list[deque[Taker]]:
    """Return the candidates of each client; no candidate is in two hands."""
    return [deque(takers[number::clients]) for number in range(clients)]


def in_turn(hands: list[deque[Taker]]) -> Callable[[int], bytes]:
    """Return a source of saves in which each client's candidates take turns."""

    def next_request(number: int) -> bytes:
        hands[number].rotate(-1)
        return hands[number][0].save()

    return next_request
