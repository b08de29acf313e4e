"""POST test-session/{token}/cheat/log: contract shape, floors, rules, policies, limits."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from anticheat.models import CheatDetection
from anticheat.services import recording
from anticheat.tests.factories import make_assignment, make_buyer_sitting, make_sitting
from cbt.kernel.models import AuditEvent
from sessions_app.models import ParticipantBan, SessionEvent
from sessions_app.services.sessions import Origin, session_continue, session_start
from tenants.tests.factories import super_actor
from tests.support import counted_queries, data_of, error_of

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def ticking():
    with time_machine.travel(START, tick=False) as clock:
        yield clock


def log(api, sitting, kind="tab_switch", **body):
    return api.post(f"{sitting.path}/cheat/log", {"detection_type": kind, **body})


def later(ticking, seconds=10):
    ticking.shift(timedelta(seconds=seconds))


def test_log__when_contract_request_is_sent__then_contract_answer(api):
    sitting = make_sitting()
    response = api.post(
        f"{sitting.path}/cheat/log",
        {
            "detection_type": "tab_switch",
            "detection_data": {
                "timestamp": "2024-01-01T00:10:00Z", "details": "User switched tabs",
                "target_url": "https://google.com",
            },
            "severity": 2,
        },
    )  # fmt: skip
    body = response.json()
    detection = CheatDetection.objects.get()
    assert body == {
        "success": True,
        "message": "Cheat event logged successfully",
        "status_code": 200,
        "data": {
            "detection": {
                "id": detection.pk, "type": "tab_switch", "severity": 2, "created_at": "2026-03-02T09:00:00Z",
            },
            "session_status": "in_progress",
            "server_time": "2026-03-02T09:00:00Z",
            "remaining_seconds": 3600,
        },
    }  # fmt: skip
    assert detection.detection_data["target_url"] == "https://google.com"
    assert (detection.source, detection.claimed_severity, detection.is_counted) == ("client", 2, True)
    event = SessionEvent.objects.get(kind="cheat_reported")
    assert event.client_at == datetime(2024, 1, 1, 0, 10, tzinfo=UTC)
    assert event.payload == {
        "detection_id": detection.pk, "detection_type": "tab_switch", "detection_data": detection.detection_data,
        "claimed_severity": 2, "severity": 2, "source": "client",
    }  # fmt: skip


@pytest.mark.parametrize("body", [{}, {"detection_data": None, "severity": None}, {"detection_data": ""}])
def test_log__when_only_type_is_sent__then_floor_and_empty_data(api, body):
    data = data_of(log(api, make_sitting(), "copy_paste", **body))
    assert data["detection"]["severity"] == 3
    assert CheatDetection.objects.get().detection_data == {}


@pytest.mark.parametrize(("claimed", "stored"), [(1, 3), (3, 3), (4, 4), ("4", 4)])
def test_log__when_severity_is_claimed__then_raised_never_lowered(api, claimed, stored):
    assert data_of(log(api, make_sitting(), "copy_paste", severity=claimed))["detection"]["severity"] == stored


@pytest.mark.parametrize(
    ("body", "field", "text"),
    [
        ({"detection_type": "telepathy"}, "detection_type", "The selected detection type is invalid."),
        ({"detection_type": ["tab_switch"]}, "detection_type", "The selected detection type is invalid."),
        ({"detection_type": None}, "detection_type", "The detection type field is required."),
        ({"severity": 0}, "severity", "The severity must be between 1 and 5."),
        ({"severity": 6}, "severity", "The severity must be between 1 and 5."),
        ({"severity": -1}, "severity", "The severity must be between 1 and 5."),
        ({"severity": "high"}, "severity", "The severity must be an integer."),
        ({"severity": True}, "severity", "The severity must be an integer."),
        ({"severity": 2.5}, "severity", "The severity must be an integer."),
        ({"severity": "1" * 2000}, "severity", "The severity must be between 1 and 5."),
        ({"detection_data": "text"}, "detection_data", "The detection data must be an object."),
        ({"detection_data": [1]}, "detection_data", "The detection data must be an object."),
        (
            {"detection_data": {"a": "x" * 8192}},
            "detection_data",
            "The detection data must not be greater than 8 kilobytes.",
        ),
    ],
)
def test_log__when_field_is_wrong__then_422_and_nothing_is_stored(api, body, field, text):
    sitting = make_sitting()
    body = error_of(
        api.post(f"{sitting.path}/cheat/log", {"detection_type": "tab_switch", **body}), 422, "VALIDATION_ERROR"
    )
    assert body["errors"] == {field: [text]}
    assert not CheatDetection.objects.exists()


def test_log__when_type_is_missing__then_422(api):
    body = error_of(api.post(f"{make_sitting().path}/cheat/log", {}), 422, "VALIDATION_ERROR")
    assert body["errors"] == {"detection_type": ["The detection type field is required."]}


def test_log__when_data_is_just_8_kib__then_taken(api):
    data_of(log(api, make_sitting(), detection_data={"a": "x" * (8192 - len('{"a":""}'))}))


@pytest.mark.parametrize("stamp", ["yesterday", "0001-01-01T00:00:00+14:00", 7, {"a": 1}, "2026-13-01", "x" * 5000])
def test_log__when_client_time_cannot_be_read__then_left_out(api, stamp):
    data_of(log(api, make_sitting(), detection_data={"timestamp": stamp}))
    assert SessionEvent.objects.get(kind="cheat_reported").client_at is None


def test_log__when_token_is_unknown__then_404(api):
    body = error_of(
        api.post("/api/test-session/SESSION-NOBODY/cheat/log", {"detection_type": "tab_switch"}), 404, "NOT_FOUND"
    )
    assert body["message"] == "Resource not found"


def test_log__when_severity_is_five__then_banned_once_and_for_good(api):
    sitting = make_sitting()
    assert data_of(log(api, sitting, severity=5))["session_status"] == "banned"
    session = sitting.fresh()
    assert (session.status, session.ban_reason) == ("banned", "High severity cheat detection")
    ban = ParticipantBan.objects.get()
    assert (ban.participant_id, ban.session_id, ban.reason) == (
        session.participant_id, session.pk, "High severity cheat detection",
    )  # fmt: skip
    assert session.participant.banned_at == START
    assert AuditEvent.objects.filter(action="sessions_app.session.banned").count() == 1
    for path in ("cheat/log", "save-answers", "submit", "update-time"):
        payload = {"detection_type": "tab_switch", "answers": {}}
        body = error_of(api.post(f"{sitting.path}/{path}", payload), 403, "BANNED")
        assert body["message"] == "You have been banned from taking tests"
    assert CheatDetection.objects.count() == 1


def test_log__when_banned__then_other_open_sessions_end_too(api):
    first = make_sitting()
    second = make_sitting(participant=first.session.participant)
    data_of(log(api, first, severity=5))
    assert second.fresh().status == "banned"


def test_log__when_third_of_a_type__then_banned(api, ticking):
    sitting = make_sitting()
    seen = []
    for _ in range(3):
        seen.append(data_of(log(api, sitting))["session_status"])
        later(ticking)
    assert seen == ["in_progress", "in_progress", "banned"]
    assert sitting.fresh().ban_reason == "Multiple cheat detections of same type"


def test_log__when_ten_of_five_types__then_banned(api, ticking):
    sitting = make_sitting()
    seen = []
    for kind in ["tab_switch", "keyboard_shortcut", "right_click", "copy_paste", "time_anomaly"] * 2:
        seen.append(data_of(log(api, sitting, kind))["session_status"])
        later(ticking)
    assert seen == ["in_progress"] * 9 + ["banned"]
    assert sitting.fresh().ban_reason == "Excessive cheat detections"


def test_log__when_reports_of_one_act_repeat__then_counted_once(api, ticking):
    sitting = make_sitting()
    for _ in range(2):
        for kind in ("tab_switch", "window_blur", "tab_switch"):
            assert data_of(log(api, sitting, kind))["session_status"] == "in_progress"
        later(ticking)
    assert CheatDetection.objects.count() == 6
    assert CheatDetection.objects.filter(duplicate_of__isnull=False).count() == 4
    assert data_of(log(api, sitting))["session_status"] == "banned"


def test_log__when_exactly_two_seconds_apart__then_one_act_and_beyond_two(api, ticking):
    sitting = make_sitting()
    for seconds in (2, 3, 3):
        data_of(log(api, sitting))
        later(ticking, seconds)
    assert sitting.fresh().status == "in_progress"  # at 0 and 2: one act; at 5: the second
    assert data_of(log(api, sitting))["session_status"] == "banned"


def test_log__when_another_session_was_suspicious__then_never_counted_across(api, ticking):
    first, second = make_sitting(), make_sitting()
    for _ in range(2):
        data_of(log(api, first))
        later(ticking)
    assert data_of(log(api, second))["session_status"] == "in_progress"


def test_log__when_private_buyer_is_banned__then_only_the_session(api):
    sitting = make_buyer_sitting()
    assert data_of(log(api, sitting, severity=5))["session_status"] == "banned"
    assert not ParticipantBan.objects.exists()


def test_log__when_policy_is_flag__then_flagged_and_goes_on(api):
    sitting = make_sitting(cheat_policy="flag")
    assert data_of(log(api, sitting, severity=5))["session_status"] == "in_progress"
    session = sitting.fresh()
    assert (session.status, session.is_flagged) == ("in_progress", True)
    assert not ParticipantBan.objects.exists()
    assert data_of(log(api, sitting))["session_status"] == "in_progress"


def test_log__when_policy_is_pause__then_clock_stops_until_staff_goes_on(api, ticking):
    sitting = make_sitting(cheat_policy="pause")
    later(ticking, 600)
    data = data_of(log(api, sitting, severity=5))
    assert (data["session_status"], data["remaining_seconds"]) == ("in_progress", 3000)
    assert sitting.fresh().paused_at == START + timedelta(seconds=600)
    later(ticking, 60)
    error_of(log(api, sitting), 400, "SESSION_PAUSED")
    session_continue(session_id=sitting.session.pk, now=START + timedelta(seconds=660), actor=super_actor())
    data = data_of(log(api, sitting))
    assert (data["session_status"], data["remaining_seconds"]) == ("in_progress", 3000)


def test_log__when_policy_of_the_test_changes__then_the_frozen_one_holds(api):
    sitting = make_sitting(cheat_policy="flag")
    test = sitting.session.test
    test.cheat_policy = "ban"
    test.save()
    assert data_of(log(api, sitting, severity=5))["session_status"] == "in_progress"


def test_log__when_submitted__then_400_and_report_on_the_wire_is_kept(api, ticking):
    sitting = make_sitting()
    data_of(api.post(f"{sitting.path}/submit"))
    later(ticking, 5)
    body = error_of(log(api, sitting, severity=5), 400, "SESSION_NOT_IN_PROGRESS")
    assert body["message"] == "Session is not in progress"
    session = sitting.fresh()
    assert (session.status, session.is_flagged) == ("completed", True)
    assert not ParticipantBan.objects.exists()
    assert CheatDetection.objects.count() == 1
    assert not SessionEvent.objects.filter(kind="banned").exists()


def test_log__when_late_report_breaks_no_rule__then_kept_without_flag(api, ticking):
    sitting = make_sitting()
    data_of(api.post(f"{sitting.path}/submit"))
    error_of(log(api, sitting), 400, "SESSION_NOT_IN_PROGRESS")
    assert sitting.fresh().is_flagged is False
    assert CheatDetection.objects.count() == 1


def test_log__when_long_submitted__then_400_and_nothing_is_kept(api, ticking):
    sitting = make_sitting()
    data_of(api.post(f"{sitting.path}/submit"))
    later(ticking, 31)
    error_of(log(api, sitting, severity=5), 400, "SESSION_NOT_IN_PROGRESS")
    assert sitting.fresh().is_flagged is False
    assert not CheatDetection.objects.exists()


def test_log__when_time_is_up__then_session_closes_itself_and_400(api, ticking):
    sitting = make_sitting()
    later(ticking, 3631)
    error_of(log(api, sitting, severity=5), 400, "SESSION_NOT_IN_PROGRESS")
    session = sitting.fresh()
    assert (session.status, session.submitted_by, session.is_flagged) == ("completed", "timer", False)


def test_log__when_room_is_full__then_answered_and_counted_not_stored(api, ticking, monkeypatch):
    monkeypatch.setattr(recording, "DETECTIONS_PER_SESSION", 10)  # 3, and one place for each of 7 types
    sitting = make_sitting(cheat_policy="flag")
    answers = []
    for _ in range(6):
        answers.append(data_of(log(api, sitting))["detection"]["id"])
        later(ticking)
    rows = list(CheatDetection.objects.order_by("id"))
    assert [row.repeat_count for row in rows] == [0, 0, 3]
    assert answers[2:] == [rows[2].pk] * 4
    assert SessionEvent.objects.filter(kind="cheat_reported").count() == 3
    assert data_of(log(api, sitting, "copy_paste"))["detection"]["type"] == "copy_paste"
    assert CheatDetection.objects.count() == 4


def test_log__when_room_is_full_and_severity_is_five__then_banned_all_the_same(api, monkeypatch):
    monkeypatch.setattr(recording, "DETECTIONS_PER_SESSION", 8)
    sitting = make_sitting()
    data_of(log(api, sitting))
    data = data_of(log(api, sitting, severity=5))
    assert (data["session_status"], data["detection"]["severity"]) == ("banned", 5)
    assert CheatDetection.objects.count() == 1


def test_log__when_many_are_stored__then_as_few_statements_as_at_first(api, ticking):
    sitting = make_sitting(cheat_policy="flag")
    data_of(log(api, sitting))
    later(ticking)
    with counted_queries() as few:
        data_of(log(api, sitting, "copy_paste"))
    for _ in range(40):
        later(ticking)
        data_of(log(api, sitting))
    later(ticking)
    with counted_queries() as many:
        data_of(log(api, sitting, "right_click"))
    assert len(few) == len(many) <= 9, "\n".join(many)


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"{", 400, "INVALID_PAYLOAD"),
        (b"[]", 400, "INVALID_PAYLOAD"),
        (b'{"detection_type":"\\u0000"}', 400, "INVALID_PAYLOAD"),
    ],
)
def test_log__when_body_is_no_object__then_400(api, raw, status, code):
    error_of(api.post(f"{make_sitting().path}/cheat/log", raw=raw), status, code)


def test_log__when_started_again_after_unban__then_old_detections_do_not_count(api, ticking):
    sitting = make_sitting()
    for _ in range(2):
        data_of(log(api, sitting))
        later(ticking)
    again = make_assignment(sitting.session.participant, sitting.session.test)
    started = session_start(assignment=again, now=START + timedelta(seconds=20), origin=Origin())
    body = api.post(f"/api/test-session/{started.token}/cheat/log", {"detection_type": "tab_switch"})
    assert data_of(body)["session_status"] == "in_progress"
