"""The participant flow over HTTP. Contract section 3."""

from datetime import timedelta

import pytest
import time_machine

from catalog.models import Test
from cbt.kernel import clock
from sessions_app.models import ExamSession, Participant, SessionEvent
from sessions_app.tests.factories import BIODATA, make_assignment, make_bank_test, make_participant, start_session
from tests.support import data_of, error_of

FORM = {**BIODATA, "additional_info": "Additional information"}


def test_assignment__when_open__then_documented_keys(api):
    assignment, token = make_assignment()
    response = api.get(f"/api/participant/assignment/{token}")
    data = data_of(response)
    assert response.json()["message"] == "Assignment retrieved successfully"
    assert set(data) == {"assignment", "test", "participant"}
    assert set(data["assignment"]) == {
        "id", "token", "start_date", "end_date", "is_completed", "completed_at", "time_remaining",
    }  # fmt: skip
    assert data["assignment"]["token"] == token
    assert data["assignment"]["is_completed"] is False
    assert 604_790 <= data["assignment"]["time_remaining"] <= 604_800
    assert data["assignment"]["end_date"] == clock.iso(assignment.end_at)
    assert set(data["test"]) == {
        "id", "name", "code", "description", "duration_minutes", "question_count", "type", "category",
    }  # fmt: skip
    assert data["test"]["question_count"] == 2
    assert data["participant"] == {
        "id": assignment.participant_id,
        "name": assignment.participant.name,
        "email": assignment.participant.email,
        "biodata": BIODATA,
    }
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["participant/assignments", "participant/biodata/status", "participant/instructions"])
def test_flow__when_token_is_missing_or_unknown__then_documented_errors(api, path):
    assert error_of(api.get(f"/api/{path}"), 400, "TOKEN_REQUIRED")["message"] == "Token is required"
    assert error_of(api.get(f"/api/{path}?token=NOPE"), 404, "INVALID_TOKEN")["message"] == "Invalid token"
    error_of(api.get(f"/api/{path}?token=%00"), 400, "INVALID_PAYLOAD")


def test_assignment__when_unknown_path_token__then_404(api):
    error_of(api.get("/api/participant/assignment/NOPE"), 404, "INVALID_TOKEN")


def test_flow__when_window_is_over_or_not_begun__then_403(api):
    assignment, token = make_assignment()
    with time_machine.travel(assignment.end_at + timedelta(seconds=1), tick=False):
        body = error_of(api.get(f"/api/participant/assignment/{token}"), 403, "ASSIGNMENT_EXPIRED")
        assert body["message"] == "Test assignment period has expired"
    with time_machine.travel(assignment.end_at, tick=False):
        data_of(api.get(f"/api/participant/assignment/{token}"))
    with time_machine.travel(assignment.start_at - timedelta(seconds=1), tick=False):
        body = error_of(api.get(f"/api/participant/assignment/{token}"), 403, "ASSIGNMENT_NOT_STARTED")
        assert body["details"] == {"start_date": clock.iso(assignment.start_at)}


def test_flow__when_banned_inactive_or_deleted__then_refused(api):
    assignment, token = make_assignment()
    person = assignment.participant
    Participant.objects.filter(pk=person.pk).update(banned_at=clock.now())
    body = error_of(api.get(f"/api/participant/assignment/{token}"), 403, "BANNED")
    assert body["message"] == "You have been banned from taking tests"
    Participant.objects.filter(pk=person.pk).update(banned_at=None)
    type(person.company).objects.filter(pk=person.company_id).update(is_active=False)
    error_of(api.get(f"/api/participant/assignment/{token}"), 403, "COMPANY_INACTIVE")
    Participant.objects.filter(pk=person.pk).update(deleted_at=clock.now())
    error_of(api.get(f"/api/participant/assignment/{token}"), 404, "INVALID_TOKEN")


def test_assignments__then_own_open_ones_with_token_on_top(api):
    participant = make_participant()
    now = clock.now()
    second, second_token = make_assignment(participant=participant, start_at=now - timedelta(minutes=5))
    first, token = make_assignment(participant=participant)
    make_assignment(participant=participant, completed_at=now)
    make_assignment(participant=participant, end_at=now - timedelta(minutes=1))
    make_assignment()
    data = data_of(api.get(f"/api/participant/assignments?token={token}"))
    assert [(item["token"], item["assignment"]["id"]) for item in data] == [
        (token, first.pk),
        (second_token, second.pk),
    ]
    assert set(data[0]) == {"token", "assignment", "test", "participant"}


def test_assignments__when_own_test_is_finished__then_the_rest_is_listed(api):
    participant = make_participant()
    _, done = make_assignment(participant=participant, completed_at=clock.now())
    other, _ = make_assignment(participant=participant)
    data = data_of(api.get(f"/api/participant/assignments?token={done}"))
    assert [item["assignment"]["id"] for item in data] == [other.pk]


def test_biodata__when_empty_then_filled_in__then_complete(api):
    participant = make_participant(biodata={})
    _, token = make_assignment(participant=participant)
    before = data_of(api.get(f"/api/participant/biodata/status?token={token}"))
    assert before == {"is_complete": False, "biodata": {"name": participant.name, "email": participant.email}}
    response = api.post(f"/api/participant/biodata/complete?token={token}", FORM)
    data = data_of(response)
    assert response.json()["message"] == "Biodata completed successfully"
    assert data["is_complete"] is True
    assert data["participant"] == {
        "id": participant.pk, "name": participant.name, "email": participant.email, "biodata": FORM,
    }  # fmt: skip
    assert data_of(api.get(f"/api/participant/biodata/status?token={token}")) == {"is_complete": True, "biodata": FORM}


