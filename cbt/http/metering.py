"""One line in the log and one count in the metrics for every request: by its route, never by its path."""

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse

from cbt.kernel.metrics import DATABASE_FAULTS, REQUEST_SECONDS, REQUESTS, timed_statement

GetResponse = Callable[[HttpRequest], HttpResponse]
access_log = logging.getLogger("cbt.access")
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


def route_of(request: HttpRequest) -> str:
    """Return the pattern that took the request, ``(none)`` where none did: paths carry tokens and have no end."""
    match = request.resolver_match
    return f"/{match.route}" if match else "(none)"


def metered(get_response: GetResponse) -> GetResponse:
    """Measure each request and its statements; log it where LOG_REQUESTS says so."""

    def middleware(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        with connection.execute_wrapper(timed_statement):
            response = get_response(request)
        seconds = time.perf_counter() - began
        method = request.method if request.method in _METHODS else "OTHER"
        route = route_of(request)
        REQUEST_SECONDS.labels(method, route).observe(seconds)
        REQUESTS.labels(method, route, response.status_code).inc()
        if settings.LOG_REQUESTS:
            access_log.info(
                "%s %s %s", method, route, response.status_code,
                extra={
                    "method": method, "route": route, "status": response.status_code,
                    "duration_ms": round(seconds * 1000, 1),
                },
            )  # fmt: skip
        return response

    return middleware


def note_database_fault(error: Exception) -> None:
    """Count a fault that says the database could not be reached; others are not of the connection."""
    if isinstance(error, OperationalError):
        DATABASE_FAULTS.inc()
