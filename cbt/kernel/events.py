"""News from a lower room to a higher one.

A publisher names what happened; higher apps subscribe in their ``AppConfig.ready``. Subscribers run inside
the publisher's transaction and may only write rows (a job, a detection, a flag): so either the fact and
all that follows from it are stored, or none (docs/decisions/0002). What must leave the process goes into a job.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cbt.kernel.actor import Actor


@dataclass(frozen=True, slots=True)
class UserEmailVerified:
    """A user has proved that the e-mail address is theirs."""

    user_id: int


@dataclass(frozen=True, slots=True)
class CompanyAdminAppointed:
    """Staff gave a user the role of a company admin, for this company; who keeps companies takes it in or refuses."""

    user_id: int
    company_id: int
    actor: Actor


@dataclass(frozen=True, slots=True)
class SessionCompleted:
    """An exam session was completed, by its taker or by the clock; answers and result are stored."""

    session_id: int


@dataclass(frozen=True, slots=True)
class SessionBanned:
    """An exam session was ended by a ban."""

    session_id: int


Event = UserEmailVerified | CompanyAdminAppointed | SessionCompleted | SessionBanned
_subscribers: dict[type, list[Callable[[Any], None]]] = defaultdict(list)


def subscribe(event_type: type, handler: Callable[[Any], None]) -> None:
    """Call ``handler(event)`` whenever an event of this type is published. Idempotent."""
    if handler not in _subscribers[event_type]:
        _subscribers[event_type].append(handler)


def publish(event: Event) -> None:
    """Tell all subscribers, in order of subscription, inside the current transaction."""
    for handler in _subscribers[type(event)]:
        handler(event)


def subscriptions() -> dict[str, list[str]]:
    """Return {event name: [dotted handler]}, for the test that holds the whole table."""
    return {
        kind.__name__: [f"{handler.__module__}.{handler.__qualname__}" for handler in handlers]
        for kind, handlers in _subscribers.items()
    }
