"""What a taker sees of a question: built from a list of what may be shown, so that a new field stays hidden."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from catalog.engine.numbers import to_json
from catalog.engine.structure import CHOICE_KINDS, TEXT_KINDS, Option, Question


def public_question(question: Question, option_order: Sequence[str] | None = None) -> dict[str, Any]:
    """The question as shown: no key, points, tolerance, accepted answers, option values or scales.

    `option_order` is the taker's own order of the option keys (`None`: the document's). Always present: `key, kind,
    text, picture, required, options`; `min, max, step` for a number, `max_length` for texts. Pictures are picture keys.
    Raises `ValueError` when `option_order` is not a permutation of the option keys.
    """
    shown: dict[str, Any] = {
        "key": question.key,
        "kind": question.kind,
        "text": question.text,
        "picture": question.picture,
        "required": question.required,
        "options": [_public_option(option) for option in _ordered(question, option_order)],
    }
    if question.kind == "number":
        for name in ("min", "max", "step"):
            limit = getattr(question, name)
            shown[name] = None if limit is None else to_json(limit)
    if question.kind in TEXT_KINDS:
        shown["max_length"] = question.max_length
    return shown


def _public_option(option: Option) -> dict[str, Any]:
    return {"key": option.key, "text": option.text, "picture": option.picture}


def _ordered(question: Question, option_order: Sequence[str] | None) -> Sequence[Option]:
    if question.kind not in CHOICE_KINDS:
        return ()
    if option_order is None:
        return question.options
    if sorted(option_order) != sorted(question.option_keys):
        raise ValueError("option_order must name every option once")
    by_key = {option.key: option for option in question.options}
    return [by_key[key] for key in option_order]


def answer_key_json(question: Question) -> Any:
    """What would have been right, as a JSON value; accepted texts for a short text; `None` where no key decides.

    For staff, and for takers only after the end of a test whose policy says so.
    """
    key = question.answer_key
    if question.kind == "short_text":
        return list(question.accepted) or None
    if isinstance(key, tuple):
        return list(key)
    return to_json(key) if isinstance(key, Decimal) else key
