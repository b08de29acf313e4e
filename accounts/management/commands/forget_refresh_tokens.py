"""Remove refresh tokens that are good for nothing any more, or see how many there are."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts.services.cleaning import refresh_tokens_forget


class Command(BaseCommand):
    help = "Remove refresh tokens that ran out over a day ago, and those of logins that ended over 30 days ago"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count what would be removed")

    def handle(self, *args: Any, **options: Any) -> None:
        count = refresh_tokens_forget(is_dry_run=options["dry_run"])
        self.stdout.write(f"{count} refresh tokens {'would be removed' if options['dry_run'] else 'removed'}")
