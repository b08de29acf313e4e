"""Who opens a socket or a stream: read from what ASGI tells of the request, by the rules of the HTTP routes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.http.cookie import parse_cookie
from django.http.request import split_domain_port, validate_host

from accounts.api.cookies import AUTH_COOKIE
from accounts.selectors.logins import actor_of_login, actor_of_token
from accounts.services.tickets import PREFIX, ticket_spend
from cbt.http.client import address_behind
from cbt.http.origins import is_listed
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode

MAX_EVENT_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to the live server. headers: lower case.  query: first value of each.  ip: as our proxies tell it."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    ip: str
    is_socket: bool

    @property
    def origin(self) -> str | None:
        """Return the origin a browser names, None where none is named."""
        return self.headers.get("origin")

    @property
    def last_event_id(self) -> int | None:
        """Return the last event the client has seen, None when it names none. Raises VALIDATION_ERROR."""
        text = self.query.get("last_event_id") or self.query.get("after") or self.headers.get("last-event-id") or ""
        if not text:
            return None
        if not (text.isascii() and text.isdigit()) or len(text) > 19 or int(text) > MAX_EVENT_ID:
            raise DomainError(ErrorCode.VALIDATION_ERROR, "The last event id must be an integer.")
        return int(text)


def visit_of(scope: Mapping[str, Any]) -> Visit:
    """Read an ASGI scope. Raises INVALID_PAYLOAD for a query that cannot be read."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    try:
        query = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=20)
    except ValueError:
        raise DomainError(ErrorCode.INVALID_PAYLOAD, "The address could not be read.") from None
    peer = (scope.get("client") or ("",))[0]
    return Visit(
        headers=headers,
        query={name: values[0] for name, values in query.items()},
        ip=address_behind(peer, headers.get("x-forwarded-for", "")),
        is_socket=scope["type"] == "websocket",
    )


def refuse_foreign(visit: Visit) -> None:
    """Raise CSRF_FAILED for a page that is neither ours nor a configured frontend's, whatever it carries."""
    if visit.origin is not None and not is_listed(visit.origin, own=_own_origin(visit)):
        raise DomainError(ErrorCode.CSRF_FAILED, "This origin is not allowed.")


def _own_origin(visit: Visit) -> str:
    """Return our own origin as the client calls us, "" under a name that is not ours: anybody can point one at us."""
    host = visit.headers.get("host", "")
    domain, _ = split_domain_port(host)
    if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
        return ""
    return f"{'https' if settings.HTTPS else 'http'}://{host}"


def actor_of(visit: Visit) -> Actor:
    """Return who is signed in: by ticket, token or cookie, the first that is given. Raises UNAUTHENTICATED.

    ?ticket= a one-time ticket.  ?token= a ticket or a bearer token.  Authorization: a bearer token.  The cookie counts
    for a socket only where the browser names the page's origin: cookies go with sockets that any page opens.
    """
    seen = {"ip": visit.ip, "user_agent": visit.headers.get("user-agent", "")[:300]}
    given = visit.query.get("ticket") or visit.query.get("token") or _bearer(visit)
    if given.startswith(PREFIX):
        login_id = ticket_spend(ticket=given)
        found = actor_of_login(login_id, **seen) if login_id else None
    elif given:
        found = actor_of_token(given, **seen)
    elif visit.is_socket and visit.origin is None:
        found = None
    else:
        found = actor_of_token(_cookie(visit), **seen)
    if found is None:
        raise DomainError(ErrorCode.UNAUTHENTICATED, "Unauthenticated")
    return found[1]


def _bearer(visit: Visit) -> str:
    kind, _, token = visit.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _cookie(visit: Visit) -> str:
    return parse_cookie(visit.headers.get("cookie", "")).get(AUTH_COOKIE, "")
