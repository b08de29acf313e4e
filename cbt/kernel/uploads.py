"""Files that users keep here: checked by content, stored under random names. Source: v1 contract, files, task 7."""

import contextlib
import hashlib
import re
from datetime import datetime

from django.core.files.storage import default_storage
from django.db import DatabaseError

from cbt.kernel import audit, clock, jobs, storage
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode, invalid, not_found
from cbt.kernel.models import Upload

FOLDER = "uploads"
FIELD = "file"
UPLOAD_MAX_BYTES = 10 * 1024 * 1024
UPLOADS_PER_USER = 500
WRONG_TYPE = "The file must be a JPEG or PNG picture or a PDF document."
TOO_LARGE = "The file must not be greater than 10240 kilobytes."
#: What our own names look like; nothing else ever reaches the storage.
_NAME = re.compile(r"[0-9a-f]{32}\.(?:jpg|png|pdf)")


def upload_take(*, data: bytes, actor: Actor) -> Upload:
    """Store a file of the actor's.

    The content decides what it is, whatever its name and type say. A picture is decoded and written anew, nothing
    hidden in it survives; a PDF is kept as it is and only ever handed out as a download.
    Raises VALIDATION_ERROR for ``file``; LIMIT_REACHED after 500 files.
    """
    if len(data) > UPLOAD_MAX_BYTES:
        raise invalid(file=TOO_LARGE)
    owner_id = actor.id or 0
    if Upload.objects.filter(owner_id=owner_id).count() >= UPLOADS_PER_USER:
        raise DomainError(ErrorCode.LIMIT_REACHED, "Too many files. Please remove some first.", retry_after=3600)
    content, mime, extension = _checked(data)
    path = storage.save(FOLDER, content, extension)
    try:
        row = Upload.objects.create(
            name=path.rpartition("/")[2], owner_id=owner_id, mime=mime, byte_count=len(content),
            sha256=hashlib.sha256(content).hexdigest(), created_at=clock.now(),
        )  # fmt: skip
        audit.record("kernel.upload.stored", actor=actor, obj=row, sha256=row.sha256, byte_count=row.byte_count)
    except BaseException:
        with contextlib.suppress(DatabaseError, OSError):
            storage.delete(path)
        raise
    return row


def _checked(data: bytes) -> tuple[bytes, str, str]:
    """Return (bytes to store, MIME type, ending)."""
    if data.startswith(b"%PDF-"):
        if b"%%EOF" not in data[-2048:]:
            raise invalid(file=WRONG_TYPE)
        return data, "application/pdf", "pdf"
    try:
        picture = storage.reencode_picture(data, max_bytes=UPLOAD_MAX_BYTES, field=FIELD, max_side=2400)
    except DomainError as error:
        too_many = "pixels" in "".join(error.fields.get(FIELD, []))
        raise invalid(file="The file has too many pixels." if too_many else WRONG_TYPE) from error
    return picture.data, picture.mime, picture.extension


@jobs.periodic("kernel.sweep_uploads", every_seconds=86_400, purpose="remove uploaded files that no row refers to")
def sweep_uploads() -> dict[str, int]:
    """Remove what crashes have left. A file somebody uploaded has its row and stays."""
    return {"removed": uploads_sweep(now=clock.now())}


def uploads_sweep(*, now: datetime, is_dry_run: bool = False) -> int:
    """Remove files older than a day without a row, left by a process that died; return how many."""
    return storage.strays_sweep(FOLDER, known=_stored, now=now, is_dry_run=is_dry_run)


def _stored(paths: list[str]) -> set[str]:
    names = [path.rpartition("/")[2] for path in paths]
    return {path_of(name) for name in Upload.objects.filter(name__in=names).values_list("name", flat=True)}


def path_of(name: str) -> str:
    """Return the stored name of an upload."""
    return f"{FOLDER}/{name}"


def signature_of(name: str) -> str:
    """Return the query string that opens this file for anybody for ten minutes."""
    return storage.signed_path(path_of(name)).partition("?")[2]


def upload_find(*, name: str, signature: str, actor: Actor) -> Upload:
    """Return a file for its owner, an admin, or whoever holds a valid signature.

    Raises NOT_FOUND, alike for absent, foreign and malformed names.
    """
    if not _NAME.fullmatch(name):
        raise not_found()
    row = Upload.objects.filter(name=name).first()
    is_open = storage.signature_read(path_of(name), signature) is not None
    if row is None or not (is_open or actor.is_super_admin or (actor.id is not None and row.owner_id == actor.id)):
        raise not_found()
    if not default_storage.exists(path_of(name)):
        raise not_found()
    return row
