"""Where a browser's request comes from, and what a request that rides on a cookie must show.

A browser adds our cookies to requests that other sites make. Two things tell such a request from an honest one: the
origin the browser names, and Django's CSRF token, which no other site can read.
"""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from rest_framework.authentication import CSRFCheck
from rest_framework.request import Request

from cbt.kernel.errors import DomainError, ErrorCode

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

ORIGIN_HINT = "The request must come from an origin of CORS_ALLOWED_ORIGINS."
CSRF_HINT = (
    "Send the value of the cookie csrftoken as the header X-CSRFToken. Where a GET is answered with that header, its "
    "value will do."
)


def origin_of(address: str) -> str:
    """Return ``scheme://host[:port]`` of an address as browsers write origins, "" for what is no web address."""
    try:
        parts = urlsplit(address.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not host or parts.username is not None:
        return ""
    host = f"[{host}]" if ":" in host else host
    is_usual = port is None or port == {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" if is_usual else f"{parts.scheme}://{host}:{port}"


def is_trusted(request: HttpRequest, address: str) -> bool:
    """Tell whether an origin or a page's address is this server's own or a configured frontend's; as a whole only."""
    return is_listed(address, own=f"{request.scheme}://{request.get_host()}")


def is_listed(address: str, *, own: str) -> bool:
    """Tell whether an origin or a page's address is ``own``, our public one or a configured frontend's."""
    origin = origin_of(address)
    listed = {origin_of(known) for known in (settings.PUBLIC_URL, own, *settings.CORS_ALLOWED_ORIGINS)}
    return bool(origin) and origin in listed


def named_origin(request: HttpRequest) -> str | None:
    """Return what the browser names as the request's origin: ``Origin``, else ``Referer``, None without either."""
    for header in ("HTTP_ORIGIN", "HTTP_REFERER"):
        if header in request.META:
            return str(request.META[header])
    return None


def refuse_foreign(request: HttpRequest) -> None:
    """Raise CSRF_FAILED for a request that another site made. One that names no origin is no browser's, and passes."""
    origin = named_origin(request)
    if origin is not None and not is_trusted(request, origin):
        raise forged()


def refuse_forged(request: Request) -> None:
    """Raise CSRF_FAILED unless an unsafe request shows a trusted origin or, naming none, Django's CSRF token."""
    if request.method in SAFE_METHODS:
        return
    if named_origin(request._request) is None:
        require_csrf_token(request)
    else:
        refuse_foreign(request._request)


def refuse_forged_start(request: Request) -> None:
    """Raise CSRF_FAILED for a read that begins something, unless its sender meant it.

    SameSite=Lax lets a cookie ride on a link that another site's page opens. Our own pages and configured frontends
    name themselves (``Origin``, else ``Referer``); ``Authorization`` no browser adds by itself.
    """
    if request.META.get("HTTP_AUTHORIZATION"):
        return
    origin = named_origin(request._request)
    if origin is None or not is_trusted(request._request, origin):
        raise forged()


def require_csrf_token(request: Request) -> None:
    """Raise CSRF_FAILED unless an unsafe request shows Django's CSRF token, and no foreign origin.

    Takes DRF's request: the token may stand in a form, and only DRF reads a body that is then still there for the view.
    """
    middleware: Any = CSRFCheck
    check = middleware(lambda _request: None)
    check.process_request(request)
    if check.process_view(request, None, (), {}):
        origin = named_origin(request._request)
        raise forged(CSRF_HINT if origin is None or is_trusted(request._request, origin) else ORIGIN_HINT)


def forged(hint: str = ORIGIN_HINT) -> DomainError:
    """Return the refusal of a request that another site may have made."""
    return DomainError(ErrorCode.CSRF_FAILED, "CSRF verification failed.", details={"hint": hint})
