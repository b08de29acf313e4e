"""Scoring a session into a stored result, marks by staff, and regrading. Old results stay."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Max

from catalog.engine.scoring import SCORING_VERSION, Score, score
from catalog.models import TestVersion
from catalog.selectors.versions import version_load
from cbt.kernel import audit
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode, invalid, not_found
from sessions_app.models import AnswerMark, ExamSession, Result
from sessions_app.services.events import event_append
from sessions_app.services.locks import lock_session
from sessions_app.states import EventKind, ResultState, SessionStatus


def result_make(*, session: ExamSession, now: datetime, reason: str, actor: Actor) -> Result:
    """Score a locked, ended session and store the result as the current one.

    A test without a question bank has nothing to score: its result holds zeros and no items.
    """
    number = (session.results.aggregate(last=Max("number"))["last"] or 0) + 1
    session.results.filter(is_current=True).update(is_current=False)
    outcome = _score(session)
    result = Result(
        session=session,
        company_id=session.company_id,
        user_id=session.user_id,
        participant_id=session.participant_id,
        test_id=session.test_id,
        number=number,
        scoring_version=SCORING_VERSION,
        content_hash=_content_hash(session.version_id),
        reason=reason[:300],
        scored_by_id=actor.id,
        created_at=now,
    )
    _fill(result, outcome)
    result.save(force_insert=True)
    event_append(
        session=session,
        kind=EventKind.SCORED,
        payload={"result": result.pk, "number": number, "reason": reason},
        now=now,
    )
    return result


def _content_hash(version_id: int) -> str:
    """Return the hash of a version without loading its content."""
    return TestVersion.objects.values_list("content_hash", flat=True).get(pk=version_id)


def _score(session: ExamSession) -> Score:
    answers = dict(session.answers.exclude(value__isnull=True).values_list("question_id", "value"))
    marks: dict[str, Decimal] = dict(session.marks.order_by("id").values_list("question_id", "points"))
    return score(version_load(session.version_id), answers, marks)


def _fill(result: Result, outcome: Score) -> None:
    written = outcome.to_json()
    result.points = outcome.points
    result.max_points = outcome.max_points
    result.percentage = outcome.percentage
    result.passed = outcome.passed
    result.correct_count = outcome.correct_count
    result.wrong_count = outcome.wrong_count
    result.unanswered_count = outcome.unanswered_count
    result.pending_count = outcome.pending_count
    result.scales = written["scales"]
    result.items = written["items"]
    result.state = ResultState.PENDING_MARKS if outcome.pending_count else ResultState.FINAL


@transaction.atomic
def answer_mark(
    *, session_id: int, question_id: str, points: Decimal, comment: str, now: datetime, actor: Actor
) -> Result:
    """Give a long text its points and score the session anew; the earlier result stays.

    points: 0 to the question's weight.  Raises NOT_FOUND, SESSION_NOT_IN_PROGRESS while it is not completed,
    VALIDATION_ERROR for a question that is not marked by people or points out of range.
    """
    session = _completed(session_id)
    question = version_load(session.version_id).questions_by_key.get(question_id)
    if question is None or question.kind != "long_text":
        raise invalid(question_id="The selected question id is invalid.")
    if points > question.weight:
        raise invalid(points=f"The points must not be greater than {question.weight}.")
    AnswerMark.objects.create(
        session=session,
        question_id=question_id,
        points=points,
        comment=comment,
        marked_by_id=actor.id or 0,
        created_at=now,
    )
    payload = {"question_id": question_id, "points": str(points), "by": actor.id}
    event_append(session=session, kind=EventKind.MARKED, payload=payload, now=now)
    audit.record("sessions_app.answer.marked", actor=actor, obj=session, company_id=session.company_id, **payload)
    return result_make(session=session, now=now, reason=f"marked {question_id}", actor=actor)


@transaction.atomic
def result_regrade(*, session_id: int, reason: str, now: datetime, actor: Actor) -> Result:
    """Score a completed session again by today's engine; the new result names its reason, the old one stays.

    Raises NOT_FOUND, SESSION_NOT_IN_PROGRESS while it is not completed.
    """
    session = _completed(session_id)
    result = result_make(session=session, now=now, reason=reason, actor=actor)
    audit.record("sessions_app.result.regraded", actor=actor, obj=session, company_id=session.company_id, reason=reason)
    return result


def _completed(session_id: int) -> ExamSession:
    session = lock_session(pk=session_id)
    if session is None:
        raise not_found()
    if session.status != SessionStatus.COMPLETED:
        raise DomainError(ErrorCode.SESSION_NOT_IN_PROGRESS, "Session has not been completed")
    return session
