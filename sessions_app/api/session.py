"""The session routes a candidate's page calls every few seconds. Contract section 4."""

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from django.utils.dateparse import parse_datetime
from rest_framework import serializers

from cbt.http.face import Ok
from cbt.http.fields import AnyJson, Input, JsonObject
from cbt.http.lean import LeanView, json_object
from cbt.http.rates import Rate
from cbt.http.schema import documented
from cbt.http.views import Access, Scope
from cbt.kernel import clock
from cbt.kernel.errors import DomainError, invalid
from cbt.kernel.errors import ErrorCode as E
from sessions_app.api import examples
from sessions_app.api.clock import clock_keys, time_spent
from sessions_app.api.results_shapes import taker_result
from sessions_app.api.shapes import PaperOut, SavedOut, SessionOut, SubmittedOut, TimeOut, test_row
from sessions_app.models import ExamSession
from sessions_app.selectors.assignments import assignment_token
from sessions_app.selectors.papers import paper_of
from sessions_app.selectors.sessions import session_get_by_token
from sessions_app.services.closing import is_late, session_close_if_late, session_submit
from sessions_app.services.refusals import not_in_progress
from sessions_app.services.saving import answers_save, time_update

WRITE_ERRORS = (E.NOT_FOUND, E.SESSION_NOT_IN_PROGRESS, E.SESSION_PAUSED, E.BANNED)
MAX_REVISION = 2**53


class SessionView(LeanView):
    """A route whose only credential is the session's token in its path."""

    permission = Access.SESSION_TOKEN
    scope = Scope.TOKEN
    max_body_bytes = 512 * 1024


def current_session(token: str, now: datetime) -> ExamSession:
    """Return the session, closed first when its time is up: the next request closes it, worker or not."""
    session = session_get_by_token(token)
    if session.is_open and is_late(session, now):
        session_close_if_late(token=token, now=now)
        return session_get_by_token(token)
    return session


def answer_row(question_id: str, value: Any, updated_at: datetime) -> dict[str, Any]:
    """Write one stored answer; correctness is never told here."""
    return {
        "question_id": question_id,
        "answer": value,
        "is_correct": None,
        "points": 0,
        "updated_at": clock.iso(updated_at),
    }


class SessionShow(SessionView):
    """The session with all stored answers."""

    rate = Rate.SESSION_READ

    @documented("Get session details", response=SessionOut, errors=(E.NOT_FOUND,), answer=examples.SESSION)
    def get(self, request: HttpRequest, token: str) -> Ok:
        """Return the session in any state; clients show "completed" or "banned" from it."""
        now = clock.now()
        session = current_session(token, now)
        rows = session.answers.filter(value__isnull=False).order_by("question_id")
        assignment = session.assignment
        data = {
            "id": session.pk,
            "session_token": token,
            "status": session.status,
            "started_at": clock.iso(session.started_at),
            "completed_at": clock.iso(session.completed_at),
            "time_spent_seconds": time_spent(session, now),
            "test": test_row(session),
            "assignment": {
                "id": assignment.pk,
                "token": assignment_token(assignment),
                "start_date": clock.iso(assignment.start_at),
                "end_date": clock.iso(assignment.end_at),
            }
            if assignment
            else None,
            "answers": [answer_row(row.question_id, row.value, row.updated_at) for row in rows],
            "deadline_at": clock.iso(session.deadline_at),
            **clock_keys(session, now),
        }
        return Ok(data, message="Session retrieved successfully")


class SaveIn(Input):
    """A batch of answers. Documentation of the shape; the lean view reads it by hand."""

    answers = serializers.DictField(child=AnyJson())
    revision = serializers.IntegerField(
        max_value=2**53, required=False, help_text="Growing integer per session; older never wins"
    )
    client_time = serializers.DateTimeField(required=False, help_text="The client's clock; kept as a claim")


