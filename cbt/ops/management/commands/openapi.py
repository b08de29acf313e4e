"""Write the OpenAPI documents that the repository keeps, or tell how they differ from the code."""

import difflib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.validation import validate_schema

from cbt.http.documents import document_of, faces
from cbt.http.face import PRIMARY


def file_of(face: str) -> Path:
    """Return where the document of a face lies: in its own folder, so that it goes with it."""
    root = Path(settings.BASE_DIR)
    return root / "docs/openapi.yaml" if face == PRIMARY.name else root / "cbt/faces" / face / "openapi.yaml"


def text_of(face: str) -> str:
    """Return the document of a face as YAML. Raises CommandError where a route is not described well."""
    document = document_of(face)
    if GENERATOR_STATS:
        GENERATOR_STATS.emit_summary()
        raise CommandError(f"{face}: the routes are not described without warnings")
    validate_schema(document)
    return OpenApiYamlRenderer().render(document, renderer_context={}).decode()


class Command(BaseCommand):
    help = "Write docs/openapi.yaml and cbt/faces/*/openapi.yaml from the code; --check fails where they differ."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Write nothing; print what differs")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        differ = []
        for face in faces():
            path, text = file_of(face), text_of(face)
            if not check:
                path.write_text(text, encoding="utf-8")
            elif (kept := path.read_text(encoding="utf-8") if path.exists() else "") != text:
                differ.append(face)
                lines = difflib.unified_diff(kept.splitlines(), text.splitlines(), str(path), "the code", lineterm="")
                self.stdout.write("\n".join(lines))
        if differ:
            raise CommandError(f"Not what the code says: {', '.join(differ)}. Run `make schema`.")
