"""What the routes answer: explicit fields, from rows already fetched."""

from typing import Any

from rest_framework import serializers

from catalog.models import Test
from catalog.selectors.versions import version_load
from cbt.http.fields import AnyJson, JsonObject, OutputSerializer
from cbt.kernel import clock
from sessions_app.engine import timing
from sessions_app.models import ExamSession, TestAssignment
from sessions_app.selectors.assignments import assignment_token


class TestBriefOut(OutputSerializer):
    """A test by name."""

    __test__ = False
    id = serializers.IntegerField()
    name = serializers.CharField()
    duration_minutes = serializers.IntegerField()


class SessionStartOut(OutputSerializer):
    """A started session. Contract 3.6; server_time and remaining_seconds are extra."""

    class StartedOut(OutputSerializer):
        """The session itself."""

        session_token = serializers.CharField()
        test = TestBriefOut()
        started_at = serializers.DateTimeField()
        deadline_at = serializers.DateTimeField(allow_null=True)

    session = StartedOut()
    server_time = serializers.DateTimeField()
    remaining_seconds = serializers.IntegerField(allow_null=True)


class AnswerOut(OutputSerializer):
    """The stored state of one answer; is_correct and points tell nothing before the result does."""

    question_id = serializers.CharField()
    answer = AnyJson()
    is_correct = serializers.BooleanField(allow_null=True)
    points = serializers.IntegerField()
    updated_at = serializers.DateTimeField()


class TestPaperOut(TestBriefOut):
    """A test as a session shows it."""

    __test__ = False
    code = serializers.CharField()
    question_count = serializers.IntegerField()


class AssignmentBriefOut(OutputSerializer):
    """The assignment behind a session."""

    id = serializers.IntegerField()
    token = serializers.CharField()
    start_date = serializers.DateTimeField()
    end_date = serializers.DateTimeField()


class SessionOut(OutputSerializer):
    """A session as its taker sees it. Contract 4.1."""

    id = serializers.IntegerField()
    session_token = serializers.CharField()
    status = serializers.CharField()
    started_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)
    time_spent_seconds = serializers.IntegerField()
    test = TestPaperOut()
    assignment = AssignmentBriefOut(allow_null=True)
    answers = AnswerOut(many=True)
    deadline_at = serializers.DateTimeField(allow_null=True)
    server_time = serializers.DateTimeField()
    remaining_seconds = serializers.IntegerField(allow_null=True)


class SavedOut(OutputSerializer):
    """Outcome of a save. Contract 4.2."""

    session_token = serializers.CharField()
    time_spent_seconds = serializers.IntegerField()
    answers = AnswerOut(many=True)
    server_time = serializers.DateTimeField()
    remaining_seconds = serializers.IntegerField(allow_null=True)


class SubmittedOut(OutputSerializer):
    """Outcome of a submit. Contract 4.3; result_id and already_submitted are extra."""

    id = serializers.IntegerField()
    session_token = serializers.CharField()
    status = serializers.CharField()
    completed_at = serializers.DateTimeField()
    time_spent_seconds = serializers.IntegerField()
    result_id = serializers.IntegerField()
    already_submitted = serializers.BooleanField()
    submitted_by = serializers.CharField()
    server_time = serializers.DateTimeField()
    remaining_seconds = serializers.IntegerField(allow_null=True)


class TimeOut(OutputSerializer):
    """The server's clock. Contract 4.4."""

    time_spent_seconds = serializers.IntegerField()
    server_time = serializers.DateTimeField()
    remaining_seconds = serializers.IntegerField(allow_null=True)


class QuestionOut(OutputSerializer):
    """One question of the candidate's paper; ``min, max, step`` for numbers, ``max_length`` for texts."""

    question_id = serializers.CharField()
    number = serializers.IntegerField()
    kind = serializers.CharField()
    text = serializers.CharField()
    picture = JsonObject(allow_null=True)
    required = serializers.BooleanField()  # type: ignore[assignment]
    options = serializers.ListField(child=JsonObject())


class PaperOut(OutputSerializer):
    """The candidate's paper: questions in this candidate's order, without anything that tells an answer."""

    session_token = serializers.CharField()
    test = TestPaperOut()
    questions = QuestionOut(many=True)
    server_time = serializers.DateTimeField()
    remaining_seconds = serializers.IntegerField(allow_null=True)


def assignment_flow(assignment: TestAssignment, now: Any) -> dict[str, Any]:
    """Return the assignment block of the participant flow. Contract 3.1."""
    return {
        "id": assignment.pk,
        "token": assignment_token(assignment),
        "start_date": clock.iso(assignment.start_at),
        "end_date": clock.iso(assignment.end_at),
        "is_completed": assignment.is_completed,
        "completed_at": clock.iso(assignment.completed_at),
        "time_remaining": max(0, int((assignment.end_at - now).total_seconds())),
    }


def page_routes(test: Test) -> dict[str, str | None]:
    """Return where the frontend keeps the pages of a test without a question bank; beside what is documented."""
    return {"instruction_route": test.instruction_route or None, "test_route": test.test_route or None}


def test_flow(assignment: TestAssignment) -> dict[str, Any]:
    """Return the test block of the participant flow. Contract 3.1."""
    test = assignment.test
    category = test.category
    return {
        "id": test.pk,
        "name": test.name,
        "code": test.code,
        "description": test.description,
        "duration_minutes": timing.shown_minutes(test.duration_minutes, assignment.extra_seconds),
        "question_count": test.question_count,
        "type": test.type,
        "category": {"id": category.pk, "name": category.name} if category else None,
    }


test_flow.__test__ = False  # type: ignore[attr-defined]


def test_row(session: ExamSession) -> dict[str, Any]:
    """Write the test of a session: duration (with the extra time) and count are those of the paper handed out."""
    test, version = session.test, version_load(session.version_id)
    return {
        "id": test.pk,
        "name": test.name,
        "code": test.code,
        "duration_minutes": timing.shown_minutes(version.duration_minutes, session.extra_seconds),
        "question_count": len(version.questions) or test.question_count,
    }


test_row.__test__ = False  # type: ignore[attr-defined]
