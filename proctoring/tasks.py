"""Periodic work of proctoring."""

from django.conf import settings

from cbt.kernel import clock, jobs
from proctoring.services.retention import faces_purge, orphans_sweep, photos_purge


@jobs.periodic(
    "proctoring.purge_photos", every_seconds=86_400, purpose="remove photos after PHOTO_RETENTION_DAYS, and stray files"
)
def purge_photos() -> dict[str, int]:
    """Run both sweeps."""
    now = clock.now()
    purged = photos_purge(now=now, days=settings.PHOTO_RETENTION_DAYS)
    orphans = orphans_sweep(now=now)
    return {"purged": purged.files, "failed": purged.failed, "orphans": orphans.files}


@jobs.periodic("proctoring.purge_faces", every_seconds=86_400, purpose="forget faces not used for FACE_RETENTION_DAYS")
def purge_faces() -> dict[str, int]:
    """Run it."""
    return {"forgotten": faces_purge(now=clock.now(), days=settings.FACE_RETENTION_DAYS)}
