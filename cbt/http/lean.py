"""Lean views for the hot path: declared and documented like every `FaceView`, dispatched without DRF's machinery."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from cbt.http.clean import bad_payload, load_json
from cbt.http.face import Ok
from cbt.http.problems import report, to_problem
from cbt.http.rates import enforce
from cbt.http.views import FaceView
from cbt.kernel.errors import DomainError, ErrorCode, too_large


class LeanView(FaceView):
    """A route called every few seconds by every candidate. The token in its path is its only credential.

    Methods get the plain `HttpRequest` and the path's values and return `Ok`. No sessions, cookies or
    DRF parsing: what remains is reading, one service call, writing.
    """

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Return the view function; declarations are checked as for every view."""
        checked = super().as_view(**initkwargs)
        instance = cls()
        methods = {verb.upper(): (getattr(instance, verb), cls.declared("rate", verb)) for verb in cls.verbs()}
        if "GET" in methods:
            methods["HEAD"] = methods["GET"]
        allowed = ", ".join(sorted(methods))

        def view(request: HttpRequest, **kwargs: Any) -> HttpResponse:
            """Dispatch one request."""
            return cls._answer(request, methods, allowed, kwargs)

        view.cls = cls  # type: ignore[attr-defined]
        view.initkwargs = checked.initkwargs  # type: ignore[attr-defined]
        return csrf_exempt(view)

    @classmethod
    def _answer(
        cls, request: HttpRequest, methods: dict[str, Any], allowed: str, kwargs: dict[str, Any]
    ) -> HttpResponse:
        try:
            if request.method not in methods:
                raise DomainError(ErrorCode.METHOD_NOT_ALLOWED, "Method not allowed")
            if int(request.META.get("CONTENT_LENGTH") or 0) > cls.max_body_bytes:
                raise too_large(cls.max_body_bytes)
            method, rate = methods[request.method]
            enforce(rate, request, token=kwargs.get("token"))
            ok: Ok = method(request, **kwargs)
            body, status, headers = cls.face.wrap(ok), ok.status, dict(ok.headers)
        except Exception as error:  # noqa: BLE001 - the last resort of this dispatcher; reported below
            problem = to_problem(error, cls.face)
            report(error, problem, request)
            body, status, headers = cls.face.fail(problem), problem.status, dict(problem.headers)
            if problem.code is ErrorCode.METHOD_NOT_ALLOWED:
                headers["Allow"] = allowed
        return HttpResponse(orjson.dumps(body), content_type="application/json", status=status, headers=headers)


def json_object(request: HttpRequest) -> dict[str, Any]:
    """Return the JSON object in the body; an empty body is an empty object.

    Raises INVALID_PAYLOAD for anything else, UNSUPPORTED_MEDIA_TYPE for a body that is not JSON.
    """
    body = request.body
    if not body:
        return {}
    content_type = str(request.META.get("CONTENT_TYPE", ""))
    if content_type.split(";", maxsplit=1)[0].strip().lower() not in {"application/json", ""}:
        raise DomainError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "Unsupported media type in request.")
    value = load_json(body, content_type)
    if not isinstance(value, dict):
        raise bad_payload("The request body must be a JSON object.")
    return value
