"""Reading participants, within what the actor may see."""

from typing import Any

from django.db.models import Count, Prefetch, Q, QuerySet

from accounts.selectors.users import user_by_number
from cbt.kernel.actor import Actor
from cbt.kernel.errors import not_found
from cbt.kernel.models import OutgoingMail
from sessions_app.models import ExamSession, Participant, TestAssignment


def visible_participants(actor: Actor) -> Q:
    """Return the condition of what staff may see: super admin all, a tenant its own company, others nothing."""
    live = Q(deleted_at__isnull=True)
    if actor.is_super_admin:
        return live
    if actor.role == "tenant_admin" and actor.company_id is not None:
        return live & Q(company_id=actor.company_id)
    return Q(pk__in=[])


def has_number(number: str) -> Q:
    """Return the condition of having a participant number, the whole of it; of nothing where nobody has it.

    Looked up beforehand, so that the search indexes of the other fields can still answer.
    """
    user = user_by_number(number)
    return Q(user_id=user.pk) if user else Q(pk__in=[])


def participant_list_for(actor: Actor) -> QuerySet[Participant]:
    """Return participants newest first with company, assignments and tests: three queries whatever the rows."""
    return (
        Participant.objects.filter(visible_participants(actor))
        .select_related("company", "user")
        .prefetch_related(
            Prefetch("assignments", queryset=TestAssignment.objects.select_related("test").order_by("start_at", "pk"))
        )
        .order_by("-created_at", "-pk")
    )


def participant_for(actor: Actor, participant_id: int) -> Participant:
    """Return one participant with everything its screen shows. Raises NOT_FOUND alike for absent and foreign."""
    participant = (
        participant_list_for(actor)
        .prefetch_related(
            Prefetch("sessions", queryset=ExamSession.objects.select_related("test").order_by("-started_at", "-pk"))
        )
        .filter(pk=participant_id)
        .first()
    )
    if participant is None:
        raise not_found("Participant not found")
    return participant


def mail_states(assignment_ids: list[int]) -> dict[int, OutgoingMail]:
    """Return {assignment id: its newest mail}; one query."""
    rows = OutgoingMail.objects.filter(
        object_type="sessions_app.testassignment", object_id__in=assignment_ids
    ).order_by("pk")
    return {row.object_id: row for row in rows if row.object_id is not None}


def participant_export_rows(participants: QuerySet[Participant]) -> QuerySet[Participant, tuple[Any, ...]]:
    """Return (name, address, company, created, banned, assignments, completed ones) of each; one query for all."""
    return (
        participants.select_related(None)
        .prefetch_related(None)
        .annotate(
            assigned=Count("assignments"),
            completed=Count("assignments", filter=Q(assignments__completed_at__isnull=False)),
        )
        .values_list("name", "email", "company__name", "created_at", "banned_at", "assigned", "completed")
    )
