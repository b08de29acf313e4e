"""Complete sessions whose time is up, now."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from cbt.kernel import clock
from sessions_app.services.closing import late_sessions, sessions_close_late


class Command(BaseCommand):
    help = "Complete and score every session past deadline and grace (the worker does it every 30 seconds)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only list them (200 at most)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            found = late_sessions(clock.now())
            for session in found:
                self.stdout.write(f"session {session.pk} ended {clock.iso(session.deadline_at)}")
            self.stdout.write(f"{len(found)} sessions would be closed")
            return
        total = 0
        while closed := _close():
            total += closed
        self.stdout.write(f"{total} sessions closed")


def _close() -> int:
    """Close one batch; return how many."""
    result: Any = sessions_close_late()
    return int(result["closed"])
