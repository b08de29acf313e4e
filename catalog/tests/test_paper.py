"""What a taker sees: nothing that tells the answer."""

import json

import pytest

from catalog.engine.document import KINDS
from catalog.engine.paper import public_question
from catalog.tests.builders import parsed

BASE = {"key", "kind", "text", "picture", "required", "options"}
EXTRA = {"number": {"min", "max", "step"}, "short_text": {"max_length"}, "long_text": {"max_length"}}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_public_question__when_shown__then_only_the_allowed_names(kind):
    shown = public_question(parsed(kind), None)
    assert set(shown) == BASE | EXTRA.get(kind, set())
    assert all(set(option) == {"key", "text", "picture"} for option in shown["options"])


def test_public_question__when_serialised__then_no_trace_of_the_key():
    shown = json.dumps(public_question(parsed("short_text", accepted=["SECRET-1", "SECRET-2"], weight=77)))
    assert "SECRET" not in shown
    assert "77" not in shown


def test_public_question__when_an_order_is_given__then_options_follow_it():
    shown = public_question(parsed("single_choice"), ["c", "a", "b"])
    assert [option["key"] for option in shown["options"]] == ["c", "a", "b"]


@pytest.mark.parametrize("order", [["a"], ["a", "b", "c", "c"], ["a", "b", "z"]])
def test_public_question__when_the_order_is_no_permutation__then_refused(order):
    with pytest.raises(ValueError, match="option_order"):
        public_question(parsed("single_choice"), order)
