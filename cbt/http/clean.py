"""Hygiene of what clients send: JSON that can be stored and read back, or a clear refusal."""

from typing import Any

import orjson

from cbt.kernel.errors import DomainError, ErrorCode

MAX_DEPTH = 40
MAX_INTEGER = 2**53  # what every JSON client reads back exactly


def bad_payload(reason: str) -> DomainError:
    """Return the refusal of a body that cannot be read."""
    return DomainError(ErrorCode.INVALID_PAYLOAD, reason)


def load_json(body: bytes, content_type: str = "") -> Any:
    """Parse a JSON body.

    Refuses (INVALID_PAYLOAD): malformed text, a byte order mark, NaN and infinities, lone surrogates, NUL
    characters (PostgreSQL cannot store them), nesting deeper than 40, integers beyond 2**53.
    Raises UNSUPPORTED_MEDIA_TYPE for a charset other than UTF-8.
    """
    charset = _charset(content_type)
    if charset not in {"", "utf-8", "utf8", "us-ascii"}:
        raise DomainError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "The request body must be encoded as UTF-8.")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_payload(f"The request body is not valid JSON: {error}") from None
    check(value)
    return value


def _charset(content_type: str) -> str:
    for part in content_type.lower().split(";")[1:]:
        name, _, value = part.strip().partition("=")
        if name == "charset":
            return value.strip(" \"'")
    return ""


def check(value: Any, depth: int = 0) -> None:
    """Walk a parsed value and raise INVALID_PAYLOAD for what cannot be stored faithfully."""
    if depth > MAX_DEPTH:
        raise bad_payload("The request body is nested too deeply.")
    kind = type(value)
    if kind is str:
        if "\x00" in value:
            raise bad_payload("The request body contains a NUL character.")
    elif kind is dict:
        for name, item in value.items():
            if "\x00" in name:
                raise bad_payload("The request body contains a NUL character.")
            check(item, depth + 1)
    elif kind is list:
        for item in value:
            check(item, depth + 1)
    elif kind in {int, float} and not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise bad_payload("The request body contains a number beyond 2**53.")
