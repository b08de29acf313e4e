"""One mapping from every exception to an answer; the handlers for errors outside views use it too."""

import logging
import sys
from typing import Any

from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
)
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from rest_framework import exceptions as drf
from rest_framework.response import Response
from rest_framework.views import set_rollback

from cbt.http.face import PRIMARY, Face, Problem
from cbt.http.metering import note_database_fault
from cbt.kernel.errors import DomainError, ErrorCode

logger = logging.getLogger("cbt.http")
INVALID_DATA = "The given data was invalid."


def to_problem(error: Exception, face: Face = PRIMARY) -> Problem:
    """Translate an exception; anything unknown is a 500 without detail."""
    if isinstance(error, DomainError):
        headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
        if error.code is ErrorCode.UPGRADE_REQUIRED:
            headers["Upgrade"] = "websocket"  # RFC 9110, 15.5.22
        return Problem(error.code, error.message, face.status(error.code), error.fields, error.details, headers)
    if isinstance(error, drf.ValidationError):
        code = ErrorCode.VALIDATION_ERROR
        return Problem(code, INVALID_DATA, face.status(code), flatten(error.detail))
    code, message = _plain(error)
    headers = {"Retry-After": "2"} if code is ErrorCode.UNAVAILABLE else {}
    if isinstance(error, drf.MethodNotAllowed):
        headers = {}
    return Problem(code, message, face.status(code), headers=headers)


def _plain(error: Exception) -> tuple[ErrorCode, str]:
    """Return code and message of exceptions that carry no fields."""
    table: list[tuple[type | tuple[type, ...], ErrorCode, str]] = [
        ((Http404, drf.NotFound), ErrorCode.NOT_FOUND, "Resource not found"),
        ((drf.NotAuthenticated, drf.AuthenticationFailed), ErrorCode.UNAUTHENTICATED, "Unauthenticated"),
        ((PermissionDenied, drf.PermissionDenied), ErrorCode.FORBIDDEN, "Unauthorized"),
        (drf.MethodNotAllowed, ErrorCode.METHOD_NOT_ALLOWED, "Method not allowed"),
        (drf.UnsupportedMediaType, ErrorCode.UNSUPPORTED_MEDIA_TYPE, "Unsupported media type in request."),
        ((RequestDataTooBig, TooManyFieldsSent), ErrorCode.PAYLOAD_TOO_LARGE, "The request is too large."),
        (
            (drf.ParseError, BadRequest, SuspiciousOperation),
            ErrorCode.INVALID_PAYLOAD,
            "The request could not be read.",
        ),
        ((OperationalError, InterfaceError), ErrorCode.UNAVAILABLE, "The service is busy. Please try again."),
    ]
    for kinds, code, message in table:
        if isinstance(error, kinds):
            return code, message
    return ErrorCode.SERVER_ERROR, "Internal server error"


def flatten(detail: Any, prefix: str = "") -> dict[str, list[str]]:
    """Turn nested validation details into {dotted field: [texts]}; the rest stands under non_field_errors."""
    if isinstance(detail, dict):
        fields: dict[str, list[str]] = {}
        for name, inner in detail.items():
            fields |= flatten(inner, f"{prefix}.{name}" if prefix else str(name))
        return fields
    if isinstance(detail, list) and any(isinstance(item, dict) for item in detail):
        fields = {}
        for index, item in enumerate(detail):
            if item:
                fields |= flatten(item, f"{prefix}.{index}")
        return fields
    texts = [str(text) for text in (detail if isinstance(detail, list) else [detail])]
    return {prefix or "non_field_errors": texts}


def drf_exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """Answer for any exception of a view, in the view's face; report what is our fault."""
    set_rollback()
    face: Face = getattr(context["view"], "face", PRIMARY)
    problem = to_problem(error, face)
    report(error, problem, context["request"])
    headers = dict(problem.headers)
    if isinstance(error, drf.MethodNotAllowed):
        headers["Allow"] = ", ".join(context["view"].allowed_methods)
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    response = Response(face.fail(problem), status=problem.status, headers=headers)
    response.exception = True
    return response


def report(error: Exception, problem: Problem, request: Any) -> None:
    """Log a server fault with its traceback; a handler that answers must not swallow it."""
    if problem.status >= 500 and problem.code is not ErrorCode.FACE_UNAVAILABLE:
        note_database_fault(error)
        logger.error("%s on %s", type(error).__name__, getattr(request, "path", "?"), exc_info=error)
        if problem.code is ErrorCode.SERVER_ERROR:
            got_request_exception.send(sender=None, request=getattr(request, "_request", request))


def problem_response(error: Exception, face: Face = PRIMARY) -> HttpResponse:
    """Return a plain Django response for an error outside DRF (middleware, lean views, handlers)."""
    problem = to_problem(error, face)
    return JsonResponse(face.fail(problem), status=problem.status, headers=dict(problem.headers))


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer malformed requests that Django itself refuses."""
    return problem_response(exception)


def handler403(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer refusals outside views."""
    return problem_response(exception)


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer paths that lead nowhere."""
    return problem_response(Http404())


def handler500(request: HttpRequest) -> HttpResponse:
    """Answer faults outside views; Django has logged them. A database that is away is no fault of ours: 503."""
    error = sys.exc_info()[1]
    return problem_response(error if isinstance(error, OperationalError | InterfaceError) else RuntimeError())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a refused cookie write."""
    return problem_response(DomainError(ErrorCode.CSRF_FAILED, "CSRF verification failed."))