class SaveAnswers(SessionView):
    """Autosave."""

    rate = Rate.SESSION_SAVE

    @documented(
        "Auto-save answers",
        request=SaveIn, response=SavedOut, answer=examples.SAVED,
        errors=(
            *WRITE_ERRORS, E.UNKNOWN_QUESTION, E.VALIDATION_ERROR, E.INVALID_PAYLOAD, E.PAYLOAD_TOO_LARGE,
            E.LIMIT_REACHED,
        ),
        example={
            "answers": {
                "question_1": "answer_1", "question_2": ["option_a", "option_b"], "question_3": 5,
                "question_4": {"text": "Long answer text", "option": "selected_option"},
            }
        },
    )  # fmt: skip
    def post(self, request: HttpRequest, token: str) -> Ok:
        """Store the answers; a 200 means they are committed."""
        now = clock.now()
        body = json_object(request)
        answers = body.get("answers")
        if not isinstance(answers, dict):
            text = "The answers field is required." if answers is None else "The answers must be an object."
            raise invalid(answers=text)
        saved = answers_save(
            token=token,
            answers=answers,
            revision=_revision(body.get("revision")),
            client_at=_client_time(body.get("client_time")),
            now=now,
        )
        data = {
            "session_token": token,
            "time_spent_seconds": saved.time_spent_seconds,
            "answers": [answer_row(row.question_id, row.value, row.updated_at) for row in saved.answers],
            "server_time": clock.iso(now),
            "remaining_seconds": saved.remaining_seconds,
        }
        return Ok(data, message="Answers saved successfully")


def _revision(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_REVISION:
        raise invalid(revision="The revision must be a non-negative integer.")
    return value


def _client_time(value: Any) -> datetime | None:
    """Return the client's clock as a claim; what cannot be read is left out rather than losing answers over it."""
    if not isinstance(value, str):
        return None
    try:
        moment = parse_datetime(value[:40])
        return None if moment is None else (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


class Submit(SessionView):
    """Hand in."""

    rate = Rate.SESSION_SUBMIT

    @documented("Submit test", response=SubmittedOut, errors=WRITE_ERRORS, answer=examples.SUBMITTED)
    def post(self, request: HttpRequest, token: str) -> Ok:
        """Complete and score the session, once; a repeated submit returns the first result."""
        now = clock.now()
        outcome = session_submit(token=token, now=now)
        session = outcome.session
        data = {
            "id": session.pk,
            "session_token": token,
            "status": session.status,
            "completed_at": clock.iso(session.completed_at),
            "time_spent_seconds": session.time_spent_seconds,
            "result_id": outcome.result.pk,
            "already_submitted": outcome.is_replay,
            "submitted_by": session.submitted_by,
            **clock_keys(session, now),
        }
        return Ok(data, message="Test submitted successfully")


class UpdateTime(SessionView):
    """Heartbeat."""

    rate = Rate.SESSION_TIME

    @documented("Update time spent", response=TimeOut, errors=WRITE_ERRORS, answer=examples.TIME)
    def post(self, request: HttpRequest, token: str) -> Ok:
        """Note that the candidate is there; the time is the server's own, whatever the body says."""
        now = clock.now()
        time = time_update(token=token, now=now)
        data = {
            "time_spent_seconds": time.time_spent_seconds,
            "server_time": clock.iso(now),
            "remaining_seconds": time.remaining_seconds,
        }
        return Ok(data, message="Time updated successfully")


class Questions(SessionView):
    """The candidate's paper."""

    rate = Rate.SESSION_READ

    @documented("Get the candidate's paper", response=PaperOut, errors=WRITE_ERRORS)
    def get(self, request: HttpRequest, token: str) -> Ok:
        """Return the questions in this candidate's order, the same after every reload; no keys, only while open."""
        now = clock.now()
        session = current_session(token, now)
        if not session.is_open:
            raise not_in_progress(session.status)
        data = {
            "session_token": token,
            "test": test_row(session),
            "questions": paper_of(session, absolute=request.build_absolute_uri),
            **clock_keys(session, now),
        }
        return Ok(data, message="Questions retrieved successfully")


class TakerResult(SessionView):
    """What the test lets its taker see."""

    rate = Rate.SESSION_READ

    @documented("Get the result", response=JsonObject(), errors=(E.NOT_FOUND, E.RESULT_NOT_AVAILABLE, E.BANNED))
    def get(self, request: HttpRequest, token: str) -> Ok:
        """Return nothing, the score, or score and key, as the test's policy says."""
        now = clock.now()
        session = current_session(token, now)
        if session.status == "banned":
            raise not_in_progress(session.status)
        if session.status != "completed" or session.test.result_policy == "none":
            raise DomainError(E.RESULT_NOT_AVAILABLE, "The result is not available")
        return Ok({**taker_result(session), **clock_keys(session, now)}, message="Result retrieved successfully")
