"""Tests, submissions and their shapes in this dialect: documents of `cbt-test/1` in the contract's words."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.engine.paper import answer_key_json, public_question
from catalog.engine.structure import PaperVersion, Question
from catalog.models import Test
from catalog.selectors.bank import paper_of_bank
from catalog.selectors.versions import version_load
from catalog.services.classes import ClassTest
from cbt.http.fields import AnyJson, Input, JsonObject, MomentIn, OutputSerializer
from cbt.kernel import clock
from cbt.kernel.kept import kept
from sessions_app.models import Result
from sessions_app.selectors.sessions import may_try_again
from sessions_app.services.closing import Submitted

QUESTIONS_MAX = 500


class StrictInput(Input):
    """An input that refuses names it does not know: a misspelt key must not make a test without answers."""

    def to_internal_value(self, data: Any) -> Any:
        """Validate; name the strangers."""
        strangers = sorted(set(data) - set(self.fields)) if isinstance(data, dict) else []
        if strangers:
            raise serializers.ValidationError({name[:100]: ["This field is not known."] for name in strangers[:20]})
        return super().to_internal_value(data)


class V1OptionIn(StrictInput):
    """One option of a question."""

    id = serializers.CharField(max_length=64, help_text="A-Z a-z 0-9 _ -, unique in its question")
    text = serializers.CharField(max_length=2000)


class V1QuestionIn(StrictInput):
    """One question with its key."""

    id = serializers.CharField(
        max_length=64, required=False, allow_null=True, help_text="A-Z a-z 0-9 _ -, unique in the test; else q1, q2, …"
    )  # fmt: skip
    text = serializers.CharField(max_length=20_000)
    options = serializers.ListField(child=V1OptionIn(), min_length=2, max_length=26)
    correct_option = serializers.CharField(max_length=64, help_text="id of the right option")
    points = serializers.IntegerField(min_value=0, max_value=1000, default=1)


class V1TestIn(Input):
    """A test of one's own."""

    __test__ = False

    title = serializers.CharField(max_length=255)
    description = serializers.CharField(max_length=10_000, allow_blank=True, required=False, allow_null=True)
    questions = serializers.ListField(child=V1QuestionIn(), min_length=1, max_length=QUESTIONS_MAX)
    is_active = serializers.BooleanField(
        required=False, allow_null=True, help_text="false: students do not see it (default true)"
    )
    starts_at = MomentIn(
        required=False, allow_null=True, help_text="Before it students see no questions; check-ins after it are late"
    )

    def said(self) -> ClassTest:
        """Return the validated body as the use cases take it."""
        data = self.validated_data
        questions = data.get("questions")
        return ClassTest(
            title=data.get("title"),
            description=data.get("description"),
            questions=None if questions is None else documents(questions),
            is_active=data.get("is_active"),
            starts_at=data.get("starts_at"),
            has_start="starts_at" in data,
        )


class V1TestChangeIn(V1TestIn):
    """Changes; what is missing or null stays, but for `starts_at`, where null takes the start away."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.required, field.allow_null = False, True


class V1SubmitIn(Input):
    """Answers to a test."""

    answers = serializers.DictField(
        child=AnyJson(allow_null=True), help_text="{question id: id of the selected option}; missing ones count as none"
    )


class V1OptionOut(OutputSerializer):
    """One option."""

    id = serializers.CharField()
    text = serializers.CharField()


class V1QuestionOut(OutputSerializer):
    """One question; the last two only for its authors."""

    id = serializers.CharField()
    text = serializers.CharField()
    options = V1OptionOut(many=True)
    correct_option = AnyJson(required=False)
    points = serializers.FloatField(required=False)


class V1TestRowOut(OutputSerializer):
    """A test as lists show it."""

    __test__ = False

    id = serializers.IntegerField()
    title = serializers.CharField(source="name")
    description = serializers.CharField()
    created_at = serializers.DateTimeField()


class V1TestOut(V1TestRowOut):
    """A test with its questions."""

    updated_at = serializers.DateTimeField()
    owner_id = serializers.IntegerField(allow_null=True)
    is_active = serializers.BooleanField()
    starts_at = serializers.DateTimeField(allow_null=True)
    questions = serializers.SerializerMethodField()

    @extend_schema_field(V1QuestionOut(many=True))
    def get_questions(self, test: Test) -> list[dict[str, Any]]:
        """Return what this reader may see; nothing before the start."""
        with_key: bool = self.context["with_key"]
        if not with_key and test.starts_at is not None and clock.now() < test.starts_at:
            return []
        moment = int(test.updated_at.timestamp() * 1_000_000)
        key = f"v1:questions:{test.pk}:{test.bank_revision}:{moment}:{'author' if with_key else 'taker'}"
        shown: list[dict[str, Any]] = kept(key, lambda: questions_of(paper_of_bank(test), with_key=with_key))
        return shown


class V1SubmittedOut(OutputSerializer):
    """What a submission came to."""

    score = serializers.IntegerField(allow_null=True, help_text="Points; null where the test keeps its result back")
    details = JsonObject()


def documents(questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return single choices of `cbt-test/1`; a question without id gets the next free q1, q2, …"""
    taken = {question["id"] for question in questions if question.get("id")}
    free = (name for number in range(1, 2 * len(questions) + 1) if (name := f"q{number}") not in taken)
    return [
        {
            "key": question.get("id") or next(free),
            "kind": "single_choice",
            "text": question["text"],
            "options": [{"key": option["id"], "text": option["text"]} for option in question["options"]],
            "answer_key": question["correct_option"],
            "weight": question["points"],
        }
        for question in questions
    ]


def questions_of(paper: PaperVersion, *, with_key: bool) -> list[dict[str, Any]]:
    """Return the questions of a test; what takers get is built from what may be shown."""
    return [_question(question, with_key=with_key) for question in paper.questions]


def _question(question: Question, *, with_key: bool) -> dict[str, Any]:
    shown = public_question(question)
    options = [{"id": option["key"], "text": option["text"]} for option in shown["options"]]
    written: dict[str, Any] = {"id": shown["key"], "text": shown["text"], "options": options}
    if shown["kind"] != "single_choice":
        written["kind"] = shown["kind"]
    if with_key:
        written |= {"correct_option": answer_key_json(question), "points": _number(question.weight)}
    return written


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def answers_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return answers with option ids as texts: clients number them, and JSON has both."""
    return {
        key: str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        for key, value in given.items()
    }


def submitted_body(done: Submitted) -> dict[str, Any]:
    """Write a result as far as its test lets takers know."""
    result, session = done.result, done.session
    policy = session.test.result_policy
    details: dict[str, Any] = {
        "result_id": result.pk,
        "attempt": session.attempt_number,
        "submitted_at": clock.iso(session.completed_at),
        "already_submitted": done.is_replay,
    }
    if policy == "none":
        return {"score": None, "details": details}
    details |= {
        "max_score": _number(result.max_points),
        "percentage": float(result.percentage),
        "passed": result.passed,
        "correct_count": result.correct_count,
        "wrong_count": result.wrong_count,
        "unanswered_count": result.unanswered_count,
    }
    if policy == "score_and_key" and not may_try_again(session):
        details["questions"] = _marked(result)
    return {"score": int(result.points.quantize(Decimal(1), ROUND_HALF_UP)), "details": details}


def _marked(result: Result) -> dict[str, Any]:
    questions = version_load(result.session.version_id).questions_by_key
    return {
        item["question"]: {
            "is_correct": item["is_correct"],
            "points": item["points"],
            "correct_option": answer_key_json(questions[item["question"]]),
        }
        for item in result.items
    }
