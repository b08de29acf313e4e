"""Print the reference of error codes."""

from typing import Any

from django.core.management.base import BaseCommand

from cbt.http.reference import as_markdown


class Command(BaseCommand):
    help = "Print docs/errors.md: every error code with its status, its meaning and what a client does."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(as_markdown(), ending="")
