"""The demo's exam: the aptitude test as a file, published."""

from pathlib import Path

from django.conf import settings

from cbt.faces.exam_files import library, tree

EXAM_ID = "aptitude-20"
SOURCE = Path(settings.BASE_DIR) / "catalog/demo/aptitude.json"


def load_demo() -> None:
    """Put the exam into input/ and its flag into a manifest, where there is none yet. What people changed stays."""
    path = ("input", f"{EXAM_ID}.json")
    if tree.signature(path) is None:
        tree.write(path, SOURCE.read_bytes())
    if tree.signature(library.MANIFEST) is None:
        tree.write(library.MANIFEST, library.to_bytes({"exams": {EXAM_ID: {"published": True}}, "users": {}}))
