"""A candidate's answer to one question: checked against its kind and brought to its one stored form."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from catalog.engine.numbers import to_decimal, to_json
from catalog.engine.structure import TEXT_KINDS, TEXT_MAX_LENGTH, Question
from catalog.engine.texts import make_storable

_NUMERAL = re.compile(r"[+-]?\d{1,20}(?:[.,]\d{1,20})?")
_TRUE_FALSE = {"true": True, "false": False}


class AnswerInvalid(ValueError):
    """An answer that does not fit its question. `message` may be shown to the candidate."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


def normalise(question: Question, value: Any) -> Any:
    """The stored form (a JSON value) of an answer to `question`; `None` where the answer is cleared.

    | kind | accepted | stored |
    |---|---|---|
    | single_choice | option key | the key |
    | multiple_choice | list of distinct option keys | the keys in the document's order |
    | true_false | boolean, "true", "false" | boolean |
    | likert | option key, or the option's value | the key |
    | number | number or numeric text, point or decimal comma | number |
    | short_text, long_text | text within `max_length` characters | the text |
    | ranking | every option key once | the keys as ordered |

    The contract's object form `{"text": ..., "option": ...}` is read as well: `option` for choices, `text` otherwise.
    `None`, an empty or blank text and an empty list clear the answer. Raises `AnswerInvalid`.
    """
    if isinstance(value, dict):
        value = _from_object(question, value)
    if value is None or value == [] or (isinstance(value, str) and not make_storable(value).strip()):
        return None
    return _READERS[question.kind](question, value)


def _from_object(question: Question, value: dict[str, Any]) -> Any:
    names: tuple[str, ...] = ("text",)
    if question.kind not in TEXT_KINDS:
        names = ("text", "option") if question.kind == "number" else ("option", "text")
    for name in names:
        if value.get(name) is not None:
            inner = value[name]
            if isinstance(inner, dict):
                break
            return inner
    else:
        if any(name in value for name in names):
            return None
    raise AnswerInvalid(f"An object answer needs '{names[0]}'.")


def _option_key(question: Question, value: Any) -> str:
    if not isinstance(value, str):
        raise AnswerInvalid("The answer must be the key of one option.")
    if value not in question.option_keys:
        raise AnswerInvalid("This is not one of the options.")
    return value


def _option_list(question: Question, value: Any) -> list[str]:
    if not isinstance(value, list):
        raise AnswerInvalid("The answer must be a list of option keys.")
    if len(value) > len(question.options):
        raise AnswerInvalid("There are more answers than options.")
    keys = [_option_key(question, part) for part in value]
    if len(set(keys)) != len(keys):
        raise AnswerInvalid("An option is named twice.")
    return keys


def _multiple_choice(question: Question, value: Any) -> list[str]:
    keys = _option_list(question, value)
    return [key for key in question.option_keys if key in keys]


def _ranking(question: Question, value: Any) -> list[str]:
    keys = _option_list(question, value)
    if len(keys) != len(question.options):
        raise AnswerInvalid("Every option must be ranked.")
    return keys


def _true_false(question: Question, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _TRUE_FALSE:
        return _TRUE_FALSE[value.strip().lower()]
    raise AnswerInvalid("The answer must be true or false.")


def _likert(question: Question, value: Any) -> str:
    if isinstance(value, str) and value in question.option_keys:
        return value
    number = _decimal(value)
    for option in question.options:
        if number is not None and option.value == number:
            return option.key
    raise AnswerInvalid("This is not one of the options.")


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, str):
        numeral = value.strip()
        if not _NUMERAL.fullmatch(numeral) or _is_ambiguous(numeral):
            return None
        value = Decimal(numeral.replace(",", "."))
    try:
        return to_decimal(value)
    except ValueError:
        return None


def _is_ambiguous(numeral: str) -> bool:
    # "1,500" is one and a half in Jakarta and fifteen hundred in London: better to ask than to guess.
    return bool(re.fullmatch(r"[+-]?\d{1,3},\d{3}", numeral))


def _number(question: Question, value: Any) -> int | float:
    number = _decimal(value)
    if number is None:
        raise AnswerInvalid("The answer must be a number, such as 12 or 3.5.")
    if question.min is not None and number < question.min:
        raise AnswerInvalid(f"The number must be at least {to_json(question.min)}.")
    if question.max is not None and number > question.max:
        raise AnswerInvalid(f"The number must be at most {to_json(question.max)}.")
    if question.step is not None and (number - (question.min or 0)) % question.step:
        raise AnswerInvalid(f"The number must be in steps of {to_json(question.step)}.")
    return to_json(number)


def _text(question: Question, value: Any) -> str:
    if not isinstance(value, str):
        raise AnswerInvalid("The answer must be text.")
    limit = question.max_length or TEXT_MAX_LENGTH[question.kind]
    if len(value) > limit:
        raise AnswerInvalid(f"The answer may have at most {limit} characters.")
    return make_storable(value)


_READERS: dict[str, Callable[[Question, Any], Any]] = {
    "single_choice": _option_key,
    "multiple_choice": _multiple_choice,
    "true_false": _true_false,
    "likert": _likert,
    "number": _number,
    "short_text": _text,
    "long_text": _text,
    "ranking": _ranking,
}
