"""Remove stray files by hand, or see what would go."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from catalog.services.pictures import pictures_sweep
from cbt.kernel import clock
from cbt.kernel.uploads import uploads_sweep
from commerce.services.proofs import proofs_sweep

SWEEPS = {"uploads": uploads_sweep, "question pictures": pictures_sweep, "proofs of payment": proofs_sweep}


class Command(BaseCommand):
    help = "Remove files older than a day that no row refers to: uploads, question pictures, proofs of payment"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count what would be removed")

    def handle(self, *args: Any, **options: Any) -> None:
        now, is_dry_run = clock.now(), options["dry_run"]
        verb = "would be removed" if is_dry_run else "removed"
        for what, sweep in SWEEPS.items():
            self.stdout.write(f"{what}: {sweep(now=now, is_dry_run=is_dry_run)} stray files {verb}")
