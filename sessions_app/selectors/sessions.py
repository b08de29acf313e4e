"""Reading exam sessions: by the taker's token, and for staff within their company."""

from collections.abc import Collection

from django.db.models import OuterRef, Q, QuerySet, Subquery

from accounts.models import User
from accounts.states import Role
from catalog.models import Test
from cbt.kernel.actor import Actor
from cbt.kernel.errors import not_found
from cbt.kernel.ids import hash_token
from sessions_app.engine.activity import Activity, question_activity
from sessions_app.models import ExamSession, Participant, Result, SessionEvent
from sessions_app.states import EventKind


def session_get_by_token(token: str) -> ExamSession:
    """Return the session of a token with test, assignment and participant; one query. Raises NOT_FOUND."""
    session = (
        ExamSession.objects.select_related("test__category", "assignment", "participant")
        .filter(token_hash=hash_token(token))
        .first()
    )
    if session is None:
        raise not_found()
    return session


def sessions_not_banned(session_ids: Collection[int]) -> set[int]:
    """Return those of these sessions that are there and were not ended by a ban. One query."""
    rows = ExamSession.objects.filter(pk__in=session_ids, banned_at__isnull=True)
    return set(rows.order_by().values_list("pk", flat=True))


def visible_sessions(actor: Actor) -> Q:
    """Return the condition of what staff may see.

    Super admin all, a tenant its own company, an instructor own tests (deleted ones too), others nothing.
    """
    if actor.is_super_admin:
        return Q()
    if actor.role == "tenant_admin" and actor.company_id is not None:
        return Q(company_id=actor.company_id)
    if actor.role == Role.INSTRUCTOR and actor.id is not None:
        return Q(test_id__in=Test.objects.filter(owner_id=actor.id).order_by().values("pk"))
    return Q(pk__in=[])


def session_list_for(actor: Actor) -> QuerySet[ExamSession]:
    """Return the sessions staff may see, newest first, with test, person and the current result's id."""
    current = Result.objects.filter(session=OuterRef("pk"), is_current=True)
    return (
        ExamSession.objects.filter(visible_sessions(actor))
        .select_related("test", "participant", "assignment", "purchase", "account")
        .annotate(result_id=Subquery(current.values("pk")[:1]))
        .order_by("-started_at", "-pk")
    )


def sessions_of_people(actor: Actor, named: Q) -> Q:
    """Return the condition of sittings of whom ``named`` (name, email) is true.

    A company has participants, an instructor has takers; for the super admin it is everybody: participants and who
    sits as a user (an exam file, a test of a class, a bought one). That is two selects joined by UNION: with OR over
    two tables no index could answer.
    """
    people = Participant.objects.filter(named).order_by().values("pk")
    users = User.objects.filter(named).order_by().values("pk")
    if actor.role == Role.INSTRUCTOR:
        return Q(user_id__in=users)
    if not actor.is_super_admin:
        return Q(participant_id__in=people)
    rows = ExamSession.objects.order_by().values("pk")
    return Q(pk__in=rows.filter(participant_id__in=people).union(rows.filter(user_id__in=users), all=True))


def session_for(actor: Actor, session_id: int) -> ExamSession:
    """Return one session staff may see. Raises NOT_FOUND alike for absent and foreign."""
    session = session_list_for(actor).filter(pk=session_id).first()
    if session is None:
        raise not_found()
    return session


def session_of_own(actor: Actor, session_id: int) -> ExamSession:
    """Return a sitting of the caller's own, sat as a user. Raises NOT_FOUND alike for absent and foreign."""
    session = ExamSession.objects.filter(pk=session_id, user_id=actor.id, user_id__isnull=False).first()
    if session is None:
        raise not_found()
    return session


def session_events(session: ExamSession) -> QuerySet[SessionEvent]:
    """Return the log of a session in order."""
    return SessionEvent.objects.filter(session=session).order_by("seq")


def session_activity(session: ExamSession) -> list[Activity]:
    """Return how the taker worked on each question; one query."""
    saves = SessionEvent.objects.filter(session=session, kind=EventKind.ANSWERS_SAVED).order_by("seq")
    rows = (
        (at, [item["question_id"] for item in payload["answers"]]) for at, payload in saves.values_list("at", "payload")
    )
    return question_activity(rows, started_at=session.started_at)


def may_try_again(session: ExamSession) -> bool:
    """Tell whether the taker has attempts left on the same ground; then no key is shown yet."""
    return sessions_on(session).filter(status__in=session.spent).count() < session.test.max_attempts


def sessions_on(session: ExamSession) -> QuerySet[ExamSession]:
    """Return all sessions on the ground of this one: its assignment, its purchase, its exam file, or taker and test."""
    if session.taker_id is not None:
        return ExamSession.objects.filter(taker_id=session.taker_id, test_id=session.test_id)
    if session.exam_file:
        return ExamSession.objects.filter(user_id=session.user_id, exam_file=session.exam_file)
    return ExamSession.objects.filter(assignment=session.assignment, purchase=session.purchase, exam_file="")
