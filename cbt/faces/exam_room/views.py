"""The routes of the exam room. ``exam_id`` is the id of a test the candidate is assigned to."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from accounts.states import Role
from anticheat.services.devices import device_check
from catalog.engine.answers import AnswerInvalid, normalise
from cbt.faces.exam_room.face import EXAM_ROOM
from cbt.faces.exam_room.letters import NotALetter, value_of
from cbt.faces.exam_room.serializers import (
    AnswerIn,
    ClockOut,
    ExamOut,
    ExamResultOut,
    ExamSavedOut,
    ExamsOut,
    ExamSubmittedOut,
    QuestionsOut,
    SyncIn,
    TimerOut,
    exam_row,
    question_rows,
    result_row,
)
from cbt.http.face import Ok
from cbt.http.origins import refuse_forged_start
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import FaceView, Scope
from cbt.kernel import clock
from cbt.kernel.errors import DomainError, invalid
from cbt.kernel.errors import ErrorCode as E
from cbt.kernel.permissions import Perm
from sessions_app.api.clock import clock_keys, time_spent
from sessions_app.api.participant_flow import origin_of
from sessions_app.models import ExamSession, TestAssignment
from sessions_app.selectors.exams import exam_for, exams_of, newest_sittings, sitting_for
from sessions_app.selectors.papers import CandidatePaper, candidate_paper
from sessions_app.services.closing import is_late, session_close_if_late, session_submit
from sessions_app.services.refusals import not_in_progress
from sessions_app.services.saving import Saved, answers_save, time_update
from sessions_app.services.sessions import session_start, session_token

BASE = (E.UNAUTHENTICATED, E.FORBIDDEN, E.NOT_FOUND, E.RATE_LIMITED)
WRITE = (*BASE, E.SESSION_NOT_IN_PROGRESS, E.SESSION_PAUSED, E.BANNED)
START = (
    *BASE, E.CSRF_FAILED, E.ASSIGNMENT_NOT_STARTED, E.ASSIGNMENT_EXPIRED, E.ASSIGNMENT_COMPLETED, E.TEST_NOT_AVAILABLE,
)  # fmt: skip
_NO_QUESTION = "The question does not exist."


class ExamView(FaceView):
    """A route of a signed-in candidate."""

    face = EXAM_ROOM
    permission = Perm.TAKE_TESTS
    role = Role.PARTICIPANT
    scope = Scope.SELF

    def sitting(self, request: Request, exam_id: int, now: datetime) -> ExamSession:
        """Return the candidate's newest sitting of an exam, closed first when its time is up."""
        session = sitting_for(request.actor, exam_id)
        if session.is_open and is_late(session, now):
            session_close_if_late(token_hash=session.token_hash, now=now)
            return sitting_for(request.actor, exam_id)
        return session

    def sittings(self, own: Sequence[TestAssignment], now: datetime) -> dict[int, ExamSession]:
        """Return {assignment: its newest sitting}, those closed first whose time is up."""
        found = newest_sittings(own)
        late = [session for session in found.values() if session.is_open and is_late(session, now)]
        for session in late:
            session_close_if_late(token_hash=session.token_hash, now=now)
        return newest_sittings(own) if late else found

    def watched(self, request: Request, exam_id: int, now: datetime) -> tuple[ExamSession, str]:
        """Return the sitting and its token, with a note when the request comes from another device."""
        session = self.sitting(request, exam_id, now)
        token, origin = session_token(session), origin_of(request)
        device_check(session=session, token=token, ip=origin.ip, user_agent=origin.user_agent, now=now)
        return session, token


class Exams(ExamView):
    """The candidate's exams."""

    rate = Rate.EXAM_READ

    @documented("List my exams", response=ExamsOut, bare=True, errors=(E.UNAUTHENTICATED, E.FORBIDDEN))
    def get(self, request: Request) -> Ok:
        """List them, earliest first."""
        now = clock.now()
        own = exams_of(request.actor)
        sittings = self.sittings(own, now)
        return Ok({"exams": [exam_row(row, sittings.get(row.pk), now) for row in own]})


