"""Text that people type: what can be stored, and when two texts mean the same."""

import re
import unicodedata

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Whether PostgreSQL and UTF-8 can hold the text: no NUL, no half of a surrogate pair."""
    return _UNSTORABLE.search(text) is None


def make_storable(text: str) -> str:
    """The text without NUL and with lone surrogates replaced: a candidate's answer is kept, never refused for them."""
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\x00", "")


def fold(text: str, case_sensitive: bool = False) -> str:
    """The form in which short answers are compared: NFKC, single spaces, no outer space, and case unless it matters."""
    collapsed = " ".join(unicodedata.normalize("NFKC", text).split())
    return collapsed if case_sensitive else collapsed.casefold()
