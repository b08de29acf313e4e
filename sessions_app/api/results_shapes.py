"""Results as their readers may see them."""

from typing import Any

from rest_framework import serializers

from catalog.engine.paper import answer_key_json
from catalog.engine.structure import PaperVersion
from catalog.selectors.versions import version_load
from cbt.http.fields import JsonObject, OutputSerializer
from cbt.kernel import clock
from sessions_app.models import ExamSession, Result
from sessions_app.selectors.sessions import may_try_again


class ResultOut(OutputSerializer):
    """One scoring of one session, as lists show it."""

    id = serializers.IntegerField()
    number = serializers.IntegerField(help_text="1 for the first scoring of the session")
    is_current = serializers.BooleanField()
    state = serializers.CharField(help_text="final, or pending_marks while long texts wait for a person")
    test = JsonObject()
    participant = JsonObject(allow_null=True)
    user = JsonObject(allow_null=True)
    session = JsonObject()
    points = serializers.FloatField()
    max_points = serializers.FloatField()
    percentage = serializers.FloatField()
    passed = serializers.BooleanField(allow_null=True)
    correct_count = serializers.IntegerField()
    wrong_count = serializers.IntegerField()
    unanswered_count = serializers.IntegerField()
    pending_count = serializers.IntegerField()
    scales = JsonObject()
    reason = serializers.CharField()
    scoring_version = serializers.CharField()
    created_at = serializers.DateTimeField()


class ResultDetailOut(ResultOut):
    """One result with its items and the other scorings of the session."""

    items = serializers.ListField(child=JsonObject())
    history = serializers.ListField(child=JsonObject())


def result_row(result: Result) -> dict[str, Any]:
    """Write one result for staff, or for its private buyer."""
    session = result.session
    person, user = session.participant, session.account
    return {
        "id": result.pk,
        "number": result.number,
        "is_current": result.is_current,
        "state": result.state,
        "test": {"id": session.test_id, "name": session.test.name, "code": session.test.code},
        "participant": {"id": person.pk, "name": person.name, "email": person.email} if person else None,
        "user": {"id": user.pk, "name": user.name, "email": user.email} if user else None,
        "session": {
            "id": session.pk,
            "status": session.status,
            "started_at": clock.iso(session.started_at),
            "completed_at": clock.iso(session.completed_at),
            "time_spent_seconds": session.time_spent_seconds,
            "submitted_by": session.submitted_by,
            "is_flagged": session.is_flagged,
        },
        **score_keys(result),
        "reason": result.reason,
        "scoring_version": result.scoring_version,
        "created_at": clock.iso(result.created_at),
    }


def score_keys(result: Result) -> dict[str, Any]:
    """Write the numbers of a result."""
    return {
        "points": float(result.points),
        "max_points": float(result.max_points),
        "percentage": float(result.percentage),
        "passed": result.passed,
        "correct_count": result.correct_count,
        "wrong_count": result.wrong_count,
        "unanswered_count": result.unanswered_count,
        "pending_count": result.pending_count,
        "scales": result.scales,
    }


def result_detail(result: Result, *, with_key: bool) -> dict[str, Any]:
    """Write one result with its items; with_key: also what would have been right."""
    history = result.session.results.order_by("number")
    return {
        **result_row(result),
        "items": item_rows(result, with_key=with_key),
        "history": [
            {
                "id": row.pk,
                "number": row.number,
                "percentage": float(row.percentage),
                "reason": row.reason,
                "is_current": row.is_current,
                "created_at": clock.iso(row.created_at),
            }
            for row in history
        ],
    }


def item_rows(result: Result, *, with_key: bool) -> list[dict[str, Any]]:
    """Write what each question contributed, in the order of the test."""
    session = result.session
    version = version_load(session.version_id)
    answers = dict(session.answers.values_list("question_id", "value"))
    return [_item(item, version, answers, with_key=with_key) for item in result.items]


def _item(item: dict[str, Any], version: PaperVersion, answers: dict[str, Any], *, with_key: bool) -> dict[str, Any]:
    question = version.questions_by_key[item["question"]]
    row = {
        "question_id": item["question"],
        "kind": item["kind"],
        "text": question.text,
        "answer": answers.get(item["question"]),
        "is_correct": item["is_correct"],
        "points": item["points"],
        "max_points": item["max_points"],
        "pending": item["pending"],
    }
    if with_key:
        row["correct_answer"] = answer_key_json(question)
    return row


def taker_result(session: ExamSession) -> dict[str, Any]:
    """Write the current result as the test's policy lets its taker see it: score, or score and key."""
    result = session.results.select_related("session").get(is_current=True)
    data: dict[str, Any] = {
        "result_id": result.pk,
        "state": result.state,
        "completed_at": clock.iso(session.completed_at),
        "time_spent_seconds": session.time_spent_seconds,
        **score_keys(result),
    }
    if session.test.result_policy == "score_and_key" and not may_try_again(session):
        data["items"] = item_rows(result, with_key=True)
    return data