class Exam(ExamView):
    """One exam."""

    rate = Rate.EXAM_READ

    @documented("Get Exam", response=ExamOut, bare=True, errors=BASE)
    def get(self, request: Request, exam_id: int) -> Ok:
        """Show it; the clock does not start."""
        now = clock.now()
        own = exam_for(request.actor, exam_id, now=now)
        return Ok(exam_row(own, self.sittings([own], now).get(own.pk), now))


class Questions(ExamView):
    """The paper."""

    rate = Rate.EXAM_QUESTIONS

    @documented("Get Questions (the first time starts the clock)", response=QuestionsOut, bare=True, errors=START)
    def get(self, request: Request, exam_id: int) -> Ok:
        """Start the exam or go on with it, and return its questions in this candidate's own order."""
        now = clock.now()
        own = exam_for(request.actor, exam_id, now=now)
        origin = origin_of(request)
        session = newest_sittings([own]).get(own.pk)
        if session is None or not session.is_open or is_late(session, now):  # a reload writes nothing
            refuse_forged_start(request)
            session = session_start(assignment=own, now=now, origin=origin, needs_biodata=False).session
        token = session_token(session)
        device_check(session=session, token=token, ip=origin.ip, user_agent=origin.user_agent, now=now)
        rows = question_rows(session, absolute=request.build_absolute_uri)
        return Ok({"questions": rows, **clock_keys(session, now)})


class Answer(ExamView):
    """One answer."""

    rate = Rate.EXAM_ANSWER

    @documented(
        "Submit Answer", request=AnswerIn, response=ExamSavedOut, bare=True,
        errors=(*WRITE, E.UNKNOWN_QUESTION, E.VALIDATION_ERROR, E.INVALID_PAYLOAD),
        example={"question_id": 1, "answer": "A", "is_doubtful": False},
    )  # fmt: skip
    def post(self, request: Request, exam_id: int) -> Ok:
        """Store it; a 200 means it is committed."""
        data, now = AnswerIn.parse(request), clock.now()
        session, token = self.watched(request, exam_id, now)
        saved = _save(request, session, token, [data], None, now, at="")
        return Ok(
            {
                "success": True, "message": "Answer saved successfully",
                "server_time": clock.iso(now), "remaining_seconds": saved.remaining_seconds,
            }
        )  # fmt: skip


class Sync(ExamView):
    """What was kept offline."""

    rate = Rate.EXAM_ANSWER

    @documented(
        "Save many answers at once, after the network was away",
        request=SyncIn, response=ExamSavedOut, bare=True,
        errors=(*WRITE, E.UNKNOWN_QUESTION, E.VALIDATION_ERROR, E.INVALID_PAYLOAD),
        example={"answers": [{"question_id": 1, "answer": "A", "is_doubtful": False}], "revision": 7},
    )  # fmt: skip
    def post(self, request: Request, exam_id: int) -> Ok:
        """Store all or none; of two answers to one question the later counts."""
        data, now = SyncIn.parse(request), clock.now()
        session, token = self.watched(request, exam_id, now)
        saved = _save(request, session, token, data["answers"], data.get("revision"), now, at="answers.{}.")
        return Ok(
            {
                "success": True, "message": "Answers saved successfully",
                "server_time": clock.iso(now), "remaining_seconds": saved.remaining_seconds,
            }
        )  # fmt: skip


