"""Scoring: exact points by kind, scales, totals, and the laws that hold for every paper."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.engine.document import parse
from catalog.engine.scales import reverse
from catalog.engine.scoring import SCORING_VERSION, score
from catalog.tests.builders import answers_for, canonical_documents, question, version

D = Decimal

POINTS = [
    ("single_choice", {}, "b", 1, True),
    ("single_choice", {"weight": 2.5}, "b", 2.5, True),
    ("single_choice", {"negative_weight": 0.25}, "a", -0.25, False),
    ("single_choice", {"negative_weight": 0.25}, None, 0, False),
    ("true_false", {}, False, 0, False),
    ("true_false", {}, "true", 1, True),
    ("multiple_choice", {}, ["c", "a"], 1, True),
    ("multiple_choice", {}, ["a"], 0, False),
    ("multiple_choice", {"partial_credit": True}, ["a"], 0.5, False),
    ("multiple_choice", {"partial_credit": True}, ["a", "c", "d"], 0.5, False),
    ("multiple_choice", {"partial_credit": True, "negative_weight": 1}, ["a", "b"], -1, False),
    ("multiple_choice", {"partial_credit": True, "answer_key": ["a", "b", "c"], "weight": 1}, ["a"], 0.3333, False),
    ("number", {"tolerance": 0.05}, 10.05, 1, True),
    ("number", {"tolerance": 0.05}, 10.051, 0, False),
    ("number", {"answer_key": 0.3}, "0.3", 1, True),
    ("short_text", {}, "  jAKARTA ", 1, True),
    ("short_text", {"case_sensitive": True}, "jakarta", 0, False),
    ("short_text", {"accepted": ["Kota  Bogor"]}, "kota bogor", 1, True),
    ("ranking", {}, ["d", "a", "b", "c"], 1, True),
    ("ranking", {}, ["d", "a", "c", "b"], 0, False),
    ("ranking", {"partial_credit": True}, ["d", "a", "c", "b"], 0.5, False),
]


@pytest.mark.parametrize(("kind", "more", "answer", "points", "correct"), POINTS)
def test_score__when_one_question_is_answered__then_exact_points(kind, more, answer, points, correct):
    item = score(version(question(kind, **more)), {"q1": answer}).items[0]
    assert (item.points, item.is_correct) == (D(str(points)), correct)


def test_score__when_a_paper_is_mixed__then_exact_totals():
    made = version(
        question("single_choice", "right", weight=3),
        question("single_choice", "wrong", weight=2, negative_weight=0.5),
        question("multiple_choice", "part", weight=1, partial_credit=True),
        question("number", "blank", weight=2),
        question("likert", "opinion"),
        question("single_choice", "nokey", answer_key=None),
        settings={"pass_percentage": 37.5},
    )
    result = score(made, {"right": "b", "wrong": "a", "part": ["a"], "opinion": 3, "nokey": "a", "ghost": 1})
    assert result.to_json() | {"items": None} == {
        "points": 3, "max_points": 8, "percentage": 37.5, "correct_count": 1, "wrong_count": 2, "unanswered_count": 1,
        "pending_count": 0, "passed": True, "scales": {}, "items": None, "scoring_version": "1",
    }  # fmt: skip
    assert result.items[4].to_json() == {
        "question": "opinion", "kind": "likert", "answered": True, "is_correct": None, "points": 0, "max_points": 0,
        "pending": False, "invalid": False,
    }  # fmt: skip


def test_score__when_negative_marks_exceed__then_never_below_zero():
    result = score(version(question("single_choice", negative_weight=5)), {"q1": "a"})
    assert (result.points, result.percentage, result.items[0].points) == (D(0), D("0.00"), D(-5))


@pytest.mark.parametrize(("right", "percentage"), [(1, "12.50"), (3, "37.50"), (8, "100.00")])
def test_score__when_eighths__then_two_decimals(right, percentage):
    made = version(*(question("true_false", f"q{index}") for index in range(8)))
    assert score(made, {f"q{index}": index < right for index in range(8)}).percentage == D(percentage)


def test_score__when_the_third_decimal_is_five__then_rounds_up():
    made = version(question("number", weight=1), question("number", "q2", weight=799))  # 1/800 = 0.125 %
    assert score(made, {"q1": 10}).percentage == D("0.13")


def test_score__when_nothing_can_be_earned__then_zero_percent():
    assert score(version(question("likert")), {"q1": 5}).percentage == D("0.00")


def test_score__when_essays_wait__then_pending_and_no_verdict_until_marked():
    made = version(
        question("long_text", "essay", weight=10),
        question("long_text", "blank", weight=10),
        question("long_text", "comment", weight=0),
        settings={"pass_percentage": 50},
    )
    given_answers = {"essay": "words", "comment": "nice"}
    waiting = score(made, given_answers)
    assert (waiting.pending_count, waiting.passed, waiting.max_points) == (1, None, D(20))
    marked = score(made, given_answers, {"essay": D("9.5"), "blank": D(10), "ghost": D(1)})
    assert (marked.pending_count, marked.passed, marked.points, marked.percentage) == (0, False, D("9.5"), D("47.50"))
    assert score(made, given_answers, {"essay": D(99)}).points == D(10)
    assert score(made, given_answers, {"essay": D(-1)}).points == D(0)


def test_score__when_a_stored_value_does_not_fit__then_unanswered_and_flagged():
    item = score(version(question("single_choice", negative_weight=1)), {"q1": "gone"}).items[0]
    assert (item.invalid, item.answered, item.points) == (True, False, D(0))


def scaled(**more):
    likerts = [question("likert", f"q{index}") for index in (1, 2, 3)]
    items = [{"question": "q1"}, {"question": "q2", "reverse": True}, {"question": "q3", "weight": 2}]
    return version(*likerts, scales=[{"key": "s", "name": "Scale", "items": items}], **more)


def test_score__when_a_scale_is_complete__then_reverse_and_weights_count():
    assert score(scaled(), {"q1": "4", "q2": "2", "q3": "5"}).scales["s"].to_json() == {
        "name": "Scale", "raw": 18, "min": 4, "max": 20, "mean": 4.5, "percent": 87.5,
        "answered_count": 3, "item_count": 3,
    }  # fmt: skip


def test_score__when_scale_items_are_unanswered__then_left_out_and_reported():
    assert score(scaled(), {"q2": "1"}).scales["s"].to_json() == {
        "name": "Scale", "raw": 5, "min": 1, "max": 5, "mean": 5, "percent": 100, "answered_count": 1, "item_count": 3,
    }  # fmt: skip
    assert score(scaled(), {}).scales["s"].to_json() == {
        "name": "Scale", "raw": 0, "min": 0, "max": 0, "mean": None, "percent": None,
        "answered_count": 0, "item_count": 3,
    }  # fmt: skip


def test_score__when_scale_items_are_numbers_and_choices__then_their_own_ranges():
    valued = [{"key": "a", "text": "A", "value": 0}, {"key": "b", "text": "B", "value": 3}]
    made = version(
        question("number", "n", min=10, max=20, answer_key=None),
        question("single_choice", "c", options=valued, answer_key=None),
        scales=[{"key": "s", "name": "S", "items": [{"question": "n", "reverse": True}, {"question": "c"}]}],
    )
    result = score(made, {"n": 12, "c": "b"}).scales["s"]
    assert (result.raw, result.min, result.max) == (D(21), D(10), D(23))


def test_score__when_made__then_names_its_scoring_version():
    assert score(version(), {}).to_json()["scoring_version"] == SCORING_VERSION == "1"


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_score__when_any_paper_and_answers__then_bounds_hold_and_order_does_not_matter(data):
    made = parse(data.draw(canonical_documents()))
    given_answers = data.draw(answers_for(made))
    result = score(made, given_answers)
    assert 0 <= result.points <= result.max_points
    assert 0 <= result.percentage <= 100
    assert result.correct_count + result.wrong_count + result.unanswered_count <= len(made.questions)
    for scale in result.scales.values():
        assert scale.min <= scale.raw <= scale.max
        assert scale.percent is None or 0 <= scale.percent <= 100
    shuffled = data.draw(st.permutations(list(given_answers.items())))
    assert score(made, dict(shuffled)) == result


_values = st.decimals(-1000, 1000, places=3)


@given(_values, _values, _values)
def test_reverse__when_applied_twice__then_identity(value, low, high):
    assert reverse(reverse(value, low, high), low, high) == value
