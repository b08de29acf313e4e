"""The demo documents: valid, canonical, keyed as published, and answerable."""

import base64
import json
from pathlib import Path

import pytest

from catalog.demo import make_pictures
from catalog.engine.document import KINDS, dump, parse
from catalog.engine.scoring import score

FOLDER = Path(make_pictures.__file__).parent
NAMES = ["ipip50", "aptitude", "essay"]

PUBLISHED_KEY = {  # Goldberg (1992) markers, 50-item form: item numbers, minus for reverse-keyed
    "extraversion": [1, -6, 11, -16, 21, -26, 31, -36, 41, -46],
    "agreeableness": [-2, 7, -12, 17, -22, 27, -32, 37, 42, 47],
    "conscientiousness": [3, -8, 13, -18, 23, -28, 33, -38, 43, 48],
    "emotional_stability": [-4, 9, -14, 19, -24, -29, -34, -39, -44, -49],
    "intellect": [5, -10, 15, -20, 25, -30, 35, 40, 45, 50],
}


def load(name):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_demo__when_parsed__then_canonical(name):
    assert dump(parse(load(name))) == load(name)


def test_ipip__when_read__then_the_published_key():
    raw = load("ipip50")
    assert {
        scale["key"]: [int(item["question"][1:]) * (-1 if item["reverse"] else 1) for item in scale["items"]]
        for scale in raw["scales"]
    } == PUBLISHED_KEY
    assert (raw["code"], raw["duration_minutes"], raw["type"], raw["price"]) == ("IPIP-BFM-50", 15, "all", 75000)
    assert raw["questions"][0]["text"] == "Am the life of the party."
    assert raw["questions"][49]["text"] == "Am full of ideas."


@pytest.mark.parametrize(
    ("answer", "raws"),
    [(5, [30, 34, 34, 18, 38]), (3, [30] * 5)],
)
def test_ipip__when_every_item_has_one_answer__then_raw_scores_follow_the_key(answer, raws):
    # e.g. emotional stability, always 5: two + items give 10, eight - items give 1 each.
    result = score(parse(load("ipip50")), {f"q{index}": answer for index in range(1, 51)})
    assert [int(scale.raw) for scale in result.scales.values()] == raws
    assert all((scale.min, scale.max) == (10, 50) for scale in result.scales.values())


def test_aptitude__when_answered_by_its_key__then_full_marks():
    version = parse(load("aptitude"))
    answers = {
        "num-1": 38, "num-2": "c", "num-3": 80000 * 85 * 111 / 10000, "num-4": "a", "num-5": "78,54",
        "num-6": ["b", "d", "e"],
        "verb-1": "b", "verb-2": "a", "verb-3": "c", "verb-4": "Apotek", "verb-5": ["a", "c", "e"],
        "logic-1": "b", "logic-2": False, "logic-3": True, "logic-4": ["eka", "ani", "budi", "citra", "dedi"],
        "logic-5": "a",
        "space-1": "b", "space-2": "c", "space-3": sum(map(sum, make_pictures.HEIGHTS)), "self-1": "4",
    }  # fmt: skip
    result = score(version, answers)
    assert (result.points, result.max_points, result.correct_count, result.passed) == (29, 29, 19, True)
    assert {question.kind for question in version.questions} == KINDS - {"long_text"}
    assert len(version.questions) == 20


def test_aptitude__when_the_logic_section_is_guessed_wrong__then_marks_are_taken_off():
    version = parse(load("aptitude"))
    result = score(version, {"num-1": 38, "logic-1": "a", "logic-2": True})
    assert result.points == 0
    assert {q.key for q in version.questions if q.negative_weight} == {f"logic-{n}" for n in range(1, 6)}


def test_pictures__when_drawn_again__then_same_keys_and_small():
    embedded = load("aptitude")["pictures"]
    assert {key for key, _, _ in make_pictures.pictures()} == set(embedded)
    assert all(len(base64.b64decode(picture["data_base64"])) < 8192 for picture in embedded.values())


def test_shape__when_mirrored__then_never_a_rotation_of_itself():
    turns = [make_pictures.rotated(make_pictures.SHAPE, turn) for turn in range(4)]
    assert make_pictures.mirrored(make_pictures.SHAPE) not in turns
    assert len({tuple(turn) for turn in turns}) == 4
