"""How much one reader may ask of the live server. Counted in this process, which is the only one with its sockets."""

import time
from collections import Counter, deque

from django.conf import settings

from cbt.http.client import network_of
from cbt.kernel.errors import DomainError, ErrorCode

MESSAGES, MESSAGE_SECONDS = 20, 10.0
MAX_MESSAGE_BYTES = 4096


class Counts:
    """Open sockets and streams by network address, and by login or sitting."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    def take(self, name: str, limit: int) -> None:
        """Count one more. Raises RATE_LIMITED where the limit is reached."""
        if self._open.get(name, 0) >= limit:
            raise DomainError(ErrorCode.RATE_LIMITED, "Too many open connections.", retry_after=30)
        self._open[name] += 1

    def take_address(self, ip: str) -> str:
        """Count one more of a network address and return the name it was counted by."""
        name = f"address {network_of(ip)}"
        self.take(name, settings.LIVE_SOCKETS_PER_ADDRESS)
        return name

    def take_holder(self, name: str) -> str:
        """Count one more of a login or sitting and return the name."""
        self.take(name, settings.LIVE_SOCKETS_PER_LOGIN)
        return name

    def give_back(self, name: str) -> None:
        """Count one less."""
        self._open[name] -= 1
        if self._open[name] <= 0:
            del self._open[name]


class MessageRate:
    """The messages of one socket: 20 in 10 seconds, where one a minute would do."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=MESSAGES)

    def is_exceeded(self) -> bool:
        """Count one message and tell whether it is one too many."""
        now = time.monotonic()
        is_full = len(self._times) == MESSAGES and now - self._times[0] < MESSAGE_SECONDS
        self._times.append(now)
        return is_full
