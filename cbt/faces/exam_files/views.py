"""The six routes of the exam-files document. Session cookie with Django's CSRF token, or a bearer token."""

import math
from typing import Any

from django.middleware.csrf import get_token
from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.authentication import BearerAuthentication, SessionAuthentication
from catalog.selectors.versions import version_load
from cbt.faces.exam_files import attempts, library, projection, shapes
from cbt.faces.exam_files.face import EXAM_FILES
from cbt.http.face import Ok
from cbt.http.fields import AnyJson, Input, OutputSerializer
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import FaceView, Scope
from cbt.kernel import clock
from cbt.kernel.errors import ErrorCode as E
from cbt.kernel.errors import invalid
from cbt.kernel.permissions import Perm
from sessions_app.selectors.papers import paper_of
from sessions_app.services.closing import session_submit
from sessions_app.services.saving import MAX_ANSWERS

SIGNED_IN = (E.UNAUTHENTICATED, E.FORBIDDEN)
WRITE = (*SIGNED_IN, E.CSRF_FAILED)
ENDED = (E.SESSION_NOT_IN_PROGRESS, E.SESSION_PAUSED, E.BANNED)
_ATTEMPT = {
    "attemptId": "12", "userId": "5", "examId": "aptitude-20", "status": "active", "startedAt": "2026-01-01T00:00:00Z",
    "updatedAt": "2026-01-01T00:04:10.120000Z", "answers": [{"questionId": "num1", "response": "b", "timeSec": 12}],
}  # fmt: skip


class AnswerShape(OutputSerializer):
    """One answer. response: any JSON value that fits the question; null clears it."""

    questionId = serializers.CharField()  # noqa: N815 - the document's name
    response = AnyJson(allow_null=True)
    timeSec = serializers.FloatField(required=False)  # noqa: N815


class AttemptOut(OutputSerializer):
    """An attempt as its file has it."""

    attemptId = serializers.CharField()  # noqa: N815
    userId = serializers.CharField()  # noqa: N815
    examId = serializers.CharField()  # noqa: N815
    status = serializers.ChoiceField(["active", "submitted", "finished", "banned", "abandoned"])
    startedAt = serializers.DateTimeField()  # noqa: N815
    updatedAt = serializers.DateTimeField()  # noqa: N815
    submittedAt = serializers.DateTimeField(required=False)  # noqa: N815
    answers = AnswerShape(many=True)


class AnswersIn(Input):
    """Partial answers; other keys of an attempt may stand beside them and say nothing new. Read by hand."""

    answers = serializers.ListField(child=AnswerShape())


class ExamFilesView(FaceView):
    """A route of this face, for whoever may take tests."""

    face = EXAM_FILES
    authentication_classes = (BearerAuthentication, SessionAuthentication)
    permission = Perm.TAKE_TESTS
    rate = Rate.STAFF
    scope = Scope.SELF

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]
        """Hand a browser the CSRF token it needs for its next write: as a cookie, and for other origins in a header."""
        final = super().finalize_response(request, response, *args, **kwargs)
        if request.method == "GET" and final.status_code < 400 and "Authorization" not in request.headers:
            final["X-CSRFToken"] = get_token(request._request)
        return final


class Exams(ExamFilesView):
    """The published exams."""

    @documented("List published exams", errors=SIGNED_IN, bare={"type": "array", "items": {"type": "object"}})
    def get(self, request: Request) -> Ok:
        """Return exams whose file is sound and whose flag is set, by id."""
        published = library.manifest().published
        good, _ = library.exams()
        return Ok([shapes.exam_row(exam.exam_id, exam.paper) for exam in good if exam.exam_id in published])


class Exam(ExamFilesView):
    """One exam."""

    @documented(
        "Get an exam, without keys",
        errors=(*SIGNED_IN, E.EXAM_NOT_FOUND, E.EXAM_NOT_PUBLISHED),
        bare={"type": "object"},
    )
    def get(self, request: Request, exam_id: str) -> Ok:
        """Return the exam; who is taking it gets the paper the attempt began with, whatever the file says now."""
        session = attempts.active_attempt(self.actor_of(request), exam_id)
        if session is None:
            exam = library.exam_get(exam_id)
            return Ok(shapes.exam_json(exam_id, exam.paper))
        questions = [shapes.own_names(row) for row in paper_of(session, absolute=request.build_absolute_uri)]
        return Ok(shapes.exam_json(exam_id, version_load(session.version_id), questions))


