"""What a contract prints, as data: requests in its order, and the exact members and JSON types of their answers.

A shape is a type (``str``, ``int``, ``bool``, ``dict``), `NUMBER`, `MOMENT`, None for null, a tuple of alternatives,
``[shape]`` for an array that is not empty, or an object: every member that is printed, optional ones with ``?``,
and below ``+`` those that this server adds; ``{"*": shape}`` for any names. Nothing else may be in an answer.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.calls import Form
from tests.support import ERROR_KEYS, Api

NUMBER = "a number"
MOMENT = "a moment: ISO 8601 in UTC"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
ADDED = "+"
ANY_NAME = "*"


@dataclass(frozen=True, slots=True)
class Case:
    """One printed request. section: where it stands in the document.  who: name of a client.

    path: with ``{names}`` of what earlier answers told.  body: JSON, a `Form`, or a function of what is known.
    answer: shape of the body; `NOTHING` for none, a code of the house for the error format.
    tells: {name: member of the answer} to remember.
    """

    section: str
    who: str
    request: str
    body: Any = None
    status: int = 200
    answer: Any = None
    tells: Mapping[str, str] = field(default_factory=dict)


NOTHING = "no body"


@dataclass(frozen=True, slots=True)
class Error:
    """The error format of the documents, with this code."""

    code: str


def replay(cases: Iterable[Case], clients: Mapping[str, Api], known: dict[str, Any]) -> None:
    """Send each request and compare its answer."""
    for case in cases:
        method, path = case.request.split(" ")
        body = case.body(known) if isinstance(case.body, Callable) else case.body  # type: ignore[arg-type]
        response = _send(clients[case.who], method.lower(), path.format(**known), body)
        at = f"{case.section}: {case.request}"
        assert response.status_code == case.status, (at, response.content[:500])
        if case.answer == NOTHING:
            assert response.content == b"", at
            continue
        told = response.json()
        if isinstance(case.answer, Error):
            _is_error(told, case.answer.code, case.status, at)
        else:
            fits(told, case.answer, at)
        known |= {name: told[member] for name, member in case.tells.items()}


def _send(api: Api, method: str, path: str, body: Any) -> Any:
    if isinstance(body, Form):
        return api.upload(path, body.made())
    return getattr(api, method)(path, **({} if body is None else {"data": body}))


def _is_error(body: Any, code: str, status: int, at: str) -> None:
    """Compare with the error formats of all documents at once: each finds its members in the one body."""
    assert set(body) == ERROR_KEYS, at
    fits(
        body,
        {
            "success": bool, "message": str, "error": str, "error_code": str, "errors": {ANY_NAME: ([str], [])},
            "details": dict, "detail": str, "status_code": int, "request_id": str,
        },
        at,
    )  # fmt: skip
    assert (body["success"], body["error"], body["error_code"], body["status_code"]) == (False, code, code, status), at


def fits(value: Any, shape: Any, at: str) -> None:
    """Assert that a value has a shape, exactly."""
    assert _fits(value, shape, at), f"{at}: {value!r} is not {shape!r}"


def _fits(value: Any, shape: Any, at: str) -> bool:
    if shape is None:
        return value is None
    if shape == NUMBER:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if shape == MOMENT:
        return isinstance(value, str) and _MOMENT.fullmatch(value) is not None
    if isinstance(shape, tuple):
        return any(_is(value, one, at) for one in shape)
    if isinstance(shape, list):
        return isinstance(value, list) and bool(value) == bool(shape) and all(_is(row, shape[0], at) for row in value)
    if isinstance(shape, dict):
        return isinstance(value, dict) and _members_fit(value, shape, at)
    return type(value) is shape


def _is(value: Any, shape: Any, at: str) -> bool:
    try:
        return _fits(value, shape, at)
    except AssertionError:
        return False


def _members_fit(value: dict[str, Any], shape: dict[str, Any], at: str) -> bool:
    if ANY_NAME in shape:
        return all(_is(inner, shape[ANY_NAME], at) for inner in value.values())
    listed = {name: inner for name, inner in shape.items() if name != ADDED} | shape.get(ADDED, {})
    missing = {name for name in listed if not name.endswith("?")} - set(value)
    assert not missing, f"{at}: {sorted(missing)} is missing of {sorted(value)}"
    known = {name.removesuffix("?"): inner for name, inner in listed.items()}
    strange = sorted(set(value) - set(known))
    assert not strange, f"{at}: {strange} is neither printed nor said to be added"
    for name, inner in value.items():
        fits(inner, known[name], f"{at} {name}")
    return True
