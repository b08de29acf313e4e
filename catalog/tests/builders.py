"""Smallest valid documents for tests, and hypothesis strategies of canonical ones."""

from typing import Any

from hypothesis import strategies as st

from catalog.engine.document import KINDS, PaperVersion, dump, parse

PNG_1X1 = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYPgPAAEDAQAIicLsAAAAAElFTkSuQmCC"


def options(*keys: str, values: bool = False) -> list[dict[str, Any]]:
    return [
        {"key": key, "text": f"Option {key}", "value": index if values else None} for index, key in enumerate(keys, 1)
    ]


EXTRAS: dict[str, dict[str, Any]] = {
    "single_choice": {"options": options("a", "b", "c"), "answer_key": "b"},
    "multiple_choice": {"options": options("a", "b", "c", "d"), "answer_key": ["a", "c"]},
    "true_false": {"answer_key": True},
    "likert": {"options": options("1", "2", "3", "4", "5", values=True)},
    "number": {"answer_key": 10},
    "short_text": {"accepted": ["Jakarta"]},
    "long_text": {},
    "ranking": {"options": options("a", "b", "c", "d"), "answer_key": ["d", "a", "b", "c"]},
}


def question(kind: str, key: str = "q1", **more: Any) -> dict[str, Any]:
    return {"key": key, "kind": kind, "text": "What?", **EXTRAS[kind], **more}


def document(*questions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"format": "cbt-test/1", "code": "T-1", "name": "Test", "questions": list(questions), **more}


def version(*questions: dict[str, Any], **more: Any) -> PaperVersion:
    return parse(document(*questions, **more))


def parsed(kind: str, **more: Any) -> Any:
    return version(question(kind, **more)).questions[0]


_texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=20)
_weights = st.integers(0, 20) | st.decimals(0, 20, places=2).map(float)


@st.composite
def questions(draw: st.DrawFn, key: str) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(KINDS)))
    made = question(kind, key, text=draw(_texts), weight=draw(_weights), negative_weight=draw(_weights))
    made["required"] = draw(st.booleans())
    made["partial_credit"] = draw(st.booleans())
    if kind == "number":
        made |= {"tolerance": draw(_weights), "min": draw(st.none() | st.integers(-9, 9))}
    if kind == "short_text":
        made["case_sensitive"] = draw(st.booleans())
    return made


@st.composite
def canonical_documents(draw: st.DrawFn) -> dict[str, Any]:
    count = draw(st.integers(0, 6))
    made = [draw(questions(f"q{index}")) for index in range(count)]
    scaled = [item["key"] for item in made if item["kind"] == "likert"]
    scales = []
    if scaled:
        items = [{"question": key, "reverse": draw(st.booleans()), "weight": draw(st.integers(1, 3))} for key in scaled]
        scales = [{"key": "s", "name": "Scale", "description": draw(st.text("abc ")), "items": items}]
    raw = document(*made, scales=scales, duration_minutes=draw(st.integers(0, 500)), price=draw(st.integers(0, 10**6)))
    raw["category"] = draw(st.none() | st.just({"slug": "c", "name": "C"}))
    raw["settings"] = {
        "pass_percentage": draw(st.none() | st.integers(0, 100)),
        "max_attempts": draw(st.integers(1, 5)),
    }
    raw["pictures"] = {"p": {"mime": "image/png", "alt": "", "data_base64": PNG_1X1}} if draw(st.booleans()) else {}
    return dump(parse(raw))


def answers_for(made: PaperVersion) -> st.SearchStrategy[dict[str, Any]]:
    """Valid answers, junk, and missing ones, by question key."""
    junk = st.none() | st.text(max_size=5) | st.integers() | st.booleans() | st.lists(st.text(max_size=2), max_size=3)
    choices: dict[str, st.SearchStrategy[Any]] = {}
    for item in made.questions:
        keys = list(item.option_keys)
        fit: st.SearchStrategy[Any] = st.integers(-50, 50) | st.booleans() | st.sampled_from(["jakarta", "x"])
        if keys:
            fit = st.sampled_from(keys) | st.permutations(keys) | st.lists(st.sampled_from(keys), unique=True)
        choices[item.key] = fit | junk
    return st.fixed_dictionaries({}, optional=choices)
