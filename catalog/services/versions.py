"""Freezing: the draft becomes a version when somebody first takes it."""

import hashlib
import json
from typing import Any

from django.db import transaction
from django.db.models import Max

from catalog.engine.document import dump
from catalog.models import Test, TestVersion
from catalog.selectors.bank import paper_of_bank
from cbt.kernel import clock
from cbt.kernel.errors import not_found


def content_hash(content: dict[str, Any]) -> str:
    """SHA-256 (hex) of the canonical JSON: sorted names, no spaces, UTF-8."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def version_freeze(test_id: int) -> TestVersion:
    """The version a sitting that starts now is bound to; `content` is loaded when asked for.

    One query while the bank has not changed since the last freeze. Otherwise the test row is locked, the bank read
    again and stored as the next number, unless a version of equal content exists. A test without questions freezes
    too: its version carries name, time and settings. Raises NOT_FOUND.
    """
    test = Test.objects.select_related("frozen_version").defer("frozen_version__content").filter(pk=test_id).first()
    if test is None:
        raise not_found()
    return _current(test) or _freeze(test_id)


def _current(test: Test) -> TestVersion | None:
    return test.frozen_version if test.frozen_revision == test.bank_revision else None


def _locked(test_id: int) -> Test:
    return Test.objects.select_for_update(of=("self",)).get(pk=test_id)


@transaction.atomic
def _freeze(test_id: int) -> TestVersion:
    test = _locked(test_id)
    found = _current(test)  # somebody else may have frozen it while we waited for the lock
    if found is not None:
        return found
    content = dump(paper_of_bank(test), stored=True)
    version = _equal_or_new(test, content)
    Test.objects.filter(pk=test.pk).update(frozen_version=version, frozen_revision=test.bank_revision)
    return version


def _equal_or_new(test: Test, content: dict[str, Any]) -> TestVersion:
    digest = content_hash(content)
    equal = TestVersion.objects.filter(test=test, content_hash=digest).first()
    if equal is not None:
        return equal
    last = TestVersion.objects.filter(test=test).aggregate(last=Max("number"))["last"] or 0
    return TestVersion.objects.create(
        test=test,
        number=last + 1,
        content=content,
        content_hash=digest,
        bank_revision=test.bank_revision,
        created_at=clock.now(),
    )