class Attempts(ExamFilesView):
    """Starting."""

    @documented(
        "Start or resume an attempt", bare=AttemptOut, answer=_ATTEMPT,
        errors=(*WRITE, E.EXAM_NOT_FOUND, E.EXAM_NOT_PUBLISHED, E.ATTEMPT_EXISTS, E.CONFLICT),
    )  # fmt: skip
    def post(self, request: Request, exam_id: str) -> Ok:
        """Return the user's active attempt, made now if there is none."""
        started = attempts.attempt_start(exam_id=exam_id, actor=self.actor_of(request), now=clock.now())
        projection.started(started.session)
        return Ok(attempts.attempt_state(started.session.pk))


class Attempt(ExamFilesView):
    """Autosave."""

    max_body_bytes = 512 * 1024

    @documented(
        "Save answers", request=AnswersIn, bare=AttemptOut, answer=_ATTEMPT,
        errors=(*WRITE, *ENDED, E.NOT_FOUND, E.INVALID_PAYLOAD, E.PAYLOAD_TOO_LARGE),
        example={"answers": [{"questionId": "num1", "response": "b", "timeSec": 12}]},
    )  # fmt: skip
    def put(self, request: Request, attempt_id: str) -> Ok:
        """Store the answers sent and return the whole attempt as this save left it; ``updatedAt`` is the server's."""
        session, token = attempts.attempt_for(self.actor_of(request), attempt_id, clock.now())
        answers, seconds = answers_of(request.data)
        with projection.turn(session):
            state = attempts.attempt_save(session, token=token, answers=answers, seconds=seconds)
            projection.saved(session)
        return Ok(state)


class Submit(ExamFilesView):
    """Handing in."""

    @documented(
        "Submit an attempt", bare={"type": "object"}, errors=(*WRITE, *ENDED, E.NOT_FOUND),
    )  # fmt: skip
    def post(self, request: Request, attempt_id: str) -> Ok:
        """Finish and score the attempt, once, and say where its bundle lies; a repeated submit says the same."""
        now = clock.now()
        session, token = attempts.attempt_for(self.actor_of(request), attempt_id, now)
        with projection.turn(session):
            session = session_submit(token=token, now=now).session
            projection.submitted(session)
            state = attempts.attempt_state(session.pk)
        shown = {name: value for name, value in state.items() if name != "answers"}
        return Ok({**shown, "output": "/".join(projection.output_path(session))})


class MyProgress(ExamFilesView):
    """How far the caller is."""

    @documented("My progress", errors=SIGNED_IN, bare={"type": "object"})
    def get(self, request: Request) -> Ok:
        """Return the caller's attempts with their share of answered questions."""
        return Ok(attempts.progress_state(attempts.user_of(self.actor_of(request))))


def answers_of(body: Any) -> tuple[dict[str, Any], dict[str, float]]:
    """Return ({question: response}, {question: seconds}) of a body. Raises VALIDATION_ERROR; the last of two counts."""
    rows = body.get("answers")
    if not isinstance(rows, list):
        raise invalid(answers="The answers must be an array.")
    if len(rows) > MAX_ANSWERS:
        raise invalid(answers=f"The answers must not have more than {MAX_ANSWERS} items.")
    answers: dict[str, Any] = {}
    seconds: dict[str, float] = {}
    for number, row in enumerate(rows):
        if not isinstance(row, dict) or not isinstance(row.get("questionId"), str) or "response" not in row:
            raise invalid(**{f"answers.{number}": "An answer is an object with questionId and response."})
        answers[row["questionId"]] = row["response"]
        if row.get("timeSec") is not None:
            seconds[row["questionId"]] = _seconds(row["timeSec"], number)
    return answers, seconds


def _seconds(value: Any, number: int) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not 0 <= value <= 31_536_000:
        raise invalid(**{f"answers.{number}.timeSec": "The timeSec must be a number of seconds."})
    return float(value)
