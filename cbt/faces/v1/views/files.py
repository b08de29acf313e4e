"""Files. Source: v1 contract, files."""

from typing import Any

from django.core.files.storage import default_storage
from django.http import FileResponse
from rest_framework import serializers

from cbt.faces.v1.views.base import READ_ERRORS, V1View
from cbt.http.face import Ok
from cbt.http.fields import Input, OutputSerializer
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Access, Scope
from cbt.kernel.errors import ErrorCode as E
from cbt.kernel.uploads import UPLOAD_MAX_BYTES, path_of, signature_of, upload_find, upload_take


class V1FileIn(Input):
    """A file."""

    file = serializers.FileField(help_text="JPEG, PNG or PDF, at most 10 MiB", allow_empty_file=True)


class V1FileOut(OutputSerializer):
    """Where a file is."""

    filename = serializers.CharField(help_text="Made by the server")
    url = serializers.CharField(help_text="Signed, good for ten minutes; later the filename with one's bearer token")


class Upload(V1View):
    """Taking a file in."""

    rate = Rate.MAIL
    scope = Scope.SELF
    max_body_bytes = UPLOAD_MAX_BYTES + 64 * 1024

    @documented(
        "Upload a file", request=V1FileIn, bare=V1FileOut, status=201, multipart=True,
        errors=(*READ_ERRORS, E.VALIDATION_ERROR, E.LIMIT_REACHED, E.PAYLOAD_TOO_LARGE),
    )  # fmt: skip
    def post(self, request: Request) -> Ok:
        """Store it under a name of its own."""
        row = upload_take(data=V1FileIn.parse(request)["file"].read(), actor=request.actor)
        url = request.build_absolute_uri(f"/v1/files/{row.name}?{signature_of(row.name)}")
        return Ok({"filename": row.name, "url": url}, status=201)


class OneFile(V1View):
    """Handing a file out."""

    permission = Access.SIGNED_URL
    rate = Rate.FILE
    scope = Scope.SELF

    @documented(
        "Download a file: its owner or an admin with a bearer token, anybody with a signed address",
        binary=("image/jpeg", "image/png", "application/pdf"), query=[("signature", "of a signed address")],
        errors=(E.NOT_FOUND,),
    )  # fmt: skip
    def get(self, request: Request, filename: str) -> Any:
        """Stream it; whoever may not read it is told that there is none."""
        signature = request.query_params.get("signature", "")
        row = upload_find(name=filename, signature=signature, actor=request.actor)
        response = FileResponse(
            default_storage.open(path_of(row.name)), content_type=row.mime, filename=row.name,
            as_attachment=not row.mime.startswith("image/"),
        )  # fmt: skip
        response["X-Content-Type-Options"] = "nosniff"
        response["Content-Security-Policy"] = "default-src 'none'; sandbox"
        response["Cache-Control"] = "private, no-store"
        return response
