"""Try the reader of faces by hand: what it finds on pictures, and how far apart they are."""

from argparse import ArgumentParser
from itertools import combinations
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cbt.kernel.errors import DomainError
from proctoring.services.faces import distance, distance_max, faces_on, reader


class Command(BaseCommand):
    help = "Tell how many faces pictures show and, of those with one, whether they are one person's. Stores nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("picture", nargs="+", type=Path, help="a JPEG or PNG")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            faces = reader()
            self.stdout.write(f"reader {faces.kind}, one person up to {distance_max(faces):g}")
            found = {path: faces_on(faces, path.read_bytes()) for path in options["picture"]}
        except (DomainError, OSError) as error:
            reasons = [text for texts in getattr(error, "fields", {}).values() for text in texts]
            raise CommandError(" ".join(reasons) or str(error)) from error
        for path, numbers in found.items():
            self.stdout.write(f"{path}: {len(numbers)} face{'' if len(numbers) == 1 else 's'}")
        for (one, first), (other, second) in combinations(found.items(), 2):
            if len(first) == len(second) == 1:
                far = distance(first[0], second[0])
                verdict = "one person" if far <= distance_max(faces) else "two people"
                self.stdout.write(f"{one} and {other}: {far:.3f}, {verdict}")
