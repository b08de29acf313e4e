"""Pictures of question banks: decoded, written anew, stored privately under random names."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from catalog.engine.checks import PICTURE_BYTES_MAX
from catalog.engine.structure import KEY_PATTERN
from catalog.models import QuestionPicture, Test
from catalog.services.offers import bank_changed, test_lock
from cbt.kernel import audit, clock, storage
from cbt.kernel.actor import Actor
from cbt.kernel.errors import invalid

FOLDER = "questions"
PICTURES_MAX = 500
UPLOAD_BYTES_MAX = 2 * 1024 * 1024


@contextmanager
def new_files() -> Iterator[list[str]]:
    """A list for names of files stored in the block; they are removed again when the block fails."""
    names: list[str] = []
    try:
        yield names
    except BaseException:
        for name in names:
            storage.delete(name)
        raise


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture as it came (`source`) and as it is stored (`made`). Decoding is slow: do it before a transaction."""

    key: str
    alt: str
    source: bytes
    made: storage.Picture


def upload_of(*, key: str, alt: str, data: bytes, field: str = "picture") -> Upload:
    """Decode a PNG or JPEG of at most 2 MiB, 1 MiB once re-encoded. Raises VALIDATION_ERROR under `field`."""
    made = storage.reencode_picture(data, max_bytes=UPLOAD_BYTES_MAX, field=field)
    if len(made.data) > PICTURE_BYTES_MAX:
        limit = PICTURE_BYTES_MAX // 1024
        raise invalid(**{field: f"The picture has more than {limit} kilobytes once decoded; use a smaller one."})
    return Upload(key, alt, data, made)


def picture_add(*, test_id: int, key: str, data: bytes, alt: str = "", actor: Actor) -> QuestionPicture:
    """Store a picture under a key of the bank; the picture that had the key is kept for versions that show it.

    Raises NOT_FOUND, VALIDATION_ERROR (key, picture).
    """
    if not KEY_PATTERN.fullmatch(key):
        raise invalid(key="The key may have letters, digits, hyphens and underscores, at most 64.")
    upload = upload_of(key=key, alt=alt, data=data)
    with new_files() as names, transaction.atomic():
        test = test_lock(test_id)
        row = picture_put(test, upload, names)
        bank_changed(test)
        audit.record("catalog.picture.added", actor=actor, obj=test, key=key)
    return row


def picture_put(test: Test, upload: Upload, names: list[str]) -> QuestionPicture:
    """Make this the current picture of its key in a locked test; an equal one stays as it is.

    names: takes the names of new files.  Raises VALIDATION_ERROR.
    """
    current = QuestionPicture.objects.filter(test=test, key=upload.key, replaced_at__isnull=True).first()
    if current is None and QuestionPicture.objects.filter(test=test, replaced_at__isnull=True).count() >= PICTURES_MAX:
        raise invalid(key=f"A test may have at most {PICTURES_MAX} pictures.")
    if current is not None and current.alt == upload.alt and _is_same(current, upload):
        return current
    now = clock.now()
    if current is not None:
        QuestionPicture.objects.filter(pk=current.pk).update(replaced_at=now)
    row = QuestionPicture(test=test, key=upload.key, alt=upload.alt, created_at=now)
    if current is not None and _is_same(current, upload):
        for name in ("file", "mime", "sha256", "byte_count", "width", "height"):
            setattr(row, name, getattr(current, name))
    else:
        _store(row, upload.made, names)
    row.save()
    return row


def _is_same(current: QuestionPicture, upload: Upload) -> bool:
    # An export carries the stored bytes; encoding a JPEG once more would change them.
    return current.sha256 in {upload.made.sha256, hashlib.sha256(upload.source).hexdigest()}


def _store(row: QuestionPicture, made: storage.Picture, names: list[str]) -> None:
    row.file = storage.save(FOLDER, made.data, made.extension)
    names.append(row.file)
    row.mime, row.sha256, row.byte_count = made.mime, made.sha256, len(made.data)
    row.width, row.height = made.width, made.height


def pictures_sweep(*, now: datetime, is_dry_run: bool = False) -> int:
    """Remove picture files older than a day without a row, left by a process that died; return how many.

    A picture that was replaced keeps its row and its file: papers that were handed out show it.
    """
    return storage.strays_sweep(FOLDER, known=_with_row, now=now, is_dry_run=is_dry_run)


def _with_row(names: list[str]) -> set[str]:
    return set(QuestionPicture.objects.filter(file__in=names).values_list("file", flat=True))
