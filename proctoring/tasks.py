"""Periodic work of proctoring."""

from django.conf import settings

from cbt.kernel import clock, jobs
from proctoring.services.retention import orphans_sweep, photos_purge


@jobs.periodic(
    "proctoring.purge_photos", every_seconds=86_400, purpose="remove photos after PHOTO_RETENTION_DAYS, and stray files"
)
def purge_photos() -> dict[str, int]:
    """Run both sweeps."""
    now = clock.now()
    purged = photos_purge(now=now, days=settings.PHOTO_RETENTION_DAYS)
    orphans = orphans_sweep(now=now)
    return {"purged": purged.files, "failed": purged.failed, "orphans": orphans.files}
