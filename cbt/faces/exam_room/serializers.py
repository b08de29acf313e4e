"""What the exam room reads and writes. Source: exam-room contract 1."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from rest_framework import serializers

from catalog.engine.paper import answer_key_json
from catalog.selectors.versions import version_load
from cbt.faces.exam_room.letters import answer_of, letters_of, options_of
from cbt.http.fields import Input, OutputSerializer
from cbt.kernel import clock
from sessions_app.api.clock import clock_keys
from sessions_app.engine import timing
from sessions_app.models import DoubtMark, ExamSession, Result, TestAssignment
from sessions_app.selectors.papers import CandidatePaper, candidate_paper, picture_urls
from sessions_app.selectors.sessions import may_try_again

MAX_ANSWERS = 500


class AnswerIn(Input):
    """One answer: the letter this candidate saw, null or empty clears. is_doubtful: absent leaves it as it is."""

    question_id = serializers.IntegerField(min_value=-(2**53), max_value=2**53)
    answer = serializers.CharField(max_length=50_000, allow_null=True, trim_whitespace=False)
    is_doubtful = serializers.BooleanField(required=False, allow_null=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["answer"].error_messages["invalid"] = "The answer must be a string."


class SyncIn(Input):
    """What a client kept while it was offline. revision: a growing number; an older one never overwrites a newer."""

    answers = AnswerIn(many=True, max_length=MAX_ANSWERS)
    revision = serializers.IntegerField(min_value=0, max_value=2**53, required=False, allow_null=True)


class ExamOut(OutputSerializer):
    """An exam. duration: minutes with this candidate's extra time, 0 for no limit of its own.

    status: not_started, in_progress, completed, banned, or abandoned (staff stopped it; it can be begun again).
    """

    id = serializers.IntegerField()
    title = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    duration = serializers.IntegerField()
    total_questions = serializers.IntegerField()
    start_time = serializers.DateTimeField()
    end_time = serializers.DateTimeField()
    status = serializers.CharField()
    server_time = serializers.DateTimeField()
    remaining_seconds = serializers.IntegerField(allow_null=True)


class ExamsOut(OutputSerializer):
    """The exams a candidate is assigned to."""

    exams = ExamOut(many=True)


class ExamQuestionOut(OutputSerializer):
    """A question as this candidate sees it. user_answer, is_doubtful: what is stored, for a page that is reloaded."""

    id = serializers.IntegerField()
    number = serializers.IntegerField()
    question = serializers.CharField()
    options = serializers.DictField(child=serializers.CharField())
    image = serializers.CharField(required=False)
    option_images = serializers.DictField(child=serializers.CharField(), required=False)
    kind = serializers.CharField()
    user_answer = serializers.CharField(allow_null=True)
    is_doubtful = serializers.BooleanField()


class ClockOut(OutputSerializer):
    """The server's clock of a sitting; remaining_seconds: null for no limit, 0 once it has ended."""

    server_time = serializers.DateTimeField()
    remaining_seconds = serializers.IntegerField(allow_null=True)


class QuestionsOut(ClockOut):
    """The paper."""

    questions = ExamQuestionOut(many=True)


class ExamSavedOut(ClockOut):
    """A stored answer."""

    success = serializers.BooleanField()
    message = serializers.CharField()


class ExamSubmittedOut(ExamSavedOut):
    """An exam that was handed in."""

    result_id = serializers.IntegerField()
    already_submitted = serializers.BooleanField()


class TimerOut(ClockOut):
    """The clock and state of a sitting."""

    status = serializers.CharField()
    started_at = serializers.DateTimeField()
    end_time = serializers.DateTimeField(allow_null=True)
    time_spent_seconds = serializers.IntegerField()


class DetailOut(OutputSerializer):
    """One question after the end. Both answers are texts, as printed: empty where there is none."""

    question_id = serializers.IntegerField()
    user_answer = serializers.CharField(allow_blank=True)
    correct_answer = serializers.CharField(allow_blank=True)
    is_correct = serializers.BooleanField()


