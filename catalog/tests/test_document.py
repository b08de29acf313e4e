"""The document format: what is refused with which path, and the round trip."""

import copy
import json

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from catalog.engine.document import DocumentInvalid, dump, parse, parse_question, parse_scales, parse_stored, schema
from catalog.tests.builders import PNG_1X1, canonical_documents, document, options, question

UNFIT = "must be a likert question, a choice with a value on every option, or a number with min and max"


def faults(raw):
    with pytest.raises(DocumentInvalid) as caught:
        parse(raw)
    return [str(fault) for fault in caught.value.faults]


@given(canonical_documents())
@settings(max_examples=150, deadline=None)
def test_dump__when_parsed_from_canonical__then_equal(raw):
    before = copy.deepcopy(raw)
    assert dump(parse(raw)) == before
    assert json.loads(json.dumps(raw)) == before


@given(canonical_documents())
@settings(max_examples=50, deadline=None)
def test_parse_stored__when_given_the_stored_form__then_same_but_for_picture_bytes(raw):
    stored = dump(parse(raw), stored=True)
    assert "data_base64" not in json.dumps(stored)
    assert dump(parse_stored(stored), stored=True) == stored


def test_schema__when_checked__then_is_a_valid_2020_12_schema():
    Draft202012Validator.check_schema(schema())
    assert schema()["properties"]["format"] == {
        "const": "cbt-test/1",
        "description": "Name and version of this format.",
    }


def test_parse__when_minimal__then_defaults():
    made = parse({"format": "cbt-test/1", "code": "A", "name": "B"})
    assert dump(made) == {
        "format": "cbt-test/1", "code": "A", "name": "B", "description": "", "duration_minutes": 0, "type": "all",
        "category": None, "price": 0,
        "settings": {"shuffle_questions": False, "shuffle_options": False, "max_attempts": 1, "result_policy": "none",
                     "cheat_policy": "ban", "pass_percentage": None},
        "questions": [], "scales": [], "pictures": {},
    }  # fmt: skip


def test_parse__when_several_references_are_wrong__then_every_fault_with_its_path():
    raw = document(
        question("single_choice", answer_key="z", picture="nope"),
        question("ranking", "q1", answer_key=["a", "b"]),
        scales=[{"key": "s", "name": "S", "items": [{"question": "q1"}, {"question": "ghost"}]}],
    )
    assert faults(raw) == [
        "questions.1.key: 'q1' is used twice",
        "questions.0.answer_key: there is no option 'z'",
        "questions.0.picture: there is no picture 'nope'",
        "questions.1.answer_key: must name every option exactly once",
        f"scales.0.items.0.question: {UNFIT}",
        "scales.0.items.1.question: there is no question 'ghost'",
    ]


CASES = [
    (question("multiple_choice", answer_key=["a", "a"]), "questions.0.answer_key: names an option twice"),
    (question("multiple_choice", answer_key=[]), "questions.0.answer_key: must be a list of option keys"),
    (question("multiple_choice", answer_key=["x"]), "questions.0.answer_key: there is no option 'x'"),
    (question("true_false", answer_key="true"), "questions.0.answer_key: must be true or false"),
    (question("number", answer_key=True), "questions.0.answer_key: must be a number"),
    (
        question("number", answer_key=5, min=6),
        "questions.0.answer_key: lies outside min and max, so no answer could be right",
    ),
    (question("number", min=20, max=20, answer_key=20), "questions.0.max: must be above min"),
    (question("likert", answer_key="1"), "questions.0.answer_key: a likert question has no answer_key"),
    (
        question("short_text", answer_key="x"),
        "questions.0.answer_key: a short_text question has no answer_key; use 'accepted'",
    ),
    (question("likert", options=options("a", "b")), "questions.0.options.0.value: a likert option needs a value"),
    (
        question("likert", options=[{"key": "a", "text": "A", "value": 1}, {"key": "b", "text": "B", "value": 1.0}]),
        "questions.0.options.1.value: is the value of another option too",
    ),
    (question("single_choice", options=options("b")), "questions.0.options: needs at least two options"),
    (question("single_choice", options=options("b", "b")), "questions.0.options.1.key: 'b' is used twice"),
    (question("true_false", options=options("a", "b")), "questions.0.options: a true_false question has no options"),
    (question("single_choice", min=1), "questions.0.min: only a number question has min, max and step"),
    (question("short_text", accepted=["x", " "]), "questions.0.accepted.1: is blank"),
    (question("true_false", accepted=["x"]), "questions.0.accepted: only a short_text question has accepted answers"),
]


@pytest.mark.parametrize(("raw", "fault"), CASES)
def test_parse__when_one_rule_is_broken__then_that_fault(raw, fault):
    assert fault in faults(document(raw))


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (document(question("number", key="q 1")), "questions.0.key"),
        (document(question("number", key="q1\n")), "questions.0.key"),
        (document(question("number", weight=-1)), "questions.0.weight"),
        (document(question("number", weight=float("nan"))), "questions.0.weight"),
        (document(question("number", weight=10**400)), "questions.0.weight"),
        (document(question("number", text="a\x00b")), "questions.0.text"),
        (document(question("number", text="\ud800")), "questions.0.text"),
        (document(question("number", surprise=1)), "questions.0"),
        (document(price=0.001), "price"),
        (document(settings={"max_attempts": 0}), "settings.max_attempts"),
        (document(settings={"pass_percentage": 33.333}), "settings.pass_percentage"),
        (document(pictures={"p": {"mime": "image/png", "data_base64": "%%%"}}), "pictures.p.data_base64"),
        (document(pictures={"p": {"mime": "image/jpeg", "data_base64": PNG_1X1}}), "pictures.p.data_base64"),
        ([], "document"),
        (None, "document"),
        ("text", "document"),
    ],
)
def test_parse__when_malformed__then_refused_at_the_path(raw, path):
    assert [line.split(": ")[0] for line in faults(raw)] == [path]


def test_parse__when_nested_without_end__then_refused_not_crashed():
    deep = []
    for _ in range(500):
        deep = [deep]
    assert "nested too deeply" in faults(document(questions=deep))[0]


def test_parse_question__when_key_is_wrong__then_path_below_the_given_one():
    with pytest.raises(DocumentInvalid) as caught:
        parse_question(question("single_choice", answer_key="z"), path="question")
    assert caught.value.by_path() == {"question.answer_key": ["there is no option 'z'"]}


def test_parse_scales__when_an_item_lacks_its_question__then_refused():
    with pytest.raises(DocumentInvalid) as caught:
        parse_scales([{"key": "s", "name": "S", "items": [{}]}])
    assert caught.value.by_path() == {"0.items.0.question": ["is required"]}
