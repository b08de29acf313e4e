"""Noticing that a session is being taken from another device."""

from datetime import datetime

from django.db import transaction

from anticheat.engine.devices import Change, Device, change, device_of
from anticheat.engine.policy import severity_of
from anticheat.models import CheatDetection
from anticheat.selectors.detections import devices_noticed, start_device, stored_sightings
from anticheat.services.recording import Noticed, act, judge, record
from anticheat.states import MIN_SEVERITY, DetectionSource, DetectionType
from cbt.kernel.ids import hash_token
from sessions_app.models import ExamSession
from sessions_app.services.closing import is_late
from sessions_app.services.locks import lock_chain

DEVICES_PER_SESSION = 20


def is_other_device(session: ExamSession, *, ip: str, user_agent: str) -> bool:
    """Tell without a query whether a request comes from elsewhere than the start did; False when either is unknown."""
    first, seen = start_device(session), device_of(ip, user_agent)
    return first is not None and seen is not None and seen != first


def device_check(*, session: ExamSession, token: str, ip: str, user_agent: str, now: datetime) -> None:
    """Note where a request about an open session comes from; nothing is locked while that is where it was started.

    Where the session has ended meanwhile there is nothing to note and nothing to refuse: what the request asks for
    decides, and handing in twice at once is answered alike.
    """
    if session.is_open and session.paused_at is None and is_other_device(session, ip=ip, user_agent=user_agent):
        with transaction.atomic():
            locked = lock_chain(hash_token(token), with_participant=True)
            if locked is not None and not is_late(locked, now):
                device_seen(session=locked, ip=ip, user_agent=user_agent, now=now)


def device_seen(*, session: ExamSession, ip: str, user_agent: str, now: datetime) -> CheatDetection | None:
    """Note a device the session has not been seen on, once per network and browser; None when there is nothing new.

    Another browser weighs 3 and counts as any detection does, up to the ban. Another network of a browser that
    is known weighs 1 and never counts: phones change their address all day. Nothing is noted for a session
    that has ended or is paused, or whose start was not noted, nor beyond 20 devices.
    session: locked together with what a ban touches (`lock_chain`). Costs no query while the device is that of the
    start.
    Source: decision "multiple_devices is detected by the server".
    """
    first, seen = start_device(session), device_of(ip, user_agent)
    if first is None or seen is None or seen == first or not session.is_open or session.paused_at is not None:
        return None
    known = devices_noticed(session.pk)
    kind = change(known=[first, *known], seen=seen)
    if kind is None or len(known) >= DEVICES_PER_SESSION:
        return None
    return _notice(session, seen, kind, now)


def _notice(session: ExamSession, seen: Device, kind: Change, now: datetime) -> CheatDetection:
    is_browser = kind is Change.BROWSER
    detection_type = DetectionType.MULTIPLE_DEVICES
    noticed = Noticed(
        type=detection_type,
        data={"change": kind.value, "network": seen.network, "user_agent": seen.user_agent},
        severity=severity_of(detection_type, None) if is_browser else MIN_SEVERITY,
        at=now,
        source=DetectionSource.SERVER,
        is_counted=is_browser,
        server_key=seen.key,
    )
    stored = stored_sightings(session.pk)
    detection = record(session=session, noticed=noticed, stored=stored)
    act(session=session, decision=judge(session=session, noticed=noticed, stored=stored), now=now)
    return detection