def _save(
    request: Request,
    session: ExamSession,
    token: str,
    sent: list[dict[str, Any]],
    revision: int | None,
    now: datetime,
    *,
    at: str,
) -> Saved:
    """Translate numbers and letters by the paper this candidate saw, and store. at: prefix of the fields at fault.

    Values are tried here already: the service would name a fault by the question's key, which no client here knows.
    """
    if not session.is_open:
        raise not_in_progress(session.status)
    paper = candidate_paper(session)
    answers: dict[str, Any] = {}
    doubts: dict[str, bool] = {}
    for place, one in enumerate(sent):
        key = _key(paper, one, at.format(place))
        answers[key] = _value(paper, key, one, at.format(place))
        if one.get("is_doubtful") is not None:
            doubts[key] = one["is_doubtful"]
    return answers_save(
        token=token, answers=answers, revision=revision, client_at=None, now=now, doubts=doubts,
        origin=origin_of(request),
    )  # fmt: skip


def _key(paper: CandidatePaper, one: Mapping[str, Any], at: str) -> str:
    key = paper.key_of(one["question_id"])
    if key is None:
        raise DomainError(
            E.UNKNOWN_QUESTION, "The given data was invalid.", fields={f"{at}question_id": [_NO_QUESTION]}
        )
    return key


def _value(paper: CandidatePaper, key: str, one: Mapping[str, Any], at: str) -> Any:
    question = paper.version.questions_by_key[key]
    try:
        return normalise(question, value_of(question, paper.option_orders.get(key, []), one["answer"]))
    except (NotALetter, AnswerInvalid) as fault:
        raise invalid(**{f"{at}answer": str(fault)}) from None


class Submit(ExamView):
    """Handing in."""

    rate = Rate.EXAM_SUBMIT

    @documented("Submit Exam (again: the same result)", response=ExamSubmittedOut, bare=True, errors=WRITE)
    def post(self, request: Request, exam_id: int) -> Ok:
        """Complete and score it, once."""
        now = clock.now()
        token = self.watched(request, exam_id, now)[1]
        outcome = session_submit(token=token, now=now, origin=origin_of(request))
        return Ok(
            {
                "success": True, "message": "Exam submitted successfully", "result_id": outcome.result.pk,
                "already_submitted": outcome.is_replay, **clock_keys(outcome.session, now),
            }
        )  # fmt: skip


class Result(ExamView):
    """The result."""

    rate = Rate.EXAM_READ

    @documented("Get Result", response=ExamResultOut, bare=True, errors=(*BASE, E.RESULT_NOT_AVAILABLE, E.BANNED))
    def get(self, request: Request, exam_id: int) -> Ok:
        """Show what the test lets its takers see."""
        session = self.sitting(request, exam_id, clock.now())
        if session.status == "banned":
            raise not_in_progress(session.status)
        if session.is_open:
            raise DomainError(E.RESULT_NOT_AVAILABLE, "The exam has not been submitted yet")
        if session.status != "completed" or session.test.result_policy == "none":
            raise DomainError(E.RESULT_NOT_AVAILABLE, "The result is not available")
        return Ok(result_row(session, session.results.get(is_current=True)))


class Timer(ExamView):
    """The server's clock."""

    rate = Rate.EXAM_TIME

    @documented("Get the clock of the sitting", response=TimerOut, bare=True, errors=(*BASE, E.SESSION_NOT_IN_PROGRESS))
    def get(self, request: Request, exam_id: int) -> Ok:
        """Tell the time left by the server's clock; a client corrects its own by ``server_time``."""
        now = clock.now()
        session = self.sitting(request, exam_id, now)
        return Ok(
            {
                "status": session.status, "started_at": clock.iso(session.started_at),
                "end_time": clock.iso(session.deadline_at), "time_spent_seconds": time_spent(session, now),
                **clock_keys(session, now),
            }
        )  # fmt: skip


class Heartbeat(ExamView):
    """A sign of life."""

    rate = Rate.EXAM_TIME

    @documented("Say that the candidate is there", response=ClockOut, bare=True, errors=WRITE)
    def post(self, request: Request, exam_id: int) -> Ok:
        """Note it, and tell the time left."""
        now = clock.now()
        token = self.watched(request, exam_id, now)[1]
        time = time_update(token=token, now=now)
        return Ok({"server_time": clock.iso(now), "remaining_seconds": time.remaining_seconds})
