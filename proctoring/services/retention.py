"""Letting go: photos that are old, files nobody refers to, faces nobody uses."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from cbt.kernel import storage
from proctoring.models import FaceEnrolment, Photo
from proctoring.services.photos import FOLDER

logger = logging.getLogger(__name__)
BATCH = 500


@dataclass(frozen=True, slots=True)
class Swept:
    """What was removed (or would be): files, their bytes as far as known, and files that could not be removed."""

    files: int = 0
    size_bytes: int = 0
    failed: int = 0

    def plus(self, other: "Swept") -> "Swept":
        """Return the sum."""
        return Swept(self.files + other.files, self.size_bytes + other.size_bytes, self.failed + other.failed)


def photos_purge(*, now: datetime, days: int, is_dry_run: bool = False) -> Swept:
    """Remove the files and addresses of photos older than ``days``; the rows stay, with hash and ``deleted_at``.

    days: 0 or less keeps photos for ever.  Safe to run twice and to be killed: the file goes first, then its row
    is marked; a file that cannot be removed is tried again next time and stops no other.
    """
    total = Swept()
    if days <= 0:
        return total
    for photo in _older_than(now - timedelta(days=days)):
        total = total.plus(Swept(1, photo.size_bytes) if is_dry_run else _remove(photo, now))
    return total


def _older_than(horizon: datetime) -> Iterator[Photo]:
    last = 0
    while True:
        rows = list(
            Photo.objects.filter(deleted_at__isnull=True, captured_at__lt=horizon, pk__gt=last).order_by("pk")[:BATCH]
        )
        if not rows:
            return
        yield from rows
        last = rows[-1].pk


def _remove(photo: Photo, now: datetime) -> Swept:
    try:
        storage.delete(photo.path)
    except OSError as error:
        logger.warning("the file of photo %s could not be removed: %s", photo.pk, type(error).__name__)
        return Swept(failed=1)
    Photo.objects.filter(pk=photo.pk, deleted_at__isnull=True).update(deleted_at=now, ip=None)
    return Swept(1, photo.size_bytes)


def orphans_sweep(*, now: datetime, is_dry_run: bool = False) -> Swept:
    """Remove files in the photo folder that no kept photo refers to and that are older than a day.

    They are left by a process that died between the file and its row, or by a deleted session.
    """
    return Swept(storage.strays_sweep(FOLDER, known=_kept, now=now, is_dry_run=is_dry_run))


def _kept(names: list[str]) -> set[str]:
    return set(Photo.objects.filter(path__in=names, deleted_at__isnull=True).values_list("path", flat=True))


def faces_purge(*, now: datetime, days: int, is_dry_run: bool = False) -> int:
    """Forget faces of accounts that were shut, and those last used more than ``days`` ago; return how many.

    days: 0 or less keeps the faces of open accounts.
    """
    unused = Q(used_at__lt=now - timedelta(days=days)) if days > 0 else Q()
    rows = FaceEnrolment.objects.filter(Q(user__is_active=False) | unused)
    return rows.count() if is_dry_run else rows.delete()[0]
