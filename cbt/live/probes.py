"""What watches the live server where it is a process of its own: is it alive, and how many read."""

import hmac

from django.conf import settings
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from cbt.http.problems import to_problem
from cbt.kernel.errors import not_found
from cbt.live.credentials import visit_of
from cbt.live.readers import Receive, Scope, Send
from cbt.live.streams import answer, refuse

_LOOPBACK = {"127.0.0.1", "::1"}


class Alive:
    """``GET /health/live``: the event loop turns."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say so."""
        await answer(send, 200, b'{"status":"ok"}', [])


class Numbers:
    """``GET /metrics`` of this process: by METRICS_TOKEN or, where none is set, from this machine itself."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Show them to whom they are for."""
        visit = visit_of(scope)
        given = visit.headers.get("authorization", "").removeprefix("Bearer ")
        peer = (scope.get("client") or ("",))[0]
        if settings.METRICS_TOKEN:
            is_known = hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
        else:
            is_known = peer in _LOOPBACK and "x-forwarded-for" not in visit.headers
        if is_known:
            await answer(send, 200, generate_latest(), [], CONTENT_TYPE_LATEST.encode())
        else:
            await refuse(send, to_problem(not_found()))
