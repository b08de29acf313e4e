"""Reports of the taker's browser, and staff's answer to them."""

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction

from anticheat.engine.policy import broken_rule, severity_of
from anticheat.models import CheatDetection
from anticheat.selectors.detections import detection_for, stored_sightings, unresolved
from anticheat.services.devices import device_seen
from anticheat.services.recording import Noticed, act, judge, record
from anticheat.states import DetectionSource, DetectionType
from cbt.kernel import audit
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode
from cbt.kernel.ids import hash_token
from sessions_app.models import ExamSession
from sessions_app.services.locks import lock_session
from sessions_app.services.sessions import session_close_if_late, session_flag, session_lock_open
from sessions_app.states import SessionStatus


@dataclass(frozen=True, slots=True)
class Logged:
    """Outcome of a report: its detection (or the one it was counted in), and the session as it is now."""

    detection: CheatDetection
    session: ExamSession


def cheat_log(
    *,
    token: str,
    detection_type: DetectionType,
    detection_data: dict[str, object],
    severity: int | None,
    now: datetime,
    ip: str = "",
    user_agent: str = "",
) -> Logged:
    """Store one report of the taker's browser and do what the rules say: count, decide and ban under one lock.

    detection_data: JSON object, at most 8 KiB.  severity: 1 to 5 as the client claims, None for nothing said.
    Raises NOT_FOUND, BANNED, SESSION_NOT_IN_PROGRESS, SESSION_PAUSED. A report that was on the wire while its
    session was submitted is refused as every late write is, but kept (see `_keep_late`).
    Source: primary contract 5.1; details 6, W-36, W-55.
    """
    noticed = Noticed(
        type=detection_type,
        data=detection_data,
        severity=severity_of(detection_type, severity),
        claimed_severity=severity,
        at=now,
        source=DetectionSource.CLIENT,
        client_at=_client_time(detection_data),
    )
    try:
        with transaction.atomic():
            session = session_lock_open(token, now=now, may_ban=True)
            return _log(session, noticed, ip, user_agent)
    except DomainError as refusal:
        if refusal.code is ErrorCode.SESSION_NOT_IN_PROGRESS:
            session_close_if_late(token=token, now=now)
            _keep_late(token, noticed)
        raise


def _log(session: ExamSession, noticed: Noticed, ip: str, user_agent: str) -> Logged:
    stored = stored_sightings(session.pk)
    detection = record(session=session, noticed=noticed, stored=stored)
    decision = judge(session=session, noticed=noticed, stored=stored)
    act(session=session, decision=decision, now=noticed.at)
    device_seen(session=session, ip=ip, user_agent=user_agent, now=noticed.at)
    return Logged(detection, session)


def _keep_late(token: str, noticed: Noticed) -> None:
    """Keep a report that lost the race against a submit.

    What was committed stays: the session is completed and is never turned into a banned one. Within the grace
    after the submit the report is stored, and where it would have broken a rule the session is flagged, so
    that submitting first does not hide an act. A race test holds both orders.
    """
    with transaction.atomic():
        session = lock_session(token_hash=hash_token(token))
        if session is None or session.status != SessionStatus.COMPLETED or session.completed_at is None:
            return
        if noticed.at > session.completed_at + timedelta(seconds=session.grace_seconds):
            return
        stored = stored_sightings(session.pk)
        record(session=session, noticed=noticed, stored=stored)
        if broken_rule([*unresolved(stored), noticed.sighting], noticed.sighting):
            session_flag(session=session)


def _client_time(data: dict[str, object]) -> datetime | None:
    """Return the client's own time of the act, None when it sent none that can be read. A claim, kept as one."""
    text = data.get("timestamp")
    if isinstance(text, str) and len(text) <= 40:
        with contextlib.suppress(ValueError, OverflowError):
            moment = datetime.fromisoformat(text)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


@transaction.atomic
def detection_resolve(*, session_id: int, detection_id: int, note: str, now: datetime, actor: Actor) -> CheatDetection:
    """Take a detection out of the count: a person has looked at it. A second time changes nothing.

    A ban that has happened stays; lifting it is another act. Raises NOT_FOUND, also for a foreign session.
    """
    detection = detection_for(actor, session_id, detection_id)
    # The lock of the session gives resolving and counting an order.
    session = lock_session(pk=session_id)
    changed = CheatDetection.objects.filter(pk=detection.pk, is_resolved=False).update(
        is_resolved=True, resolved_at=now, resolved_by_id=actor.id, resolve_note=note
    )
    if changed:
        audit.record(
            "anticheat.detection.resolved",
            actor=actor,
            obj=detection,
            company_id=session.company_id if session else None,
            session_id=session_id,
            note=note,
        )
    detection.refresh_from_db()
    return detection
