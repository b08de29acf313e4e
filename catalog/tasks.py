"""Periodic work of the catalogue."""

from catalog.services.pictures import pictures_sweep
from cbt.kernel import clock, jobs


@jobs.periodic("catalog.sweep_pictures", every_seconds=86_400, purpose="remove picture files that no row refers to")
def sweep_pictures() -> dict[str, int]:
    """Remove what crashes have left."""
    return {"removed": pictures_sweep(now=clock.now())}
