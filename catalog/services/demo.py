"""The demo tests: real content, kept as documents in `catalog/demo/`."""

import json
from pathlib import Path

from catalog.models import Test
from catalog.services.documents import test_document_import
from cbt.kernel.actor import SYSTEM

FOLDER = Path(__file__).resolve().parent.parent / "demo"
DOCUMENTS = ("ipip50", "aptitude", "essay")


def load_demo_tests() -> list[Test]:
    """Import the demo tests that are not there yet and return all of them in the order of `DOCUMENTS`.

    Safe to call at every start: a test whose code exists is left as its authors have it.
    """
    tests = []
    for name in DOCUMENTS:
        document = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        found = Test.objects.filter(code=document["code"], deleted_at__isnull=True).first()
        tests.append(found or test_document_import(document=document, actor=SYSTEM)[0])
    return tests