class ExamResultOut(OutputSerializer):
    """The result. details: empty unless the test lets its takers see the key."""

    score = serializers.FloatField()
    correct_answers = serializers.IntegerField()
    total_questions = serializers.IntegerField()
    percentage = serializers.FloatField()
    passed = serializers.BooleanField()
    details = DetailOut(many=True)


def exam_row(assignment: TestAssignment, session: ExamSession | None, now: datetime) -> dict[str, Any]:
    """Write an exam; session: the newest sitting of the assignment, None before the first."""
    test = assignment.test
    version = version_load(session.version_id) if session else None
    minutes = version.duration_minutes if version else test.duration_minutes
    extra_seconds = session.extra_seconds if session else assignment.extra_seconds
    count = len(version.questions) if version else 0
    return {
        "id": test.pk,
        "title": test.name,
        "description": test.description,
        "duration": timing.shown_minutes(minutes, extra_seconds),
        "total_questions": count or test.question_count,
        "start_time": clock.iso(assignment.start_at),
        "end_time": clock.iso(assignment.end_at),
        "status": session.status if session else "not_started",
        **(clock_keys(session, now) if session else {"server_time": clock.iso(now), "remaining_seconds": None}),
    }


def question_rows(session: ExamSession, *, absolute: Callable[[str], str]) -> list[dict[str, Any]]:
    """Write the paper with what is stored of it; never a key, a weight or whether an answer is right."""
    paper = candidate_paper(session)
    urls = picture_urls(session, absolute=absolute)
    answers = dict(session.answers.values_list("question_id", "value"))
    doubts = set(
        DoubtMark.objects.filter(session_id=session.pk, is_doubtful=True).values_list("question_id", flat=True)
    )
    numbers = paper.numbers
    return [
        {
            **_question(paper, key, urls),
            "id": numbers[key],
            "number": number,
            "user_answer": answer_of(
                paper.version.questions_by_key[key], paper.option_orders.get(key, []), answers.get(key)
            ),
            "is_doubtful": key in doubts,
        }
        for number, key in enumerate(paper.question_order, start=1)
    ]


def _question(paper: CandidatePaper, key: str, urls: dict[str, str]) -> dict[str, Any]:
    question, order = paper.version.questions_by_key[key], paper.option_orders.get(key, [])
    row: dict[str, Any] = {
        "question": question.text,
        "options": options_of(question, order),
        "kind": question.kind,
    }
    if question.picture is not None and question.picture in urls:
        row["image"] = urls[question.picture]
    pictures = {option.key: option.picture for option in question.options}
    images = {
        letter: urls[picture]
        for letter, option in letters_of(order).items()
        if (picture := pictures[option]) is not None and picture in urls
    }
    if images:
        row["option_images"] = images
    return row


def result_row(session: ExamSession, result: Result) -> dict[str, Any]:
    """Write a result. Where a test sets no pass mark, nobody has failed it."""
    return {
        "score": float(result.points),
        "correct_answers": result.correct_count,
        "total_questions": len(version_load(session.version_id).questions),
        "percentage": float(result.percentage),
        "passed": result.passed is not False,
        "details": _details(session, result) if _shows_key(session) else [],
    }


def _shows_key(session: ExamSession) -> bool:
    return session.test.result_policy == "score_and_key" and not may_try_again(session)


def _details(session: ExamSession, result: Result) -> list[dict[str, Any]]:
    paper = candidate_paper(session)
    numbers, answers = paper.numbers, dict(session.answers.values_list("question_id", "value"))
    rows = []
    for item in result.items:
        key = item["question"]
        question, order = paper.version.questions_by_key[key], paper.option_orders.get(key, [])
        rows.append(
            {
                "question_id": numbers[key],
                "user_answer": answer_of(question, order, answers.get(key)) or "",
                "correct_answer": answer_of(question, order, answer_key_json(question)) or "",
                "is_correct": item["is_correct"] is True,
            }
        )
    return rows
