"""Fill an empty server from a backup."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cbt.ops import backup


class Command(BaseCommand):
    help = "Restore a backup into the configured database and DATA_DIR, which must be empty, and compare."
    requires_system_checks: list[str] = []  # they ask tables that are not there yet

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="the backup's own folder")
        parser.add_argument("--dry-run", action="store_true", help="only make sure that the backup is whole")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            kept = backup.backup_open(options["folder"])
            if options["dry_run"]:
                self.stdout.write(f"{kept.folder} is whole: {len(kept.manifest['tables'])} tables, {kept.rows} rows.")
                return
            found = backup.restore(kept)
        except backup.BackupRefused as error:
            raise CommandError(str(error)) from None
        if found:
            raise CommandError("Restored, but not the same:\n" + "\n".join(found))
        self.stdout.write(f"Restored: {kept.rows} rows, every table with the same checksum. Now run: migrate, serve.")
