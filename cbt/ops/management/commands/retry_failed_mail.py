"""Try unsent mails again, now."""

from typing import Any

from django.core.management.base import BaseCommand

from cbt.kernel import mail


class Command(BaseCommand):
    help = "Enqueue a new try for every unsent mail of the last three days; the worker sends them."

    def handle(self, *args: Any, **options: Any) -> None:
        result: Any = mail.retry_failed()
        self.stdout.write(f"{result['retried']} mails enqueued")
