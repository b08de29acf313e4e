"""Scoring: (paper version, answers, marks) to result. Pure, exact, the same today and in five years.

Change nothing here that changes a number without raising `SCORING_VERSION`: results name the version they were made by.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

from catalog.engine.answers import AnswerInvalid, normalise
from catalog.engine.numbers import ENGINE_CONTEXT, round_half_up, to_decimal, to_json
from catalog.engine.scales import ScaleScore, score_scale
from catalog.engine.structure import PaperVersion, Question
from catalog.engine.texts import fold

SCORING_VERSION = "1"

_ZERO = Decimal(0)
_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class ItemScore:
    """One question's part in the result.

    `is_correct` is None where no key decides (inventories, essays) and False for an unanswered keyed question.
    `pending` waits for a person's mark. `invalid`: the stored value does not fit the question; it counts as unanswered.
    """

    question: str
    kind: str
    answered: bool
    is_correct: bool | None
    points: Decimal
    max_points: Decimal
    pending: bool = False
    invalid: bool = False

    def to_json(self) -> dict[str, Any]:
        """JSON form with the names of the fields."""
        return {
            "question": self.question,
            "kind": self.kind,
            "answered": self.answered,
            "is_correct": self.is_correct,
            "points": to_json(self.points),
            "max_points": to_json(self.max_points),
            "pending": self.pending,
            "invalid": self.invalid,
        }


@dataclass(frozen=True, slots=True)
class Score:
    """Result of one submission.

    percentage: 0 to 100, two decimals.  passed: None without a pass percentage or while marks are due.
    """

    points: Decimal
    max_points: Decimal
    percentage: Decimal
    correct_count: int
    wrong_count: int
    unanswered_count: int
    pending_count: int
    passed: bool | None
    scales: Mapping[str, ScaleScore]
    items: tuple[ItemScore, ...]
    scoring_version: str = SCORING_VERSION

    def to_json(self) -> dict[str, Any]:
        """JSON form: numbers as JSON numbers, `scales` by key, `items` in the order of the document."""
        return {
            "points": to_json(self.points),
            "max_points": to_json(self.max_points),
            "percentage": to_json(self.percentage),
            "correct_count": self.correct_count,
            "wrong_count": self.wrong_count,
            "unanswered_count": self.unanswered_count,
            "pending_count": self.pending_count,
            "passed": self.passed,
            "scales": {key: scale.to_json() for key, scale in self.scales.items()},
            "items": [item.to_json() for item in self.items],
            "scoring_version": self.scoring_version,
        }


def score(version: PaperVersion, answers: Mapping[str, Any], marks: Mapping[str, Decimal] | None = None) -> Score:
    """Score `answers` (question key to JSON value) with staff `marks` (points for long texts, question key to points).

    A right answer earns the question's weight; a wrong, given one loses `negative_weight`; partial credit earns a share
    and is never negative itself. Questions without a key count for nothing, long texts with a weight count once marked
    (a mark is held between 0 and the weight; a weight of 0 needs no mark). Unknown keys in either mapping are ignored.
    """
    with localcontext(ENGINE_CONTEXT):
        given, invalid = _readable(version, answers)
        items = tuple(
            _score_item(question, given.get(question.key), question.key in invalid, marks or {})
            for question in version.questions
        )
        scales = {scale.key: score_scale(version, scale, given) for scale in version.scales}
        return _total(version, items, scales)


def _readable(version: PaperVersion, answers: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    given: dict[str, Any] = {}
    invalid: set[str] = set()
    for question in version.questions:
        try:
            given[question.key] = normalise(question, answers.get(question.key))
        except AnswerInvalid:
            invalid.add(question.key)
    return given, invalid


def _score_item(question: Question, answer: Any, invalid: bool, marks: Mapping[str, Decimal]) -> ItemScore:
    answered = answer is not None
    if question.kind == "long_text":
        return _marked(question, answered, invalid, marks.get(question.key))
    if not question.has_key:
        return ItemScore(question.key, question.kind, answered, None, _ZERO, _ZERO, invalid=invalid)
    share = _SHARES[question.kind](question, answer) if answered else _ZERO
    correct = share == _ONE
    if correct:
        points = question.weight
    elif share > 0 and question.partial_credit:
        points = round_half_up(question.weight * share, 4)
    else:
        points = -question.negative_weight if answered else _ZERO
    return ItemScore(question.key, question.kind, answered, correct, points, question.weight, invalid=invalid)


def _marked(question: Question, answered: bool, invalid: bool, mark: Decimal | None) -> ItemScore:
    counts = answered and question.weight > 0
    points = _ZERO
    if counts and mark is not None:
        points = min(max(to_decimal(mark), _ZERO), question.weight)
    pending = counts and mark is None
    return ItemScore(question.key, question.kind, answered, None, points, question.weight, pending, invalid)


def _equal(question: Question, answer: Any) -> Decimal:
    return _ONE if answer == question.answer_key else _ZERO


def _near(question: Question, answer: Any) -> Decimal:
    return _ONE if abs(to_decimal(answer) - question.answer_key) <= question.tolerance else _ZERO


def _accepted(question: Question, answer: Any) -> Decimal:
    folded = fold(answer, question.case_sensitive)
    return _ONE if any(folded == fold(text, question.case_sensitive) for text in question.accepted) else _ZERO


def _picked(question: Question, answer: Any) -> Decimal:
    right = sum(1 for key in answer if key in question.answer_key)
    wrong = len(answer) - right
    return max(_ZERO, Decimal(right - wrong) / len(question.answer_key))


def _placed(question: Question, answer: Any) -> Decimal:
    right = sum(1 for mine, key in zip(answer, question.answer_key, strict=True) if mine == key)
    return Decimal(right) / len(question.answer_key)


_SHARES: dict[str, Callable[[Question, Any], Decimal]] = {
    "single_choice": _equal,
    "true_false": _equal,
    "number": _near,
    "short_text": _accepted,
    "multiple_choice": _picked,
    "ranking": _placed,
}
"""By kind: how much of a given answer is right, 0 to 1."""


def _total(version: PaperVersion, items: tuple[ItemScore, ...], scales: Mapping[str, ScaleScore]) -> Score:
    points = max(_ZERO, sum((item.points for item in items), _ZERO))
    max_points = sum((item.max_points for item in items), _ZERO)
    percentage = round_half_up(points * 100 / max_points, 2) if max_points else round_half_up(_ZERO, 2)
    pending_count = sum(item.pending for item in items)
    limit = version.settings.pass_percentage
    return Score(
        points=points,
        max_points=max_points,
        percentage=percentage,
        correct_count=sum(item.is_correct is True for item in items),
        wrong_count=sum(item.is_correct is False and item.answered for item in items),
        unanswered_count=sum(not item.answered for item in items),
        pending_count=pending_count,
        passed=None if limit is None or pending_count else percentage >= limit,
        scales=scales,
        items=items,
    )
