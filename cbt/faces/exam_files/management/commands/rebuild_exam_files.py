"""Make attempts/, output/, progress/ and the manifest's sets what the database says."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cbt.faces.exam_files import projection, tree


class Command(BaseCommand):
    help = (
        "Rebuild the files of all attempts from the database; input/ and the published flags are left alone. "
        "With --dry-run nothing is written and differences end with exit code 1."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only report")

    def handle(self, *args: Any, **options: Any) -> None:
        is_dry_run = options["dry_run"]
        count = 0
        try:
            for found in projection.differences(is_dry_run=is_dry_run):
                count += 1
                self.stdout.write(f"{found.state:9} {found.path}")
            swept = 0 if is_dry_run else tree.sweep()
        except OSError as error:
            raise CommandError(f"The files cannot be written: {error}") from error
        self.stdout.write(f"{count} files differ" if is_dry_run else f"{count} files rebuilt, {swept} strays removed")
        if is_dry_run and count:
            raise CommandError("The files are not what the database says.", returncode=1)
