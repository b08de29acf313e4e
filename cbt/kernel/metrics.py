"""Numbers for Prometheus that the whole house counts. Labels come from short, fixed lists, never from a caller."""

import time
from collections.abc import Callable
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

_KINDS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "SAVEPOINT", "RELEASE"})

REQUEST_SECONDS = Histogram(
    "http_request_duration_seconds",
    "Time from the first line of a request to the last byte handed to the server.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10),
)
REQUESTS = Counter("http_requests_total", "Requests answered.", ["method", "route", "status"])
STATEMENT_SECONDS = Histogram(
    "db_statement_duration_seconds",
    "Time of one SQL statement, by its first word.",
    ["kind"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
DATABASE_FAULTS = Counter("db_connection_faults_total", "Statements that failed because the database was not there.")
LOGIN_FAILURES = Counter("login_failures_total", "Wrong passwords and refused guesses.")
LIVE_SOCKETS = Gauge(
    "live_sockets", "Open sockets and event streams.", ["kind", "transport"], multiprocess_mode="livesum"
)
LIVE_DROPPED = Counter("live_dropped_total", "Sockets and event streams the server ended, by closing code.", ["code"])


def timed_statement(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Run one statement and note how long it took; given to Django as an execute wrapper."""
    kind = sql.lstrip().partition(" ")[0].upper()
    began = time.perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        STATEMENT_SECONDS.labels(kind if kind in _KINDS else "OTHER").observe(time.perf_counter() - began)
