"""Answers: what each kind takes, stores and refuses."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.engine.answers import AnswerInvalid, normalise
from catalog.engine.document import KINDS
from catalog.tests.builders import parsed

ACCEPTED = [
    ("single_choice", {}, "a", "a"),
    ("single_choice", {}, {"text": "why", "option": "b"}, "b"),
    ("single_choice", {}, {"option": None}, None),
    ("multiple_choice", {}, ["d", "a"], ["a", "d"]),
    ("multiple_choice", {}, {"option": ["c"]}, ["c"]),
    ("multiple_choice", {}, [], None),
    ("true_false", {}, True, True),
    ("true_false", {}, "False", False),
    ("true_false", {}, {"option": "true"}, True),
    ("likert", {}, "4", "4"),
    ("likert", {}, 4, "4"),
    ("likert", {}, 4.0, "4"),
    ("number", {}, 12, 12),
    ("number", {}, 12.0, 12),
    ("number", {}, " 12.50 ", 12.5),
    ("number", {}, "3,5", 3.5),
    ("number", {}, {"text": "7"}, 7),
    ("number", {"min": 1, "step": 0.25}, 1.75, 1.75),
    ("short_text", {}, "Bogor", "Bogor"),
    ("short_text", {}, "a\x00b\ud800", "ab\ufffd"),
    ("short_text", {}, {"text": "Bogor", "option": "a"}, "Bogor"),
    ("short_text", {}, "   ", None),
    ("long_text", {}, "x" * 50_000, "x" * 50_000),
    ("ranking", {}, ["a", "b", "c", "d"], ["a", "b", "c", "d"]),
]
REFUSED = [
    ("single_choice", {}, "z", "This is not one of the options."),
    ("single_choice", {}, 1, "The answer must be the key of one option."),
    ("single_choice", {}, ["a"], "The answer must be the key of one option."),
    ("single_choice", {}, {"choice": "a"}, "An object answer needs 'option'."),
    ("single_choice", {}, {"option": {"option": "a"}}, "An object answer needs 'option'."),
    ("multiple_choice", {}, "a", "The answer must be a list of option keys."),
    ("multiple_choice", {}, ["a", "a"], "An option is named twice."),
    ("multiple_choice", {}, ["a"] * 5, "There are more answers than options."),
    ("true_false", {}, 1, "The answer must be true or false."),
    ("likert", {}, 6, "This is not one of the options."),
    ("likert", {}, True, "This is not one of the options."),
    ("number", {}, True, "The answer must be a number, such as 12 or 3.5."),
    ("number", {}, "1,500", "The answer must be a number, such as 12 or 3.5."),
    ("number", {}, "1e9", "The answer must be a number, such as 12 or 3.5."),
    ("number", {}, float("inf"), "The answer must be a number, such as 12 or 3.5."),
    ("number", {}, 10**16, "The answer must be a number, such as 12 or 3.5."),
    ("number", {"min": 0}, -1, "The number must be at least 0."),
    ("number", {"max": 99.5}, 100, "The number must be at most 99.5."),
    ("number", {"step": 1}, 1.5, "The number must be in steps of 1."),
    ("short_text", {"max_length": 3}, "abcd", "The answer may have at most 3 characters."),
    ("short_text", {}, "x" * 1001, "The answer may have at most 1000 characters."),
    ("short_text", {}, {"option": "a"}, "An object answer needs 'text'."),
    ("long_text", {}, 5, "The answer must be text."),
    ("ranking", {}, ["a", "b"], "Every option must be ranked."),
    ("ranking", {}, ["a", "b", "c", "c"], "An option is named twice."),
]


@pytest.mark.parametrize(("kind", "more", "value", "stored"), ACCEPTED)
def test_normalise__when_the_answer_fits__then_its_stored_form(kind, more, value, stored):
    result = normalise(parsed(kind, **more), value)
    assert result == stored
    assert type(result) is type(stored)


@pytest.mark.parametrize(("kind", "more", "value", "message"), REFUSED)
def test_normalise__when_the_answer_does_not_fit__then_says_why(kind, more, value, message):
    with pytest.raises(AnswerInvalid) as caught:
        normalise(parsed(kind, **more), value)
    assert caught.value.message == message


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("empty", [None, "", [], {"text": None, "option": None}])
def test_normalise__when_empty__then_clears(kind, empty):
    assert normalise(parsed(kind), empty) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(list("abcd12345")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["text", "option", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.sampled_from(sorted(KINDS)), JSON)
@settings(max_examples=500, deadline=None)
def test_normalise__when_given_anything__then_refuses_or_is_idempotent(kind, value):
    question = parsed(kind)
    try:
        once = normalise(question, value)
    except AnswerInvalid:
        return
    assert normalise(question, once) == once
