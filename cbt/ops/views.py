"""Server pages: health, and private files behind signed addresses."""

from typing import Any

from django.core.cache import cache
from django.core.files.storage import default_storage
from django.db import connection
from django.http import FileResponse, JsonResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from cbt.http.rates import Rate
from cbt.http.views import Access, FaceView, Scope
from cbt.kernel import storage
from cbt.kernel.errors import not_found

_INLINE = {"jpg": "image/jpeg", "png": "image/png"}


class Health(FaceView):
    """Liveness and readiness, terse: strangers learn neither versions nor addresses."""

    permission = Access.PUBLIC
    rate = Rate.FILE
    scope = Scope.NONE

    @extend_schema(summary="Liveness and readiness", responses={200: dict[str, Any], 503: dict[str, Any]})
    def get(self, request: Request) -> Any:
        """Answer 200 while a candidate can be served, 503 otherwise."""
        checks = {"database": _works(_database), "cache": _works(_cache), "storage": _works(_storage)}
        is_ready = checks["database"] == "ok" and checks["storage"] == "ok"
        status = "ok" if set(checks.values()) == {"ok"} else "degraded" if is_ready else "down"
        return JsonResponse({"status": status, "checks": checks}, status=200 if is_ready else 503)


def _works(check: Any) -> str:
    try:
        check()
    except Exception:  # noqa: BLE001 - any fault of the part means it is down
        return "down"
    return "ok"


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()


def _cache() -> None:
    cache.get("health")


def _storage() -> None:
    default_storage.exists("health")


class StoredFile(FaceView):
    """A private file, for whoever holds a signed address that has not expired."""

    permission = Access.SIGNED_URL
    rate = Rate.FILE
    scope = Scope.NONE

    @extend_schema(summary="A private file by its signed address", responses={200: bytes})
    def get(self, request: Request, name: str) -> Any:
        """Stream the file; a wrong, old or missing signature looks like a file that is not there."""
        if not storage.is_signature_valid(name, request.query_params.get("signature", "")):
            raise not_found()
        if not default_storage.exists(name):
            raise not_found()
        extension = name.rsplit(".", 1)[-1].lower()
        response = FileResponse(
            default_storage.open(name),
            content_type=_INLINE.get(extension, "application/octet-stream"),
            as_attachment=extension not in _INLINE,
        )
        response["X-Content-Type-Options"] = "nosniff"
        response["Cache-Control"] = "private, no-store"
        return response
