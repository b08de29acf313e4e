"""Prove that a backup can be restored."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cbt.ops import backup


class Command(BaseCommand):
    help = "Restore a backup into a scratch database and folder, compare rows and checksums, remove both."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="the backup's own folder")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            kept = backup.backup_open(options["folder"])
            found = backup.drill(kept)
        except backup.BackupRefused as error:
            raise CommandError(str(error)) from None
        if found:
            raise CommandError("The drill found differences:\n" + "\n".join(found))
        self.stdout.write(f"Drill passed: {len(kept.manifest['tables'])} tables, {kept.rows} rows, all the same.")
