"""`manage.py import_test file.json`: a test from a document."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.services.documents import test_document_import
from cbt.http.clean import load_json
from cbt.kernel.actor import SYSTEM
from cbt.kernel.errors import DomainError


class Command(BaseCommand):
    """Imports a `cbt-test/1` document."""

    help = "Import a test from a cbt-test/1 document"

    def add_arguments(self, parser: CommandParser) -> None:
        """Name of the file, and whether a test with its code may be replaced."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--replace-bank", action="store_true", help="replace the test that has this code")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import and say what came of it; every fault is listed."""
        try:
            document = load_json(options["file"].read_bytes())
            test, is_new = test_document_import(document=document, actor=SYSTEM, replace_bank=options["replace_bank"])
        except OSError as error:
            raise CommandError(f"The file cannot be read: {error.strerror}") from error
        except DomainError as error:
            faults = [f"  {path}: {text}" for path, texts in error.fields.items() for text in texts]
            raise CommandError("\n".join([error.message, *faults])) from error
        verb = "created" if is_new else "replaced"
        self.stdout.write(f"Test {test.code} {verb}: id {test.pk}, {test.question_count} questions")
