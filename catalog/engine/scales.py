"""Scale scores of inventories: sums of item values, reverse-keyed where the published key says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from catalog.engine.numbers import round_half_up, to_decimal, to_json
from catalog.engine.structure import PaperVersion, Question, Scale


@dataclass(frozen=True, slots=True)
class ScaleScore:
    """Score on one scale. Unanswered items are left out of `raw`, `min`, `max` and `mean`, and counted.

    `min` and `max` bound `raw` for the items answered; `mean` is per unit of weight (on the items' own range);
    `percent` places `raw` between the bounds, 0 to 100, two decimals. Without an answer `mean` and `percent` are None.
    """

    key: str
    name: str
    raw: Decimal
    min: Decimal
    max: Decimal
    mean: Decimal | None
    percent: Decimal | None
    answered_count: int
    item_count: int

    def to_json(self) -> dict[str, Any]:
        """JSON form: `{name, raw, min, max, mean, percent, answered_count, item_count}`."""
        return {
            "name": self.name,
            "raw": to_json(self.raw),
            "min": to_json(self.min),
            "max": to_json(self.max),
            "mean": None if self.mean is None else to_json(self.mean),
            "percent": None if self.percent is None else to_json(self.percent),
            "answered_count": self.answered_count,
            "item_count": self.item_count,
        }


def reverse(value: Decimal, low: Decimal, high: Decimal) -> Decimal:
    """The value mirrored inside its range: 1 becomes 5 on a scale of 1 to 5."""
    return low + high - value


def value_range(question: Question) -> tuple[Decimal, Decimal]:
    """Smallest and largest value an answer to a scaled question can have."""
    if question.kind == "number":
        assert question.min is not None and question.max is not None  # noqa: S101, PT018 -- checked on the way in
        return question.min, question.max
    values = [option.value for option in question.options if option.value is not None]
    return min(values), max(values)


def value_of(question: Question, answer: Any) -> Decimal:
    """The value of a normalised, given answer to a scaled question."""
    if question.kind == "number":
        return to_decimal(answer)
    return next(option.value for option in question.options if option.key == answer and option.value is not None)


def score_scale(version: PaperVersion, scale: Scale, answers: Mapping[str, Any]) -> ScaleScore:
    """Score one scale from normalised answers (missing or None: unanswered)."""
    raw = low_sum = high_sum = weights = Decimal(0)
    answered_count = 0
    for item in scale.items:
        answer = answers.get(item.question)
        if answer is None:
            continue
        question = version.questions_by_key[item.question]
        low, high = value_range(question)
        value = value_of(question, answer)
        raw += item.weight * (reverse(value, low, high) if item.reverse else value)
        low_sum += item.weight * low
        high_sum += item.weight * high
        weights += item.weight
        answered_count += 1
    mean = round_half_up(raw / weights, 4) if weights else None
    span = high_sum - low_sum
    percent = round_half_up((raw - low_sum) * 100 / span, 2) if span else None
    return ScaleScore(scale.key, scale.name, raw, low_sum, high_sum, mean, percent, answered_count, len(scale.items))
