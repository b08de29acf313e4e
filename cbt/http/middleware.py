"""Request id, what pages of the admin may run, and a guard that refuses unreadable requests before all else."""

import re
import secrets
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from cbt.http.clean import bad_payload
from cbt.http.problems import problem_response
from cbt.kernel.errors import DomainError, ErrorCode, too_large
from cbt.kernel.logs import request_id_var

GetResponse = Callable[[HttpRequest], HttpResponse]
_GIVEN_ID = re.compile(r"^[A-Za-z0-9_-]{8,64}$")
MAX_REQUEST_BYTES = 25 * 1024 * 1024
#: No script but our own files: markup that slipped into a page would not run. Styles may stand in attributes.
ADMIN_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
#: Addresses or answers that nobody is to keep: tokens, papers, results.
_NOT_KEPT = ("/api/test-session/", "/api/participant/", "/api/auth/", "/api/live/", "/api/exam/")


def request_id(get_response: GetResponse) -> GetResponse:
    """Give every request an id (the caller's, when it is a plain one) for logs, errors and the answer's header."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        identifier = given if _GIVEN_ID.match(given) else secrets.token_hex(12)
        token = request_id_var.set(identifier)
        try:
            response = get_response(request)
        finally:
            request_id_var.reset(token)
        response["X-Request-ID"] = identifier
        # Faults were logged with their traceback where they were caught; Django would log a second line, without id.
        response._has_been_logged = True  # type: ignore[attr-defined]
        if request.path.startswith(_NOT_KEPT):
            response["Cache-Control"] = "no-store"
        return response

    return middleware


def body_guard(get_response: GetResponse) -> GetResponse:
    """Refuse chunked bodies without a length, encoded bodies, oversized bodies, NUL in addresses, and sockets.

    A chunked body would be read as empty by the layers below: a save that stores nothing and says 200.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        error = _refusal(request)
        return problem_response(error) if error else get_response(request)

    return middleware


def _refusal(request: HttpRequest) -> DomainError | None:
    meta = request.META
    length = meta.get("CONTENT_LENGTH") or ""
    if "chunked" in str(meta.get("HTTP_TRANSFER_ENCODING", "")).lower() and not length:
        return DomainError(ErrorCode.LENGTH_REQUIRED, "The request body needs a Content-Length.")
    if length and not (str(length).isascii() and str(length).isdigit()):
        return bad_payload("The Content-Length is not a number.")
    if length and int(length) > MAX_REQUEST_BYTES:
        return too_large(MAX_REQUEST_BYTES)
    if str(meta.get("HTTP_CONTENT_ENCODING", "identity")).lower() not in {"identity", ""}:
        return DomainError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "Compressed request bodies are not accepted.")
    if "\x00" in request.path or "%00" in str(meta.get("QUERY_STRING", "")):
        return bad_payload("The address contains a NUL character.")
    if request.path.startswith("/ws/"):
        message = "Sockets and event streams are served by the live server."
        return DomainError(ErrorCode.UPGRADE_REQUIRED, message, details={"url": settings.LIVE_URL})
    return None


def admin_policy(get_response: GetResponse) -> GetResponse:
    """Tell browsers what a page of the admin may load and run."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.path.startswith("/admin/"):
            response["Content-Security-Policy"] = ADMIN_POLICY
        return response

    return middleware
