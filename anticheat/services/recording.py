"""Writing one detection and doing what follows from it, under the session's row lock."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import F

from anticheat.engine.policy import Decision, Sighting, decide, is_same_act
from anticheat.models import CheatDetection
from anticheat.selectors.detections import Stored, cheat_policy_of, unresolved
from anticheat.states import Action, DetectionSource, DetectionType
from cbt.kernel.actor import SYSTEM
from sessions_app.models import ExamSession
from sessions_app.services.events import event_append
from sessions_app.services.sessions import session_ban, session_flag, session_pause
from sessions_app.states import EventKind

DETECTIONS_PER_SESSION = 500


@dataclass(frozen=True, slots=True)
class Noticed:
    """One act to be written. severity: what it weighs, after the floor."""

    type: DetectionType
    data: dict[str, object]
    severity: int
    at: datetime
    source: DetectionSource
    claimed_severity: int | None = None
    client_at: datetime | None = None
    is_counted: bool = True
    server_key: str | None = None
    remark: dict[str, object] = field(default_factory=dict)

    @property
    def sighting(self) -> Sighting:
        """Return what the rules look at."""
        return Sighting(self.type, self.at, self.severity, self.is_counted)


def record(*, session: ExamSession, noticed: Noticed, stored: list[Stored]) -> CheatDetection:
    """Write a detection and its event, or count it in where the session's room is full.

    session: locked.  stored: what `stored_sightings` found under that lock.
    The last places are kept for types not seen yet, so that none of them is lost to a flood of another.
    """
    is_full = len(stored) >= DETECTIONS_PER_SESSION - len(DetectionType)
    alike = [row for row in stored if row.sighting.type == noticed.type]
    if is_full and alike:
        return _count_in(alike[-1].id, noticed.severity)
    detection = CheatDetection.objects.create(
        session_id=session.pk,
        detection_type=noticed.type,
        detection_data=noticed.data,
        claimed_severity=noticed.claimed_severity,
        severity=noticed.severity,
        source=noticed.source,
        is_counted=noticed.is_counted,
        duplicate_of_id=_same_act(stored, noticed),
        server_key=noticed.server_key,
        created_at=noticed.at,
    )
    event_append(
        session=session, kind=EventKind.CHEAT_REPORTED, payload=_payload(detection, noticed), now=noticed.at,
        client_at=noticed.client_at,
    )  # fmt: skip
    return detection


def _same_act(stored: list[Stored], noticed: Noticed) -> int | None:
    newest = noticed.sighting
    return next((row.id for row in reversed(stored) if is_same_act(row.sighting, newest)), None)


def _payload(detection: CheatDetection, noticed: Noticed) -> dict[str, object]:
    return {
        "detection_id": detection.pk,
        "detection_type": noticed.type.value,
        "detection_data": noticed.data,
        "claimed_severity": noticed.claimed_severity,
        "severity": noticed.severity,
        "source": noticed.source.value,
        **noticed.remark,
    }


def _count_in(detection_id: int, severity: int) -> CheatDetection:
    """Count a report on the newest row of its type; that row weighs as much as the heaviest of them."""
    detection = CheatDetection.objects.get(pk=detection_id)
    detection.severity = max(detection.severity, severity)
    detection.repeat_count += 1
    CheatDetection.objects.filter(pk=detection_id).update(
        severity=detection.severity, repeat_count=F("repeat_count") + 1
    )
    return detection


def judge(*, session: ExamSession, noticed: Noticed, stored: list[Stored]) -> Decision:
    """Return what follows from the newest detection of a locked session by its test's policy."""
    newest = noticed.sighting
    return decide(cheat_policy_of(session), [*unresolved(stored), newest], newest)


def act(*, session: ExamSession, decision: Decision, now: datetime) -> None:
    """Do what was decided to a locked, open session; participant and assignment are locked too, as a ban needs."""
    if decision.action is Action.BAN:
        session_ban(session=session, reason=decision.reason, now=now, actor=SYSTEM)
    elif decision.action is Action.FLAG:
        session_flag(session=session)
    elif decision.action is Action.PAUSE:
        session_pause(session=session, reason=decision.reason, now=now)
