"""What the server notices itself: other devices, and unbelievable times."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from anticheat.models import CheatDetection
from anticheat.services import devices
from anticheat.services.anomalies import on_session_completed
from anticheat.tests.factories import BROWSER, HOME_IP, answer_all, make_sitting
from cbt.kernel.events import SessionCompleted, subscriptions
from sessions_app.models import ParticipantBan, SessionEvent
from tests.support import counted_queries, data_of, error_of

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def ticking():
    with time_machine.travel(START, tick=False) as clock:
        yield clock


def log(api, sitting, kind="right_click", *, ip=HOME_IP, browser=BROWSER):
    return api.post(
        f"{sitting.path}/cheat/log", {"detection_type": kind}, headers={"User-Agent": browser}, REMOTE_ADDR=ip
    )


def at_home(**test):
    return make_sitting(ip=HOME_IP, user_agent=BROWSER, **test)


def noticed():
    return CheatDetection.objects.filter(source="server").order_by("id")


def test_device__when_same_as_at_start__then_nothing_and_no_query(api):
    sitting, unnoted = at_home(), make_sitting()
    with counted_queries() as same:
        data_of(log(api, sitting, ip="198.51.100.250"))
    with counted_queries() as unknown:
        data_of(log(api, unnoted))
    assert not noticed().exists()
    assert len(same) == len(unknown)


def test_device__when_only_the_network_changes__then_shown_and_never_counted(api, ticking):
    sitting = at_home()
    for third in range(8):
        data_of(log(api, sitting, ip=f"203.0.{third}.9"))
        ticking.shift(timedelta(milliseconds=100))  # one act of right_click
    rows = list(noticed())
    assert [(row.detection_type, row.severity, row.is_counted) for row in rows] == [("multiple_devices", 1, False)] * 8
    assert sitting.fresh().status == "in_progress"


def test_device__when_another_browser_comes__then_counted(api):
    sitting = at_home()
    assert data_of(log(api, sitting, browser="Chrome/140"))["session_status"] == "in_progress"
    row = noticed().get()
    assert (row.severity, row.is_counted, row.claimed_severity) == (3, True, None)
    assert row.detection_data == {"change": "browser", "network": "198.51.100.0/24", "user_agent": "Chrome/140"}
    event = SessionEvent.objects.filter(kind="cheat_reported").last()
    assert event.payload["source"] == "server"


def test_device__when_seen_again__then_noted_once(api, ticking):
    sitting = at_home()
    for _ in range(2):
        data_of(log(api, sitting, browser="Chrome/140"))
        data_of(log(api, sitting, browser="Chrome/140", ip="203.0.113.1"))
        data_of(log(api, sitting))
    assert [row.detection_data["change"] for row in noticed()] == ["browser", "address"]


def test_device__when_third_other_browser_comes__then_banned(api, ticking):
    sitting = at_home()
    seen = []
    for browser in ("A", "B", "C"):
        seen.append(data_of(log(api, sitting, browser=browser))["session_status"])
        ticking.shift(timedelta(seconds=3))
        CheatDetection.objects.filter(source="client").delete()
    assert seen == ["in_progress", "in_progress", "banned"]
    assert sitting.fresh().ban_reason == "Multiple cheat detections of same type"
    assert ParticipantBan.objects.count() == 1


def test_device__when_browsers_rotate_for_ever__then_no_more_than_the_limit(api, ticking, monkeypatch):
    monkeypatch.setattr(devices, "DEVICES_PER_SESSION", 4)
    sitting = at_home(cheat_policy="flag")
    for number in range(7):
        data_of(log(api, sitting, browser=f"B{number}"))
    assert noticed().count() == 4


def test_device__when_taker_lists_detections__then_network_and_browser_are_left_out(api):
    sitting = at_home()
    data_of(log(api, sitting, browser="Chrome/140"))
    newest = data_of(api.get(f"{sitting.path}/cheat/detections"))[0]
    assert newest["type"] == "multiple_devices"
    assert newest["detection_data"] == {"change": "browser"}


def test_device__when_browser_name_is_endless__then_cut_as_the_session_does(api):
    sitting = make_sitting(ip=HOME_IP, user_agent="x" * 5000)
    data_of(log(api, sitting, browser="x" * 400))
    assert not noticed().exists()


def test_anomaly__when_too_fast__then_flagged_never_banned(api, ticking):
    sitting = make_sitting(question_count=6)
    answer_all(sitting, 6)
    ticking.shift(timedelta(seconds=1079))
    assert data_of(api.post(f"{sitting.path}/submit"))["status"] == "completed"
    row = noticed().get()
    assert (row.detection_type, row.severity) == ("time_anomaly", 3)
    assert row.detection_data == {"time_spent": 1079, "expected_min_time": 1080, "anomaly_type": "too_fast"}
    session = sitting.fresh()
    assert (session.status, session.is_flagged) == ("completed", True)
    assert not ParticipantBan.objects.exists()


def test_anomaly__when_it_would_be_the_third__then_still_completed(api, ticking):
    sitting = make_sitting(question_count=6)
    answer_all(sitting, 6)
    for _ in range(2):
        data_of(log(api, sitting, "time_anomaly"))
        ticking.shift(timedelta(seconds=10))
    assert data_of(api.post(f"{sitting.path}/submit"))["status"] == "completed"
    assert sitting.fresh().status == "completed"
    assert not ParticipantBan.objects.exists()


@pytest.mark.parametrize(
    ("test", "answers", "seconds"),
    [
        ({"question_count": 6}, 6, 1080),
        ({"question_count": 6}, 5, 10),
        ({"question_count": 6, "duration_minutes": 0}, 6, 10),
        ({"question_count": 4}, 4, 10),
        ({"question_count": 0}, 0, 10),
        ({"question_count": 6}, 6, 3629),
    ],
)
def test_anomaly__when_time_is_believable__then_nothing(api, ticking, test, answers, seconds):
    sitting = make_sitting(**test)
    answer_all(sitting, answers)
    ticking.shift(timedelta(seconds=seconds))
    data_of(api.post(f"{sitting.path}/submit"))
    assert not noticed().exists()
    assert sitting.fresh().is_flagged is False


def test_anomaly__when_answers_were_cleared__then_not_answered(api, ticking):
    sitting = make_sitting(question_count=6)
    answer_all(sitting, 6)
    data_of(api.post(f"{sitting.path}/save-answers", {"answers": {"q0": None}}))
    data_of(api.post(f"{sitting.path}/submit"))
    assert not noticed().exists()


def test_anomaly__when_told_twice__then_noted_once(api):
    sitting = make_sitting(question_count=6)
    answer_all(sitting, 6)
    data_of(api.post(f"{sitting.path}/submit"))
    data_of(api.post(f"{sitting.path}/submit"))
    on_session_completed(SessionCompleted(sitting.session.pk))
    assert noticed().count() == 1


def test_anomaly__when_session_runs_out__then_nothing_and_closed(api, ticking):
    sitting = make_sitting(question_count=6)
    answer_all(sitting, 6)
    ticking.shift(timedelta(seconds=4000))
    error_of(log(api, sitting), 400, "SESSION_NOT_IN_PROGRESS")
    assert not noticed().exists()


def test_subscription__when_app_is_ready__then_submits_are_looked_at():
    assert "anticheat.services.anomalies.on_session_completed" in subscriptions()["SessionCompleted"]
