"""What a signed-in candidate has to sit. An exam is named by the id of its test."""

from collections.abc import Sequence
from datetime import datetime

from cbt.kernel.actor import Actor, ActorKind
from cbt.kernel.errors import DomainError, ErrorCode, not_found
from sessions_app.models import ExamSession, TestAssignment
from sessions_app.states import SessionStatus


def exams_of(actor: Actor) -> list[TestAssignment]:
    """Return a candidate's assignments, earliest first, with participant, company and test; one query."""
    if actor.kind is not ActorKind.USER or actor.id is None:
        return []
    rows = TestAssignment.objects.select_related("participant__company", "test__category")
    own = rows.filter(participant__user_id=actor.id, participant__deleted_at__isnull=True)
    return list(own.order_by("start_at", "pk"))


def exam_for(actor: Actor, test_id: int, *, now: datetime) -> TestAssignment:
    """Return the candidate's assignment of a test. Raises NOT_FOUND alike for tests that are absent or not assigned.

    Of several: the one being sat, else the first that can be sat now, else the next to come, else the last.
    """
    own = [assignment for assignment in exams_of(actor) if assignment.test_id == test_id]
    if not own:
        raise not_found("Exam not found")
    return own[0] if len(own) == 1 else _choice(own, now)


def _choice(own: Sequence[TestAssignment], now: datetime) -> TestAssignment:
    sat = set(
        ExamSession.objects.filter(assignment__in=own, status=SessionStatus.IN_PROGRESS).values_list(
            "assignment_id", flat=True
        )
    )
    groups = (
        [row for row in own if row.pk in sat],
        [row for row in own if not row.is_completed and row.start_at <= now <= row.end_at],
        [row for row in own if row.start_at > now],
        [own[-1]],
    )
    return next(group[0] for group in groups if group)


def newest_sittings(assignments: Sequence[TestAssignment]) -> dict[int, ExamSession]:
    """Return {assignment id: its newest session}; one query."""
    rows = ExamSession.objects.filter(assignment__in=assignments).order_by("started_at", "pk")
    return {row.assignment_id: row for row in rows if row.assignment_id is not None}


def sitting_for(actor: Actor, test_id: int) -> ExamSession:
    """Return the candidate's newest session of a test, open or ended, with test, assignment and participant; one query.

    Raises NOT_FOUND for a test that is not assigned, SESSION_NOT_IN_PROGRESS for one that was never begun.
    """
    if actor.kind is not ActorKind.USER or actor.id is None:
        raise not_found("Exam not found")
    rows = ExamSession.objects.select_related("test", "assignment", "participant")
    own = rows.filter(participant__user_id=actor.id, participant__deleted_at__isnull=True, test_id=test_id)
    session = own.order_by("-started_at", "-pk").first()
    if session is not None:
        return session
    if any(assignment.test_id == test_id for assignment in exams_of(actor)):
        raise DomainError(ErrorCode.SESSION_NOT_IN_PROGRESS, "The exam has not been started")
    raise not_found("Exam not found")
