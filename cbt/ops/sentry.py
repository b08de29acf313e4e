"""Faults to Sentry, where SENTRY_DSN is set: the traceback and the route, nothing a person typed or holds."""

from typing import Any, cast

import sentry_sdk
from sentry_sdk.types import Event, Hint

from cbt.kernel.logs import redact, request_id_var

#: Parts of an event that quote the request or the person.
_DROPPED = ("user", "server_name", "modules", "extra", "breadcrumbs", "contexts")


def start(dsn: str, *, environment: str, **options: Any) -> None:
    """Begin to report. options: for the SDK, as tests give a transport of their own."""
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        max_request_body_size="never",
        include_local_variables=False,
        traces_sample_rate=0,
        before_send=clean,
        before_breadcrumb=lambda crumb, hint: None,
        **options,
    )


def clean(event: Event, hint: Hint) -> Event | None:
    """Return the event without bodies, headers, cookies, addresses and tokens; stamped with the request id."""
    loose = cast("dict[str, Any]", event)
    for part in _DROPPED:
        loose.pop(part, None)
    request = loose.pop("request", None) or {}
    loose["request"] = {"method": request.get("method", "")}
    loose.setdefault("tags", {})["request_id"] = request_id_var.get()
    return cast("Event", _redacted(loose))


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: _redacted(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(item) for item in value]
    return value
