"""The rate table, and its counting (django-ratelimit over the cache).

Exam traffic is limited by session or link, staff by user, strangers by address: a classroom behind one
address is never one person. When the counters cannot be reached, exam traffic goes on and sign-in waits.
"""

import logging
import math
from dataclasses import dataclass
from enum import Enum

from django.core.cache import cache
from django.http import HttpRequest
from django_ratelimit.core import get_usage

from cbt.http.client import client_ip, network_of
from cbt.kernel import clock
from cbt.kernel.errors import DomainError, ErrorCode
from cbt.kernel.ids import hash_token

logger = logging.getLogger("cbt.rates")


@dataclass(frozen=True, slots=True)
class Limit:
    """``rate`` as django-ratelimit writes it; ``key`` is what is counted: ip, user (a stranger: ip) or token (of a
    link or session)."""

    group: str
    rate: str
    key: str
    is_open_when_blind: bool = True


BLIND = {"limit": 0, "should_limit": True}


class Rate(Enum):
    """Every limit there is. A view names one; see docs for the table."""

    # Whoever is signed in counts for himself: a classroom browses the catalogue from one address.
    PUBLIC = Limit("public", "60/m", "user")
    AUTH = Limit("auth", "60/m", "ip", is_open_when_blind=False)
    # A school signs in at once behind one address, and each candidate may try five times.
    LOGIN = Limit("login", "3000/m", "ip", is_open_when_blind=False)
    # Every client of a school behind one address renews its access token four times an hour.
    REFRESH = Limit("refresh", "3000/m", "ip", is_open_when_blind=False)
    STAFF = Limit("staff", "300/m", "user")
    MAIL = Limit("mail", "60/m", "user")
    # One question by GraphQL may stand for ten lists.
    GRAPH = Limit("graph", "60/m", "user")
    PARTICIPANT = Limit("participant", "120/m", "token")
    EXAM_READ = Limit("exam_read", "120/m", "user")
    EXAM_QUESTIONS = Limit("exam_questions", "10/m", "user")
    EXAM_ANSWER = Limit("exam_answer", "100/m", "user")
    EXAM_TIME = Limit("exam_time", "60/m", "user")
    EXAM_SUBMIT = Limit("exam_submit", "30/m", "user")
    SESSION_READ = Limit("session_read", "120/m", "token")
    SESSION_SAVE = Limit("session_save", "100/m", "token")
    SESSION_TIME = Limit("session_time", "60/m", "token")
    SESSION_SUBMIT = Limit("session_submit", "30/m", "token")
    SESSION_CHEAT = Limit("session_cheat", "120/m", "token")
    SESSION_PHOTO = Limit("session_photo", "12/m", "token")
    # Counted by the sitting whose paper the pictures belong to, else by the signed address; without one, by client.
    FILE = Limit("file", "600/m", "token")
    HEALTH = Limit("health", "600/m", "ip")


def enforce(rate: Rate, request: HttpRequest, *, user_id: int | None = None, token: str | None = None) -> None:
    """Count this request and raise RATE_LIMITED with ``retry_after`` when there were too many."""
    limit = rate.value
    identity = _identity(limit, request, user_id, token)
    try:
        usage = get_usage(
            request, group=limit.group, key=lambda _group, _request: identity, rate=limit.rate, increment=True
        )
    except Exception as error:  # noqa: BLE001 - any fault of the counter's store
        logger.warning("rate counters cannot be reached: %s", type(error).__name__)
        usage = BLIND
    if usage["limit"] == 0 and usage["should_limit"]:
        # The store answered nothing usable (or the counter ran out between two of its calls).
        if limit.is_open_when_blind:
            return
        raise DomainError(ErrorCode.UNAVAILABLE, "Please try again in a moment.", retry_after=5)
    if usage["should_limit"]:
        wait = max(1, int(usage["time_left"]))
        raise DomainError(
            ErrorCode.RATE_LIMITED, f"Too many requests. Please retry in {wait} seconds.", retry_after=wait
        )


def _identity(limit: Limit, request: HttpRequest, user_id: int | None, token: str | None) -> str:
    if limit.key == "user" and user_id is not None:
        return f"u{user_id}"
    if limit.key == "token" and token:
        return hash_token(token)[:32]
    return f"ip{network_of(client_ip(request))}"


class FailureCounter:
    """Counts failures in a window: counted before the try and taken back after a success, so that
    parallel guesses cannot slip by between reading and writing."""

    def __init__(self, name: str, limit: int, window_seconds: int) -> None:
        self.name = name
        self.limit = limit
        self.window_seconds = window_seconds

    def _key(self, identity: str) -> str:
        return f"failures:{self.name}:{hash_token(identity)[:40]}"

    def begin(self, identity: str) -> None:
        """Count one try; raise RATE_LIMITED when the window already holds ``limit`` failures."""
        key = self._key(identity)
        try:
            if cache.add(key, 0, self.window_seconds):
                cache.set(f"{key}:end", clock.now().timestamp() + self.window_seconds, self.window_seconds)
            count = cache.incr(key)
        except ValueError:  # expired between the two calls
            cache.set(key, 1, self.window_seconds)
            count = 1
        except Exception as error:  # noqa: BLE001 - any fault of the counter's store
            logger.warning("rate counters cannot be reached: %s", type(error).__name__)
            raise DomainError(ErrorCode.UNAVAILABLE, "Please try again in a moment.", retry_after=5) from None
        if count > self.limit:
            wait = self._left(key)
            minutes = -(-wait // 60)
            raise DomainError(
                ErrorCode.RATE_LIMITED,
                f"Too many failed attempts. Please try again in {minutes} minute{'s' if minutes > 1 else ''}.",
                retry_after=wait,
            )

    def _left(self, key: str) -> int:
        """Return the seconds until the window of a counter ends; the whole window where nobody knows."""
        try:
            end = cache.get(f"{key}:end")
        except Exception as error:  # noqa: BLE001 - any fault of the counter's store
            logger.warning("rate counters cannot be reached: %s", type(error).__name__)
            end = None
        left = self.window_seconds if end is None else math.ceil(end - clock.now().timestamp())
        return min(max(left, 1), self.window_seconds)

    def succeeded(self, identity: str) -> None:
        """Take the counted try back: it was no failure."""
        try:
            cache.decr(self._key(identity))
        except Exception as error:  # noqa: BLE001 - the counter ran out or its store is away; nothing to take back
            logger.debug("nothing to take back: %s", type(error).__name__)
