"""Slugs of categories: lower-case ASCII words joined by hyphens."""

import re
import unicodedata


def slug_of(text: str) -> str:
    """The slug of a name; empty when nothing of it can be written in ASCII letters and digits."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:255].strip("-")
