"""`manage.py generate_invoices`: by hand what the periodic job does."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tenants.services.invoices import invoices_generate


class Command(BaseCommand):
    """Safe to run again and beside the job."""

    help = "Bill the post-paid periods that have ended; each once, however often this runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        dry_run = options["dry_run"]
        count = invoices_generate(dry_run=dry_run)
        self.stdout.write(f"invoices: {count}{' (dry run, nothing changed)' if dry_run else ''}")
