"""`manage.py expire_subscriptions`: by hand what the periodic job does."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tenants.services.subscriptions import subscriptions_expire


class Command(BaseCommand):
    """Safe to run again and beside the job."""

    help = "Write down which subscriptions have ended and mail about it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        dry_run = options["dry_run"]
        count = subscriptions_expire(dry_run=dry_run)
        self.stdout.write(f"expired: {count}{' (dry run, nothing changed)' if dry_run else ''}")