def test_biodata__when_fields_are_wrong__then_422_names_each(api):
    participant = make_participant(biodata={})
    _, token = make_assignment(participant=participant)
    tomorrow = (clock.now() + timedelta(days=1)).date().isoformat()
    sent = {"email": "no", "phone": "1" * 21, "date_of_birth": tomorrow, "address": "x" * 501}
    body = error_of(api.post(f"/api/participant/biodata/complete?token={token}", sent), 422, "VALIDATION_ERROR")
    assert body["message"] == "The given data was invalid."
    assert body["errors"] == {
        "name": ["The name field is required."],
        "email": ["The email must be a valid email address."],
        "phone": ["The phone must not be greater than 20 characters."],
        "date_of_birth": ["The date of birth must be a date before today."],
        "address": ["The address must not be greater than 500 characters."],
    }
    participant.refresh_from_db()
    assert participant.biodata == {}


def test_instructions__then_documented_keys(api):
    assignment, token = make_assignment()
    data = data_of(api.get(f"/api/participant/instructions?token={token}"))
    assert set(data["test"]) == {
        "id", "name", "code", "description", "duration_minutes", "question_count", "category",
        "instruction_route", "test_route",
    }  # fmt: skip
    assert set(data["assignment"]) == {"id", "token", "start_date", "end_date", "time_remaining"}
    assert data["participant"] == {"name": assignment.participant.name, "email": assignment.participant.email}


def test_start__when_form_is_incomplete__then_403_and_no_session(api):
    _, token = make_assignment(participant=make_participant(biodata={}))
    error_of(api.post(f"/api/participant/session/start?token={token}"), 403, "BIODATA_REQUIRED")
    assert ExamSession.objects.count() == 0


def test_start__when_repeated__then_the_same_session(api):
    assignment, token = make_assignment()
    response = api.post(f"/api/participant/session/start?token={token}")
    data = data_of(response)
    assert response.json()["message"] == "Test session started successfully"
    assert set(data) == {"session", "server_time", "remaining_seconds"}
    assert set(data["session"]) == {"session_token", "test", "started_at", "deadline_at"}
    assert data["session"]["session_token"].startswith("SESSION-")
    assert len(data["session"]["session_token"]) == 40
    assert data["session"]["test"] == {
        "id": assignment.test_id, "name": assignment.test.name, "duration_minutes": 60,
    }  # fmt: skip
    assert 3595 <= data["remaining_seconds"] <= 3600
    again = data_of(api.post(f"/api/participant/session/start?token={token}"))
    assert again["session"] == data["session"]
    session = ExamSession.objects.get()
    assert list(SessionEvent.objects.filter(session=session).order_by("seq").values_list("seq", "kind")) == [
        (1, "started"),
        (2, "resumed"),
    ]


def test_start__when_completed__then_403(api):
    _, token = make_assignment()
    started = data_of(api.post(f"/api/participant/session/start?token={token}"))
    data_of(api.post(f"/api/test-session/{started['session']['session_token']}/submit"))
    body = error_of(api.post(f"/api/participant/session/start?token={token}"), 403, "ASSIGNMENT_COMPLETED")
    assert body["message"] == "Test assignment already completed"
    assert ExamSession.objects.count() == 1


def test_start__when_test_is_inactive__then_400(api):
    assignment, token = make_assignment()
    type(assignment.test).objects.filter(pk=assignment.test_id).update(is_active=False)
    body = error_of(api.post(f"/api/participant/session/start?token={token}"), 400, "TEST_NOT_AVAILABLE")
    assert body["message"] == "Test is not available"


def test_start__when_window_ends_before_the_duration__then_window_is_the_deadline(api):
    now = clock.now()
    assignment, token = make_assignment(end_at=now + timedelta(minutes=10))
    data = data_of(api.post(f"/api/participant/session/start?token={token}"))
    assert data["session"]["deadline_at"] == clock.iso(assignment.end_at)
    assert 595 <= data["remaining_seconds"] <= 600


def test_reads__when_the_time_is_up_and_nobody_closed_it_yet__then_completed(api):
    assignment, token = make_assignment()
    _, other = make_assignment(participant=assignment.participant)
    session = start_session(token).session
    for late_by, is_completed in ((30, False), (31, True)):
        with time_machine.travel(session.deadline_at + timedelta(seconds=late_by), tick=False):
            shown = data_of(api.get(f"/api/participant/assignment/{token}"))["assignment"]
            assert shown["is_completed"] is is_completed
            assert shown["completed_at"] == (clock.iso(session.deadline_at) if is_completed else None)
            rows = data_of(api.get(f"/api/participant/assignments?token={token}"))
            assert [row["token"] for row in rows] == ([other] if is_completed else [token, other])
    assert ExamSession.objects.get().status == "in_progress", "a read stays a read"


def test_instructions__when_the_pages_are_the_frontends__then_told_where(api):
    test = make_bank_test()
    routes = {"instruction_route": "/tests/kraepelin/instruction", "test_route": "/tests/kraepelin/start"}
    _, token = make_assignment(test=test)
    for stored, shown in (({}, dict.fromkeys(routes)), (routes, routes)):
        Test.objects.filter(pk=test.pk).update(**stored, name="T")
        told = data_of(api.get(f"/api/participant/instructions?token={token}"))["test"]
        assert {key: told[key] for key in routes} == shown
