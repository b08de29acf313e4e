"""The periodic table: show it, or enqueue and run what is due."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from cbt.kernel import clock, jobs
from cbt.kernel.models import PeriodicRun


class Command(BaseCommand):
    help = "List the periodic work with its next due time, then run what is due (for cron, where no worker runs)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only show the table")

    def handle(self, *args: Any, **options: Any) -> None:
        self.show()
        if not options["dry_run"]:
            enqueued = jobs.enqueue_periodic()
            self.stdout.write(f"{enqueued} enqueued, {jobs.run_due()} jobs ran")

    def show(self) -> None:
        """Print the table."""
        now = clock.now()
        due = {row.name: row.next_at for row in PeriodicRun.objects.all()}
        for entry in jobs.periodic_table():
            at = due.get(entry.name)
            when = "due now" if at is None or at <= now else f"due {clock.iso(at)}"
            self.stdout.write(f"{entry.name:<40} every {entry.every_seconds:>6} s  {when:<26} {entry.purpose}")
