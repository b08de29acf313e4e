"""The test document, format `cbt-test/1`: a whole test with its keys, scales and pictures as one JSON value.

`parse` turns a document into an immutable `PaperVersion`, `dump` writes it back in its one canonical form, so that
`dump(parse(x)) == x` for every canonical `x`. The published JSON Schema (`schema/cbt-test-1.schema.json`) says what is
well formed; what refers to what is checked in `checks.py`.
"""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from catalog.engine import checks
from catalog.engine.faults import DocumentInvalid, Fault
from catalog.engine.numbers import to_decimal, to_json
from catalog.engine.structure import (
    CHOICE_KINDS,
    KINDS,
    TEXT_KINDS,
    TEXT_MAX_LENGTH,
    Category,
    Option,
    PaperVersion,
    Picture,
    Question,
    Scale,
    ScaleItem,
    Settings,
)

__all__ = [
    "CHOICE_KINDS",
    "FORMAT",
    "KINDS",
    "TEXT_KINDS",
    "Category",
    "DocumentInvalid",
    "Fault",
    "Option",
    "PaperVersion",
    "Picture",
    "Question",
    "Scale",
    "ScaleItem",
    "Settings",
    "dump",
    "dump_question",
    "dump_scale",
    "dump_settings",
    "parse",
    "parse_question",
    "parse_scales",
    "parse_stored",
    "schema",
]

FORMAT = "cbt-test/1"
_MISSING = re.compile(r"'(.+)' is a required property")

SCHEMA_PATH = Path(__file__).parent / "schema" / "cbt-test-1.schema.json"


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """The published JSON Schema (2020-12) of the format; do not change the returned value."""
    loaded: dict[str, Any] = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    return loaded


@lru_cache(maxsize=1)
def _validator() -> Draft202012Validator:
    return Draft202012Validator(schema())


@lru_cache(maxsize=4)
def _part_validator(name: str) -> Draft202012Validator:
    whole = schema()
    return Draft202012Validator({"$schema": whole["$schema"], "$ref": f"#/$defs/{name}", "$defs": whole["$defs"]})


def parse(document: object) -> PaperVersion:
    """The version a document describes. Optional fields take their defaults.

    Raises `DocumentInvalid` with every fault and its path, e.g. `questions.3.answer_key: ...`.
    """
    checks.refuse_unstorable_text(document)
    _raise_schema_faults(_validator(), document)
    assert isinstance(document, dict)  # noqa: S101 -- the schema says so; this is for the type checker
    version = _version(document)
    checks.raise_faults(version)
    return version


def parse_question(document: object, path: str = "question") -> Question:
    """One question by the same schema; references to pictures and scales are the caller's to check.

    Raises `DocumentInvalid` with paths below `path`.
    """
    checks.refuse_unstorable_text(document)
    _raise_schema_faults(_part_validator("question"), document)
    assert isinstance(document, dict)  # noqa: S101 -- the schema says so; this is for the type checker
    question = _question(document)
    faults = checks.question_faults(question, path)
    if faults:
        raise DocumentInvalid(faults)
    return question


def parse_scales(document: object) -> tuple[Scale, ...]:
    """A list of scales by the same schema; references to questions are the caller's to check (`checks.scale_faults`).

    Raises `DocumentInvalid`.
    """
    checks.refuse_unstorable_text(document)
    _raise_schema_faults(_part_validator("scales"), document)
    assert isinstance(document, list)  # noqa: S101 -- the schema says so; this is for the type checker
    return tuple(_scale(scale) for scale in document)


def parse_stored(content: Mapping[str, Any]) -> PaperVersion:
    """The version of a snapshot written by `dump(..., stored=True)`: no checks, they were done on the way in."""
    return _version(content)


def _raise_schema_faults(validator: Draft202012Validator, document: object) -> None:
    faults = [_schema_fault(error) for error in validator.iter_errors(document)]
    if faults:
        raise DocumentInvalid(sorted(faults, key=lambda fault: fault.path))


def _schema_fault(error: ValidationError) -> Fault:
    path = [str(part) for part in error.absolute_path]
    missing = _MISSING.match(error.message) if error.validator == "required" else None
    if missing:
        return Fault(".".join([*path, missing[1]]), "is required")
    # Messages repeat the value; a whole picture in an answer helps nobody.
    return Fault(".".join(path) or "document", error.message[:300])


def _number(value: object) -> Decimal | None:
    return None if value is None else to_decimal(value)


def _given(source: Mapping[str, Any], key: str, default: Any) -> Any:
    value = source.get(key)
    return default if value is None else value


def _option(source: Mapping[str, Any]) -> Option:
    return Option(source["key"], source.get("text", ""), source.get("picture"), _number(source.get("value")))


