"""`manage.py wrap_passwords`: by hand what jobs do after an import."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.services.many_passwords import wrap_all


class Command(BaseCommand):
    """Safe to run again and beside the jobs."""

    help = "Wrap every password that is stored in its quick form in Argon2id (20 ms each)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        dry_run = options["dry_run"]
        count = wrap_all(dry_run=dry_run)
        self.stdout.write(f"wrapped: {count}{' (dry run, nothing changed)' if dry_run else ''}")
