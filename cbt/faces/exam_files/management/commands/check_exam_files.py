"""Say of every file in input/ whether it is an exam, and what is wrong with it."""

from logging import LogRecord
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cbt.faces.exam_files import library


def _nothing(_record: LogRecord) -> bool:
    return False


class Command(BaseCommand):
    help = "Check the exam files of input/ and the manifest; broken ones end with exit code 1."

    def handle(self, *args: Any, **options: Any) -> None:
        library.logger.addFilter(_nothing)  # the log would say again, among the lines below, that this should be run
        try:
            (good, bad), manifest = library.exams(), library.manifest()
        finally:
            library.logger.removeFilter(_nothing)
        for exam in good:
            state = "published" if exam.exam_id in manifest.published else "not published"
            self.stdout.write(f"{exam.exam_id}: {len(exam.paper.questions)} questions, {state}")
        for broken in bad:
            self.stdout.write(f"{broken.exam_id}: BROKEN: {broken.reason}")
        for exam_id in sorted(manifest.published - {exam.exam_id for exam in good}):
            self.stdout.write(f"{exam_id}: published in manifest.json, but there is no sound file")
        for fault in manifest.faults:
            self.stdout.write(f"manifest.json: {fault}")
        if manifest.content is None:
            raise CommandError(
                "manifest.json cannot be read. What it said last holds while the server runs.", returncode=1
            )
        if bad:
            raise CommandError(f"{len(bad)} broken files.", returncode=1)
