"""Writing and lifting bans of participants (inside a caller's transaction, under the participant's lock)."""

from datetime import datetime

from accounts.services.candidates import candidate_ban
from cbt.kernel import audit
from cbt.kernel.actor import Actor
from sessions_app.models import Participant, ParticipantBan


def participant_ban_record(
    *, participant: Participant, reason: str, now: datetime, actor: Actor, session_id: int | None = None
) -> bool:
    """Mark a locked participant as banned; tell whether that was news. A second ban changes nothing."""
    if participant.banned_at is not None:
        return False
    participant.banned_at = participant.updated_at = now
    participant.save(update_fields=["banned_at", "updated_at"])
    if participant.user_id is not None:
        candidate_ban(user_id=participant.user_id, is_banned=True, now=now)
    ParticipantBan.objects.create(
        participant=participant, session_id=session_id, reason=reason[:1000], banned_by_id=actor.id, banned_at=now
    )
    audit.record(
        "sessions_app.participant.banned",
        actor=actor,
        obj=participant,
        company_id=participant.company_id,
        reason=reason[:1000],
        session_id=session_id,
    )
    return True


def participant_ban_lift(*, participant: Participant, now: datetime, actor: Actor) -> bool:
    """Lift the ban of a locked participant; tell whether there was one. Banned sessions stay banned."""
    if participant.banned_at is None:
        return False
    participant.banned_at = None
    participant.updated_at = now
    participant.save(update_fields=["banned_at", "updated_at"])
    if participant.user_id is not None:
        candidate_ban(user_id=participant.user_id, is_banned=False, now=now)
    ParticipantBan.objects.filter(participant=participant, lifted_at__isnull=True).update(
        lifted_at=now, lifted_by_id=actor.id
    )
    audit.record("sessions_app.participant.unbanned", actor=actor, obj=participant, company_id=participant.company_id)
    return True
