"""Write everything into one folder."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cbt.ops import backup


class Command(BaseCommand):
    help = "Back up database and files into a new folder below PARENT, while the server runs; --drill restores it once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("parent", type=Path, help="folder in which the backup's own folder is made")
        parser.add_argument("--drill", action="store_true", help="restore it into a scratch database and compare")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = backup.backup_make(options["parent"])
            self.stdout.write(f"{made.folder}: {len(made.manifest['tables'])} tables, {made.rows} rows")
            found = backup.drill(made) if options["drill"] else []
        except backup.BackupRefused as error:
            raise CommandError(str(error)) from None
        if found:
            raise CommandError("The drill found differences:\n" + "\n".join(found))
        if options["drill"]:
            self.stdout.write("Drill passed: every table restored with the same rows and checksum.")
