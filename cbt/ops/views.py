"""Server pages: the first one, health, and private files behind signed addresses."""

from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import FileResponse, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from drf_spectacular.utils import extend_schema

from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.views import Access, FaceView, Scope
from cbt.kernel import clock, storage
from cbt.kernel.errors import not_found
from cbt.ops import health, metrics

_INLINE = {"jpg": "image/jpeg", "png": "image/png"}


class Home(FaceView):
    """Whoever opens the server's bare address in a browser learns where things are."""

    permission = Access.PUBLIC
    rate = Rate.PUBLIC
    scope = Scope.NONE

    @extend_schema(summary="Where things are (a page)", responses={(200, "text/html"): str})
    def get(self, request: Request) -> Any:
        """Show the page."""
        shown = {"brand": settings.BRAND, "frontend": settings.FRONTEND_URL}
        policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
        return HttpResponse(render_to_string("pages/home.html", shown), headers=policy)


class Health(FaceView):
    """Liveness and readiness, terse: strangers learn neither versions nor addresses."""

    permission = Access.PUBLIC
    rate = Rate.HEALTH
    scope = Scope.NONE

    @extend_schema(summary="Liveness and readiness", responses={200: dict[str, Any], 503: dict[str, Any]})
    def get(self, request: Request) -> Any:
        """Answer 200 while a candidate can be served (``ok`` or ``degraded``), 503 otherwise (``down``)."""
        checks = health.checks()
        status = health.summary(checks)
        headers = {"Cache-Control": "no-store"} | ({"Retry-After": "2"} if status == "down" else {})
        return JsonResponse(
            {"status": status, "checks": checks}, status=503 if status == "down" else 200, headers=headers
        )


class Live(FaceView):
    """Liveness alone: this process answers. Whoever restarts processes asks here, whoever sends traffic asks Health."""

    permission = Access.PUBLIC
    rate = Rate.HEALTH
    scope = Scope.NONE

    @extend_schema(summary="Liveness", responses={200: dict[str, Any]})
    def get(self, request: Request) -> Any:
        """Answer 200; nothing else is looked at."""
        return JsonResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


class Metrics(FaceView):
    """Numbers for Prometheus, for whoever holds METRICS_TOKEN or asks from this machine."""

    permission = Access.PUBLIC
    rate = Rate.HEALTH
    scope = Scope.NONE
    authentication_classes = ()  # the bearer here is METRICS_TOKEN, not a login

    @extend_schema(summary="Metrics in Prometheus' text format", responses={(200, "text/plain"): str})
    def get(self, request: Request) -> Any:
        """Answer the numbers; to anybody else as if there were no such page."""
        if not metrics.may_read(request._request):
            raise not_found()
        return HttpResponse(
            metrics.exposition(), content_type=metrics.CONTENT_TYPE, headers={"Cache-Control": "no-store"}
        )


class StoredFile(FaceView):
    """A private file, for whoever holds a signed address that has not expired."""

    permission = Access.SIGNED_URL
    rate = Rate.FILE
    scope = Scope.NONE

    def token_of(self, request: Request, **kwargs: Any) -> str | None:
        """Count by who holds the address: a room of candidates sits behind one client address."""
        signature = request.query_params.get("signature", "")
        signed = storage.signature_read(kwargs["name"], signature)
        return None if signed is None else signed.holder or signature

    @extend_schema(summary="A private file by its signed address", responses={200: bytes})
    def get(self, request: Request, name: str) -> Any:
        """Stream the file; a wrong, old or missing signature looks like a file that is not there."""
        signed = storage.signature_read(name, request.query_params.get("signature", ""))
        if signed is None or not default_storage.exists(name):
            raise not_found()
        extension = name.rsplit(".", 1)[-1].lower()
        response = FileResponse(
            default_storage.open(name),
            content_type=_INLINE.get(extension, "application/octet-stream"),
            as_attachment=extension not in _INLINE,
        )
        response["X-Content-Type-Options"] = "nosniff"
        response["Cache-Control"] = _keep(signed)
        return response


def _keep(signed: storage.Signed) -> str:
    """Let a browser keep the pictures of a paper, which never change; photos of persons and proofs are not kept."""
    if not signed.holder:
        return "private, no-store"
    return f"private, immutable, max-age={max(0, int((signed.until - clock.now()).total_seconds()))}"
