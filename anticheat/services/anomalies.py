"""Looking at the time a session took, when it is submitted."""

from datetime import datetime

from anticheat.engine.anomaly import TimeAnomaly, time_anomaly
from anticheat.engine.policy import severity_of
from anticheat.models import CheatDetection
from anticheat.selectors.detections import stored_sightings
from anticheat.services.recording import Noticed, record
from anticheat.states import DetectionSource, DetectionType
from catalog.selectors.versions import version_load
from cbt.kernel import clock
from cbt.kernel.events import SessionCompleted
from sessions_app.models import ExamSession
from sessions_app.services.sessions import session_flag

SERVER_KEY = "time"


def on_session_completed(event: SessionCompleted) -> None:
    """Note a session that was submitted unbelievably fast or slowly, and ask a person to look.

    Runs inside the submit's transaction, under its lock. A submit that is committed stays one: whatever the
    anomaly weighs, the session is flagged and never turned into a banned one. Its answers were saved under
    the server's clock, and a person decides. Source: details 6; decision "time anomalies at submit".
    """
    session = ExamSession.objects.select_related("test").get(pk=event.session_id)
    anomaly = _anomaly_of(session)
    if anomaly is None:
        return
    stored = stored_sightings(session.pk)
    if CheatDetection.objects.filter(session_id=session.pk, server_key=SERVER_KEY).exists():
        return
    record(session=session, noticed=_noticed(anomaly, clock.now()), stored=stored)
    session_flag(session=session)


def _anomaly_of(session: ExamSession) -> TimeAnomaly | None:
    test = session.test
    version = version_load(session.version_id) if session.version_id is not None else None
    return time_anomaly(
        duration_minutes=version.duration_minutes if version else test.duration_minutes,
        question_count=(len(version.questions) if version else 0) or test.question_count,
        spent_seconds=session.time_spent_seconds,
        answered_count=session.answers.filter(value__isnull=False).count(),
        extra_seconds=session.extra_seconds,
    )


def _noticed(anomaly: TimeAnomaly, now: datetime) -> Noticed:
    detection_type = DetectionType.TIME_ANOMALY
    return Noticed(
        type=detection_type,
        data=anomaly.data,
        severity=severity_of(detection_type, anomaly.severity),
        at=now,
        source=DetectionSource.SERVER,
        server_key=SERVER_KEY,
    )