def _answer_key(kind: str, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if kind == "number" and isinstance(value, int | float) and not isinstance(value, bool):
        return to_decimal(value)
    return value


def _question(source: Mapping[str, Any]) -> Question:
    kind = source["kind"]
    return Question(
        key=source["key"],
        kind=kind,
        text=source["text"],
        picture=source.get("picture"),
        required=source.get("required", False),
        weight=to_decimal(source.get("weight", 1)),
        negative_weight=to_decimal(source.get("negative_weight", 0)),
        partial_credit=source.get("partial_credit", False),
        options=tuple(_option(option) for option in source.get("options", ())),
        answer_key=_answer_key(kind, source.get("answer_key")),
        tolerance=to_decimal(_given(source, "tolerance", 0)),
        min=_number(source.get("min")),
        max=_number(source.get("max")),
        step=_number(source.get("step")),
        accepted=tuple(source.get("accepted", ())),
        case_sensitive=source.get("case_sensitive", False),
        max_length=_given(source, "max_length", TEXT_MAX_LENGTH.get(kind)),
    )


def _scale(source: Mapping[str, Any]) -> Scale:
    items = tuple(
        ScaleItem(item["question"], item.get("reverse", False), to_decimal(item.get("weight", 1)))
        for item in source["items"]
    )
    return Scale(source["key"], source["name"], source.get("description", ""), items)


def _settings(source: Mapping[str, Any]) -> Settings:
    return Settings(
        shuffle_questions=source.get("shuffle_questions", False),
        shuffle_options=source.get("shuffle_options", False),
        max_attempts=int(source.get("max_attempts", 1)),
        result_policy=source.get("result_policy", "none"),
        cheat_policy=source.get("cheat_policy", "ban"),
        pass_percentage=_number(source.get("pass_percentage")),
    )


def _version(source: Mapping[str, Any]) -> PaperVersion:
    category = source.get("category")
    pictures = sorted(source.get("pictures", {}).items())
    return PaperVersion(
        code=source["code"],
        name=source["name"],
        description=source.get("description", ""),
        duration_minutes=int(source.get("duration_minutes", 0)),
        type=source.get("type", "all"),
        category=Category(category["slug"], category["name"]) if category else None,
        price=to_decimal(source.get("price", 0)),
        settings=_settings(source.get("settings", {})),
        questions=tuple(_question(question) for question in source.get("questions", ())),
        scales=tuple(_scale(scale) for scale in source.get("scales", ())),
        pictures=tuple(
            Picture(key, picture["mime"], picture.get("alt", ""), picture.get("data_base64"), picture.get("id"))
            for key, picture in pictures
        ),
    )


def _dump_number(number: Decimal | None) -> int | float | None:
    return None if number is None else to_json(number)


def _dump_option(option: Option) -> dict[str, Any]:
    return {"key": option.key, "text": option.text, "picture": option.picture, "value": _dump_number(option.value)}


def _dump_key(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return to_json(value) if isinstance(value, Decimal) else value


def dump_question(question: Question) -> dict[str, Any]:
    """The canonical form of one question: the common fields and those of its kind, all of them always present."""
    result: dict[str, Any] = {
        "key": question.key,
        "kind": question.kind,
        "text": question.text,
        "picture": question.picture,
        "required": question.required,
        "weight": to_json(question.weight),
        "negative_weight": to_json(question.negative_weight),
        "partial_credit": question.partial_credit,
    }
    if question.kind in CHOICE_KINDS:
        result["options"] = [_dump_option(option) for option in question.options]
    if question.kind in {"single_choice", "multiple_choice", "ranking", "true_false", "number"}:
        result["answer_key"] = _dump_key(question.answer_key)
    if question.kind == "number":
        result["tolerance"] = to_json(question.tolerance)
        result |= {name: _dump_number(getattr(question, name)) for name in ("min", "max", "step")}
    if question.kind == "short_text":
        result |= {"accepted": list(question.accepted), "case_sensitive": question.case_sensitive}
    if question.kind in TEXT_KINDS:
        result["max_length"] = question.max_length
    return result


def dump_scale(scale: Scale) -> dict[str, Any]:
    """The canonical form of one scale."""
    items = [{"question": i.question, "reverse": i.reverse, "weight": to_json(i.weight)} for i in scale.items]
    return {"key": scale.key, "name": scale.name, "description": scale.description, "items": items}


def dump_settings(settings: Settings) -> dict[str, Any]:
    """The canonical form of the settings."""
    return {
        "shuffle_questions": settings.shuffle_questions,
        "shuffle_options": settings.shuffle_options,
        "max_attempts": settings.max_attempts,
        "result_policy": settings.result_policy,
        "cheat_policy": settings.cheat_policy,
        "pass_percentage": _dump_number(settings.pass_percentage),
    }


def _dump_picture(picture: Picture, stored: bool) -> dict[str, Any]:
    content = {"id": picture.ref} if stored else {"data_base64": picture.data_base64}
    return {"mime": picture.mime, "alt": picture.alt, **content}


def dump(version: PaperVersion, stored: bool = False) -> dict[str, Any]:
    """The document of a version, canonical. With `stored` pictures are written by the id of the stored one."""
    category = version.category
    return {
        "format": FORMAT,
        "code": version.code,
        "name": version.name,
        "description": version.description,
        "duration_minutes": version.duration_minutes,
        "type": version.type,
        "category": {"slug": category.slug, "name": category.name} if category else None,
        "price": to_json(version.price),
        "settings": dump_settings(version.settings),
        "questions": [dump_question(question) for question in version.questions],
        "scales": [dump_scale(scale) for scale in version.scales],
        "pictures": {picture.key: _dump_picture(picture, stored) for picture in version.pictures},
    }
