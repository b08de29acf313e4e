"""Checks of a test document that JSON Schema cannot say: what is unique, and what refers to what."""

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

from catalog.engine.faults import DocumentInvalid, Fault
from catalog.engine.numbers import round_half_up, to_decimal
from catalog.engine.structure import CHOICE_KINDS, Option, PaperVersion, Picture, Question, Scale
from catalog.engine.texts import is_storable

PICTURE_BYTES_MAX = 1024 * 1024
"""Bytes one embedded picture may have."""
SCALE_KINDS = frozenset({"likert", "number", "single_choice"})
_MAGIC = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
_DEPTH_MAX = 64


def refuse_unstorable_text(document: object) -> None:
    """Raise `DocumentInvalid` for what cannot be stored: NUL, lone surrogates, NaN, endless nesting."""
    faults = list(_unstorable(document, ""))
    if faults:
        raise DocumentInvalid(faults)


def _unstorable(value: object, path: str, depth: int = 0) -> Iterator[Fault]:
    if depth > _DEPTH_MAX:
        yield Fault(path[:200], "is nested too deeply")
    elif isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str) or not is_storable(key):
                yield Fault(path or "document", "has a name with characters that cannot be stored")
            else:
                yield from _unstorable(inner, f"{path}.{key}" if path else key, depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _unstorable(inner, f"{path}.{index}" if path else str(index), depth + 1)
    elif isinstance(value, str) and not is_storable(value):
        yield Fault(path or "document", "has characters that cannot be stored (NUL or half of a surrogate pair)")
    elif isinstance(value, float | int) and not isinstance(value, bool) and not _is_number(value):
        yield Fault(path or "document", "is not a finite number within reach")


def _is_number(value: float | int) -> bool:
    try:
        to_decimal(value)
    except ValueError:
        return False
    return True


def raise_faults(version: PaperVersion) -> None:
    """Raise `DocumentInvalid` with every fault of the version's references, if there is one."""
    faults = list(version_faults(version))
    if faults:
        raise DocumentInvalid(faults)


def version_faults(version: PaperVersion) -> Iterator[Fault]:
    """Every fault of a version, in the order of the document."""
    for path, amount in (("price", version.price), ("settings.pass_percentage", version.settings.pass_percentage)):
        if amount is not None and round_half_up(amount, 2) != amount:
            yield Fault(path, "has more than two decimals")
    yield from _repeated((question.key for question in version.questions), "questions")
    pictures = version.pictures_by_key.keys()
    for index, question in enumerate(version.questions):
        path = f"questions.{index}"
        yield from question_faults(question, path)
        yield from _picture_references(question, path, pictures)
    yield from _repeated((scale.key for scale in version.scales), "scales")
    for index, scale in enumerate(version.scales):
        yield from scale_faults(scale, version.questions_by_key, f"scales.{index}")
    for picture in version.pictures:
        yield from _picture_faults(picture, f"pictures.{picture.key}")


def _repeated(keys: Iterable[str], path: str) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, key in enumerate(keys):
        if key in seen:
            yield Fault(f"{path}.{index}.key", f"'{key}' is used twice")
        seen.add(key)


def _picture_references(question: Question, path: str, pictures: Iterable[str]) -> Iterator[Fault]:
    references = [(path, question.picture)]
    references += [(f"{path}.options.{index}", option.picture) for index, option in enumerate(question.options)]
    for place, reference in references:
        if reference is not None and reference not in pictures:
            yield Fault(f"{place}.picture", f"there is no picture '{reference}'")


def question_faults(question: Question, path: str) -> list[Fault]:
    """Faults of one question by itself: options, key, limits."""
    faults = list(_options_faults(question, path))
    if question.kind not in CHOICE_KINDS and question.options:
        faults.append(Fault(f"{path}.options", f"a {question.kind} question has no options"))
    if question.kind != "short_text" and question.accepted:
        faults.append(Fault(f"{path}.accepted", "only a short_text question has accepted answers"))
    faults += [
        Fault(f"{path}.accepted.{index}", "is blank")
        for index, text in enumerate(question.accepted)
        if not text.strip()
    ]
    if question.kind != "number" and any(v is not None for v in (question.min, question.max, question.step)):
        faults.append(Fault(f"{path}.min", "only a number question has min, max and step"))
    if question.answer_key is not None:
        faults += _KEY_FAULTS[question.kind](question, f"{path}.answer_key")
    if question.kind == "number":
        faults += _limit_faults(question, path)
    return faults


def _options_faults(question: Question, path: str) -> Iterator[Fault]:
    if question.kind not in CHOICE_KINDS:
        return
    if len(question.options) < 2:
        yield Fault(f"{path}.options", "needs at least two options")
    yield from _repeated(question.option_keys, f"{path}.options")
    for index, option in enumerate(question.options):
        if not option.text.strip() and option.picture is None:
            yield Fault(f"{path}.options.{index}", "needs a text or a picture")
    if question.kind == "likert":
        yield from _likert_faults(question.options, path)


def _likert_faults(options: tuple[Option, ...], path: str) -> Iterator[Fault]:
    values = [option.value for option in options]
    for index, value in enumerate(values):
        if value is None:
            yield Fault(f"{path}.options.{index}.value", "a likert option needs a value")
        elif value in values[:index]:
            # A client may answer with the value instead of the key, so a value must name one option.
            yield Fault(f"{path}.options.{index}.value", "is the value of another option too")


def _single_key(question: Question, path: str) -> list[Fault]:
    if question.answer_key in question.option_keys:
        return []
    return [Fault(path, f"there is no option '{question.answer_key}'")]


def _list_key(question: Question, path: str) -> list[Fault]:
    key = question.answer_key
    if not isinstance(key, tuple) or not key:
        return [Fault(path, "must be a list of option keys")]
    faults = [Fault(path, f"there is no option '{part}'") for part in key if part not in question.option_keys]
    if len(set(key)) != len(key):
        faults.append(Fault(path, "names an option twice"))
    return faults


def _ranking_key(question: Question, path: str) -> list[Fault]:
    key = question.answer_key
    if isinstance(key, tuple) and sorted(key) == sorted(question.option_keys):
        return []
    return [Fault(path, "must name every option exactly once")]


def _boolean_key(question: Question, path: str) -> list[Fault]:
    return [] if isinstance(question.answer_key, bool) else [Fault(path, "must be true or false")]


def _number_key(question: Question, path: str) -> list[Fault]:
    key = question.answer_key
    if not isinstance(key, Decimal):
        return [Fault(path, "must be a number")]
    low, high = question.min, question.max
    if (low is not None and key + question.tolerance < low) or (high is not None and key - question.tolerance > high):
        return [Fault(path, "lies outside min and max, so no answer could be right")]
    return []


def _no_key(question: Question, path: str) -> list[Fault]:
    hint = "; use 'accepted'" if question.kind == "short_text" else ""
    return [Fault(path, f"a {question.kind} question has no answer_key{hint}")]


_KEY_FAULTS: dict[str, Callable[[Question, str], list[Fault]]] = {
    "single_choice": _single_key,
    "multiple_choice": _list_key,
    "ranking": _ranking_key,
    "true_false": _boolean_key,
    "number": _number_key,
    "likert": _no_key,
    "short_text": _no_key,
    "long_text": _no_key,
}


def _limit_faults(question: Question, path: str) -> Iterator[Fault]:
    if question.min is not None and question.max is not None and question.min >= question.max:
        yield Fault(f"{path}.max", "must be above min")


def scale_faults(scale: Scale, questions: Any, path: str) -> Iterator[Fault]:
    """Faults of one scale against the mapping of questions by key: unknown, repeated or unfit items."""
    seen: set[str] = set()
    for index, item in enumerate(scale.items):
        place = f"{path}.items.{index}.question"
        question = questions.get(item.question)
        if item.question in seen:
            yield Fault(place, f"'{item.question}' is on this scale twice")
        seen.add(item.question)
        if question is None:
            yield Fault(place, f"there is no question '{item.question}'")
        elif not _can_be_scaled(question):
            yield Fault(
                place, "must be a likert question, a choice with a value on every option, or a number with min and max"
            )


def _can_be_scaled(question: Question) -> bool:
    if question.kind not in SCALE_KINDS:
        return False
    if question.kind == "number":
        return question.min is not None and question.max is not None
    return bool(question.options) and all(option.value is not None for option in question.options)


def _picture_faults(picture: Picture, path: str) -> Iterator[Fault]:
    if picture.data_base64 is None:
        if picture.ref is None:
            yield Fault(f"{path}.data_base64", "is missing")
        return
    try:
        content = base64.b64decode(picture.data_base64, validate=True)
    except (binascii.Error, ValueError):
        yield Fault(f"{path}.data_base64", "is not base64")
        return
    if len(content) > PICTURE_BYTES_MAX:
        yield Fault(f"{path}.data_base64", f"is larger than {PICTURE_BYTES_MAX} bytes")
    if not content.startswith(_MAGIC[picture.mime]):
        yield Fault(f"{path}.data_base64", f"is not {picture.mime}")
