"""Routes that will go: one table, told in the headers of every answer, in OpenAPI and on the policy page.

Source: RFC 9745 (``Deprecation``), RFC 8594 (``Sunset``), RFC 8288 (``Link``); docs/api-versions.md is the policy.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from functools import lru_cache

from django.http import HttpRequest, HttpResponse

POLICY_PATH = "/api/versions"
#: The least time between the notice and the end of a route.
NOTICE = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Deprecation:
    """A route that should no longer be called.

    since: first day of the notice.  sunset: first day on which it may be gone (all days UTC), None while undecided.
    instead: the path to call instead, "" for none.  english, indonesian: what a client has to change.
    """

    since: date
    sunset: date | None
    instead: str
    english: str
    indonesian: str

    def __post_init__(self) -> None:
        if self.sunset is not None and self.sunset - self.since < NOTICE:
            raise ValueError(f"a route is kept for {NOTICE.days} days after the notice")


#: "METHOD /path" with parameters in braces. A line here is all there is to do; nothing is deprecated at present.
DEPRECATED: dict[str, Deprecation] = {}


@lru_cache(maxsize=1000)
def shape_of(route: str) -> str:
    """Return a route with nameless parameters, from Django's way of writing it or from OpenAPI's."""
    return re.sub(r"\{\w+\}|<[^>]+>", "{}", route)


def deprecation_of(method: str, path: str) -> Deprecation | None:
    """Return the notice of a route, None for most. ``path``: with a slash in front, parameters in either spelling."""
    if not DEPRECATED:
        return None
    wanted = shape_of(f"{method} {path}")
    return next((notice for route, notice in DEPRECATED.items() if shape_of(route) == wanted), None)


def headers_of(notice: Deprecation) -> dict[str, str]:
    """Return ``Deprecation``, ``Sunset`` and ``Link`` as the RFCs write them."""
    links = [f'<{POLICY_PATH}>; rel="deprecation"; type="text/html"']
    if notice.instead:
        links.append(f'<{notice.instead}>; rel="successor-version"')
    headers = {"Deprecation": f"@{int(_midnight(notice.since).timestamp())}", "Link": ", ".join(links)}
    if notice.sunset:
        headers["Sunset"] = format_datetime(_midnight(notice.sunset), usegmt=True)
    return headers


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Tell every caller of a deprecated route, whatever the answer is."""

    def deprecation(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        match = request.resolver_match
        notice = deprecation_of(str(request.method), f"/{match.route}") if DEPRECATED and match else None
        if notice:
            for name, value in headers_of(notice).items():
                response.headers[name] = value
        return response

    return deprecation
