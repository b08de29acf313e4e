"""Faults of documents as refusals of fields."""

from catalog.engine.faults import DocumentInvalid
from cbt.kernel.errors import DomainError, ErrorCode

FIELDS_MAX = 50
"""Fields a refusal names at most: a broken document of a thousand questions needs no answer of a megabyte."""


def refused(error: DocumentInvalid, *, prefix: str = "", message: str = "The given data was invalid.") -> DomainError:
    """VALIDATION_ERROR with the faults under their paths; `prefix` (e.g. `question.`) is taken off the paths."""
    fields: dict[str, list[str]] = {}
    for path, messages in list(error.by_path().items())[:FIELDS_MAX]:
        name = path.removeprefix(prefix) if path != prefix.rstrip(".") else "non_field_errors"
        fields.setdefault("non_field_errors" if name == "document" else name, []).extend(messages)
    return DomainError(ErrorCode.VALIDATION_ERROR, message, fields=fields)
