"""Which of the sent answers change what is stored: pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Stored:
    """The stored state of one answer. revision: highest the client sent for it, None when it never did."""

    value: Any
    revision: int | None


def canonical(value: Any) -> str:
    """Return one text per JSON value, so that true and 1 differ and key order does not."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def is_same(old: Any, new: Any) -> bool:
    """Tell whether two JSON values are one; texts, which most answers are, are compared as they stand."""
    if isinstance(old, str) and isinstance(new, str):
        return old == new
    return canonical(old) == canonical(new)


def is_outdated(old: Stored, revision: int | None) -> bool:
    """Tell whether a request comes behind a newer one about the same question."""
    return revision is not None and old.revision is not None and revision < old.revision


def changes(*, stored: Mapping[str, Stored], sent: Mapping[str, Any], revision: int | None) -> dict[str, Stored]:
    """Return the answers to write.

    An older revision never overwrites a newer answer; without a revision arrival order decides. What is
    equal to the stored value is not written again. ``None`` clears an answer (the row stays, for its revision).
    """
    result: dict[str, Stored] = {}
    for key, value in sent.items():
        old = stored.get(key)
        if old is None:
            if value is not None:
                result[key] = Stored(value, revision)
            elif revision is not None:
                result[key] = Stored(None, revision)
            continue
        if is_outdated(old, revision):
            continue
        if not is_same(old.value, value):
            result[key] = Stored(value, revision if revision is not None else old.revision)
        elif revision is not None and revision != old.revision:
            # The value stands, but a late older request must not replace it.
            result[key] = Stored(value, revision)
    return result
