"""A whole test as frozen values: what `document.py` reads, `scoring.py` scores and `paper.py` shows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

KEY_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What a key must match from end to end."""

CHOICE_KINDS = frozenset({"single_choice", "multiple_choice", "likert", "ranking"})
"""Kinds whose answer is made of option keys."""
TEXT_KINDS = frozenset({"short_text", "long_text"})
KINDS = CHOICE_KINDS | TEXT_KINDS | {"true_false", "number"}
TEXT_MAX_LENGTH = {"short_text": 1000, "long_text": 50_000}
"""Characters an answer may have when the question does not say."""


@dataclass(frozen=True, slots=True)
class Option:
    """One choice. `value` is what it counts for on a scale; it is never shown to a taker."""

    key: str
    text: str = ""
    picture: str | None = None
    value: Decimal | None = None


@dataclass(frozen=True)
class Question:
    """One question with its key. Fields that do not belong to its kind keep their defaults."""

    key: str
    kind: str
    text: str
    picture: str | None = None
    required: bool = False
    weight: Decimal = Decimal(1)
    negative_weight: Decimal = Decimal(0)
    partial_credit: bool = False
    options: tuple[Option, ...] = ()
    answer_key: Any = None
    tolerance: Decimal = Decimal(0)
    min: Decimal | None = None
    max: Decimal | None = None
    step: Decimal | None = None
    accepted: tuple[str, ...] = ()
    case_sensitive: bool = False
    max_length: int | None = None

    @cached_property
    def option_keys(self) -> tuple[str, ...]:
        """Keys of the options in the order of the document."""
        return tuple(option.key for option in self.options)

    @property
    def has_key(self) -> bool:
        """Whether an answer can be right or wrong by itself, without a person marking it."""
        return bool(self.accepted) if self.kind == "short_text" else self.answer_key is not None


@dataclass(frozen=True, slots=True)
class ScaleItem:
    """One question's place on a scale: `reverse` mirrors its value inside its own range."""

    question: str
    reverse: bool = False
    weight: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Scale:
    """A trait or dimension of an inventory and the items it is summed from."""

    key: str
    name: str
    description: str = ""
    items: tuple[ScaleItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture. In a document its bytes are `data_base64`; in a frozen version `ref` is the id of the stored one."""

    key: str
    mime: str
    alt: str = ""
    data_base64: str | None = None
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Category:
    """Category of the test, named so that an import elsewhere can find or make it."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Settings:
    """How the test is given and what a taker learns afterwards."""

    shuffle_questions: bool = False
    shuffle_options: bool = False
    max_attempts: int = 1
    result_policy: str = "none"
    cheat_policy: str = "ban"
    pass_percentage: Decimal | None = None


@dataclass(frozen=True)
class PaperVersion:
    """A whole test, immutable. Equal documents give equal versions."""

    code: str
    name: str
    description: str = ""
    duration_minutes: int = 0
    type: str = "all"
    category: Category | None = None
    price: Decimal = Decimal(0)
    settings: Settings = field(default_factory=Settings)
    questions: tuple[Question, ...] = ()
    scales: tuple[Scale, ...] = ()
    pictures: tuple[Picture, ...] = ()

    @cached_property
    def questions_by_key(self) -> Mapping[str, Question]:
        """Questions by their key; do not change the mapping."""
        return {question.key: question for question in self.questions}

    @cached_property
    def pictures_by_key(self) -> Mapping[str, Picture]:
        """Pictures by their key; do not change the mapping."""
        return {picture.key: picture for picture in self.pictures}
