"""Remove old photos by hand, or see what would go."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from cbt.kernel import clock
from proctoring.services.retention import orphans_sweep, photos_purge


class Command(BaseCommand):
    help = "Remove photos older than PHOTO_RETENTION_DAYS, and stray files older than a day"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count what would be removed")
        parser.add_argument("--days", type=int, default=None, help="instead of PHOTO_RETENTION_DAYS; 0: none")

    def handle(self, *args: Any, **options: Any) -> None:
        now, is_dry_run = clock.now(), options["dry_run"]
        days = settings.PHOTO_RETENTION_DAYS if options["days"] is None else options["days"]
        purged = photos_purge(now=now, days=days, is_dry_run=is_dry_run)
        orphans = orphans_sweep(now=now, is_dry_run=is_dry_run)
        verb = "would be removed" if is_dry_run else "removed"
        self.stdout.write(
            f"{purged.files} photos ({purged.size_bytes} bytes) older than {days} days and "
            f"{orphans.files} stray files {verb}; {purged.failed} failed"
        )
