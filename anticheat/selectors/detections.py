"""Reads of what was noticed in a session."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from anticheat.engine.devices import Device, device_of
from anticheat.engine.policy import Sighting
from anticheat.models import CheatDetection
from anticheat.states import DetectionType
from catalog.models import Test
from catalog.selectors.versions import version_load
from cbt.kernel.actor import Actor
from cbt.kernel.errors import not_found
from sessions_app.models import ExamSession
from sessions_app.selectors.sessions import session_for, session_get_by_token


@dataclass(frozen=True, slots=True)
class Stored:
    """What the rules need to know of one stored detection."""

    id: int
    sighting: Sighting
    is_resolved: bool


def detections_by_token(token: str) -> tuple[ExamSession, list[CheatDetection]]:
    """Return the taker's session and what was noticed in it, newest first. Raises NOT_FOUND.

    The person watched may see this because the contract says so (5.2).
    """
    session = session_get_by_token(token)
    return session, list(detections_of(session))


def detections_of(session: ExamSession) -> QuerySet[CheatDetection]:
    """Return the detections of a session, newest first."""
    return CheatDetection.objects.filter(session_id=session.pk).order_by("-created_at", "-pk")


def detections_for(actor: Actor, session_id: int) -> QuerySet[CheatDetection]:
    """Return the detections of a session staff may see, newest first. Raises NOT_FOUND, also for a foreign one."""
    return detections_of(session_for(actor, session_id))


def detection_for(actor: Actor, session_id: int, detection_id: int) -> CheatDetection:
    """Return one detection of a session staff may see. Raises NOT_FOUND, also for a foreign one."""
    detection = detections_for(actor, session_id).filter(pk=detection_id).first()
    if detection is None:
        raise not_found()
    return detection


def stored_sightings(session_id: int) -> list[Stored]:
    """Return what is stored of a session, resolved or not, oldest first. One query."""
    rows = (
        CheatDetection.objects.filter(session_id=session_id)
        .order_by("created_at", "pk")
        .values_list("pk", "detection_type", "created_at", "severity", "is_counted", "is_resolved")
    )
    return [
        Stored(pk, Sighting(DetectionType(kind), at, severity, is_counted), is_resolved)
        for pk, kind, at, severity, is_counted, is_resolved in rows
    ]


def unresolved(stored: Sequence[Stored]) -> list[Sighting]:
    """Return what counts: resolved detections do not."""
    return [row.sighting for row in stored if not row.is_resolved]


def cheat_policy_of(session: ExamSession) -> str:
    """Return what the test makes of a broken rule: as frozen with the paper, or the test's where there is no bank."""
    if session.version_id is not None:
        return str(version_load(session.version_id).settings.cheat_policy)
    return Test.objects.values_list("cheat_policy", flat=True).get(pk=session.test_id)


def start_device(session: ExamSession) -> Device | None:
    """Return the device a session was started on, None when it was not noted."""
    return device_of(session.start_ip, session.start_user_agent)


def devices_noticed(session_id: int) -> list[Device]:
    """Return the other devices the server has noted for a session."""
    rows = CheatDetection.objects.filter(session_id=session_id, server_key__startswith="device:")
    return [Device(data["network"], data["user_agent"]) for data in rows.values_list("detection_data", flat=True)]
