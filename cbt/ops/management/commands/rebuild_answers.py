"""Check stored answers against the log, and repair them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cbt.kernel.errors import DomainError
from sessions_app.services.projection import ProjectionReport, answers_rebuild, answers_rebuild_all


class Command(BaseCommand):
    help = (
        "Compare the stored answers of a session (or of all) with its log and make them what the log says. "
        "Results are not scored again. With --dry-run nothing is written and differences end with exit code 1."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--session", type=int, help="id of one session")
        which.add_argument("--all", action="store_true", help="every session")
        parser.add_argument("--dry-run", action="store_true", help="only report")

    def handle(self, *args: Any, **options: Any) -> None:
        is_dry_run = options["dry_run"]
        checked = wrong = left = 0
        try:
            for report in (
                answers_rebuild_all(is_dry_run=is_dry_run)
                if options["all"]
                else [answers_rebuild(session_id=options["session"], is_dry_run=is_dry_run)]
            ):
                checked += 1
                wrong += not report.is_equal
                left += not report.is_equal and not report.was_rebuilt
                if not report.is_equal:
                    self.stdout.write(told(report))
        except DomainError:
            raise CommandError("There is no such session.") from None
        self.stdout.write(f"{checked} sessions checked, {wrong} differ, {wrong - left} rebuilt")
        if left:
            raise CommandError(f"{left} sessions differ from their log.", returncode=1)


def told(report: ProjectionReport) -> str:
    """Return one line about a session that differs."""
    parts = [
        f"{word} {', '.join(keys)}"
        for word, keys in (("missing", report.missing), ("extra", report.extra), ("different", report.different))
        if keys
    ]
    if report.has_gaps:
        parts.append("the log has gaps and cannot be trusted: nothing written")
    state = "rebuilt" if report.was_rebuilt else "differs"
    return f"session {report.session_id} ({report.answer_count} answers in the log) {state}: {'; '.join(parts)}"
