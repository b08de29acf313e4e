"""When a participant's form is complete: pure."""

from collections.abc import Mapping

REQUIRED = ("name", "email", "phone", "date_of_birth", "address")


def is_complete(biodata: Mapping[str, object]) -> bool:
    """Tell whether all five required answers of the form are there and not blank. Source: details 2.5."""
    return all(str(biodata.get(name) or "").strip() for name in REQUIRED)
