"""The session routes over HTTP. Contract section 4, and the paper and result routes."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine

from catalog.tests.builders import question
from cbt.kernel import clock
from sessions_app.models import ExamSession, Result, SessionAnswer, SessionEvent
from sessions_app.services.closing import sessions_close_late
from sessions_app.tests.factories import make_assignment, make_bank_test, start_session
from tests.support import counted_queries, data_of, error_of

NULLS = {"is_correct": None, "points": 0}


def base(started):
    return f"/api/test-session/{started.token}"


def save(api, started, answers, **more):
    return api.post(f"{base(started)}/save-answers", {"answers": answers, **more})


def stored(session):
    return dict(SessionAnswer.objects.filter(session=session).values_list("question_id", "value"))


def test_show__then_documented_keys(api):
    started = start_session()
    save(api, started, {"q1": "b"})
    data = data_of(api.get(base(started)))
    assert set(data) == {
        "id", "session_token", "status", "started_at", "completed_at", "time_spent_seconds", "test", "assignment",
        "answers", "deadline_at", "server_time", "remaining_seconds",
    }  # fmt: skip
    assert data["status"] == "in_progress"
    assert data["completed_at"] is None
    assert set(data["test"]) == {"id", "name", "code", "duration_minutes", "question_count"}
    assert set(data["assignment"]) == {"id", "token", "start_date", "end_date"}
    assert [
        {key: row[key] for key in ("question_id", "answer", "is_correct", "points")} for row in data["answers"]
    ] == [{"question_id": "q1", "answer": "b", **NULLS}]


def test_show__when_unknown__then_404(api):
    assert error_of(api.get("/api/test-session/SESSION-X"), 404, "NOT_FOUND")["message"] == "Resource not found"


def test_save__then_state_of_the_sent_keys_and_one_event(api):
    started = start_session()
    response = save(api, started, {"q1": "b"})
    data = data_of(response)
    assert response.json()["message"] == "Answers saved successfully"
    assert set(data) == {"session_token", "time_spent_seconds", "answers", "server_time", "remaining_seconds"}
    save(api, started, {"q2": "a"})
    data = data_of(save(api, started, {"q1": "b"}))
    assert [row["question_id"] for row in data["answers"]] == ["q1"]
    assert stored(started.session) == {"q1": "b", "q2": "a"}
    kinds = list(SessionEvent.objects.order_by("seq").values_list("kind", flat=True))
    assert kinds == ["started", "answers_saved", "answers_saved"]


def test_save__when_nothing_changed__then_no_event_and_old_time(api):
    started = start_session()
    first = data_of(save(api, started, {"q1": "b"}))
    with time_machine.travel(clock.now() + timedelta(seconds=30), tick=False):
        again = data_of(save(api, started, {"q1": "b"}))
    assert again["answers"] == first["answers"]
    assert SessionEvent.objects.filter(kind="answers_saved").count() == 1


def test_save__when_null__then_cleared(api):
    started = start_session()
    save(api, started, {"q1": "b"})
    data = data_of(save(api, started, {"q1": None}))
    assert data["answers"][0]["answer"] is None
    assert data_of(api.get(base(started)))["answers"] == []


def test_save__when_older_revision_arrives_late__then_newer_stays(api):
    started = start_session()
    save(api, started, {"q1": "a"}, revision=5)
    data = data_of(save(api, started, {"q1": "b", "q2": "c"}, revision=4))
    assert {row["question_id"]: row["answer"] for row in data["answers"]} == {"q1": "a", "q2": "c"}
    save(api, started, {"q1": "c"})
    assert stored(started.session)["q1"] == "c"
    save(api, started, {"q1": "b"}, revision=4)
    assert stored(started.session)["q1"] == "c"


def test_save__when_a_question_is_unknown_or_a_value_wrong__then_422_and_nothing_stored(api):
    started = start_session()
    body = error_of(save(api, started, {"q1": "b", "q9": "x"}), 422, "UNKNOWN_QUESTION")
    assert body["errors"] == {"answers.q9": ["The question does not exist."]}
    body = error_of(save(api, started, {"q1": "zzz", "q2": "a"}), 422, "VALIDATION_ERROR")
    assert list(body["errors"]) == ["answers.q1"]
    assert stored(started.session) == {}


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"", 422, "VALIDATION_ERROR"),
        (b"{}", 422, "VALIDATION_ERROR"),
        (b'{"answers": []}', 422, "VALIDATION_ERROR"),
        (b'{"answers": {"q1": "b"}, "revision": "x"}', 422, "VALIDATION_ERROR"),
        (b'{"answers": {"q1": "b"}, "revision": true}', 422, "VALIDATION_ERROR"),
        (b'[{"answers": {}}]', 400, "INVALID_PAYLOAD"),
        (b'{"answers": {"q1": "\\u0000"}}', 400, "INVALID_PAYLOAD"),
        (b'{"answers": {"q1": "\\ud800"}}', 400, "INVALID_PAYLOAD"),
        (b'{"answers": {"q1": NaN}}', 400, "INVALID_PAYLOAD"),
        (b'{"answers": {"q1": 1e400}}', 400, "INVALID_PAYLOAD"),
        (b'{"answers": {"q1": ' + b"[" * 5000 + b"]" * 5000 + b"}}", 400, "INVALID_PAYLOAD"),
        (b"{not json", 400, "INVALID_PAYLOAD"),
        (b'{"answers": {"q1": "' + b"x" * 600_000 + b'"}}', 413, "PAYLOAD_TOO_LARGE"),
    ],
)
def test_save__when_body_is_bad__then_clear_error_and_nothing_stored(api, raw, status, code):
    started = start_session()
    error_of(api.post(f"{base(started)}/save-answers", raw=raw), status, code)
    assert stored(started.session) == {}


@pytest.mark.parametrize(
    ("content_type", "status", "code"),
    [
        ("application/json; charset=utf-7", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("application/json; charset=bz2_codec", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("text/plain", 415, "UNSUPPORTED_MEDIA_TYPE"),
    ],
)
def test_save__when_content_type_is_bad__then_415(api, content_type, status, code):
    started = start_session()
    response = api.post(f"{base(started)}/save-answers", raw=b'{"answers":{"q1":"b"}}', content_type=content_type)
    error_of(response, status, code)


def test_save__when_chunked_without_length__then_411(api):
    started = start_session()
    response = api.client.post(
        f"{base(started)}/save-answers", data=b"", content_type="application/json",
        headers={"Transfer-Encoding": "chunked"}, CONTENT_LENGTH="",
    )  # fmt: skip
    error_of(response, 411, "LENGTH_REQUIRED")


def test_save__when_test_has_no_bank__then_any_key_and_value(api):
    test = make_bank_test(question("single_choice"))
    test.questions.all().delete()
    type(test).objects.filter(pk=test.pk).update(bank_revision=99, question_count=50)
    started = start_session(test=test)
    answers = {
        "question_1": "answer_1", "question_2": ["option_a", "option_b"], "question_3": 5,
        "question_4": {"text": "Long answer text", "option": "selected_option"},
    }  # fmt: skip
    data_of(save(api, started, answers))
    assert stored(started.session) == answers
    data = data_of(api.post(f"{base(started)}/submit"))
    assert Result.objects.get(pk=data["result_id"]).max_points == 0


def bankless_session():
    test = make_bank_test()
    test.questions.all().delete()
    type(test).objects.filter(pk=test.pk).update(bank_revision=99)
    return start_session(test=test)


def test_save__when_test_has_no_bank__then_at_most_5000_keys_in_all(api):
    started = bankless_session()
    now = clock.now()
    SessionAnswer.objects.bulk_create(
        SessionAnswer(session=started.session, question_id=f"k{n}", value=1, updated_at=now) for n in range(4999)
    )
    body = error_of(save(api, started, {"k0": 2, "new1": 1, "new2": 1}), 429, "LIMIT_REACHED")
    assert body["message"] == "A session holds at most 5000 answers."
    assert stored(started.session)["k0"] == 1
    data_of(save(api, started, {"k0": 2, "new1": 1}))
    error_of(save(api, started, {"new2": 1}), 429, "LIMIT_REACHED")
    data_of(save(api, started, {f"k{n}": 3 for n in range(1000)}))
    assert SessionAnswer.objects.count() == 5000


def test_save__when_test_has_no_bank__then_no_statement_more(api):
    from django.db import connection

    started = bankless_session()
    save(api, started, {"a": 1})
    with counted_queries() as statements:
        data_of(save(api, started, {"a": 2, "b": {"c": [1]}}))
    assert len(statements) == (3 if connection.vendor == "postgresql" else 4), statements
    assert stored(started.session) == {"a": 2, "b": {"c": [1]}}


@pytest.mark.parametrize("answered", [0, 5, 50])
def test_save__then_at_most_four_statements_whatever_is_stored(api, answered):
    test = make_bank_test(*(question("single_choice", f"q{i}") for i in range(60)))
    started = start_session(test=test)
    save(api, started, {f"q{i}": "a" for i in range(answered)})
    with counted_queries() as statements:
        data_of(save(api, started, {"q58": "b", "q59": "c"}))
    # On PostgreSQL the commit is a round trip of its own.
    from django.db import connection

    assert len(statements) == (3 if connection.vendor == "postgresql" else 4), statements


def test_update_time__then_server_clock_in_one_statement(api):
    started = start_session()
    with time_machine.travel(started.session.started_at + timedelta(seconds=600), tick=False):
        with counted_queries() as statements:
            response = api.post(f"{base(started)}/update-time", {"time_spent_seconds": 5})
        data = data_of(response)
    assert response.json()["message"] == "Time updated successfully"
    assert set(data) == {"time_spent_seconds", "server_time", "remaining_seconds"}
    assert (data["time_spent_seconds"], data["remaining_seconds"]) == (600, 3000)
    assert len(statements) == 1


def test_submit__when_repeated__then_first_result(api):
    started = start_session()
    save(api, started, {"q1": "b", "q2": "a"})
    response = api.post(f"{base(started)}/submit")
    data = data_of(response)
    assert response.json()["message"] == "Test submitted successfully"
    assert set(data) == {
        "id", "session_token", "status", "completed_at", "time_spent_seconds", "result_id", "already_submitted",
        "submitted_by", "server_time", "remaining_seconds",
    }  # fmt: skip
    assert (data["status"], data["already_submitted"], data["submitted_by"]) == ("completed", False, "taker")
    again = data_of(api.post(f"{base(started)}/submit"))
    assert (again["result_id"], again["already_submitted"]) == (data["result_id"], True)
    result = Result.objects.get()
    assert (result.percentage, result.correct_count, result.wrong_count) == (Decimal("50.00"), 1, 1)
    assignment = ExamSession.objects.get().assignment
    assert assignment.completed_at is not None


def test_writes__when_completed__then_400(api):
    started = start_session()
    api.post(f"{base(started)}/submit")
    for response in (save(api, started, {"q1": "b"}), api.post(f"{base(started)}/update-time")):
        body = error_of(response, 400, "SESSION_NOT_IN_PROGRESS")
        assert body["message"] == "Session is not in progress"
    assert stored(started.session) == {}


@pytest.mark.parametrize(("late_by", "status"), [(-1, 200), (0, 200), (30, 200), (31, 400)])
def test_save__when_around_deadline_and_grace__then_boundary_is_exact(api, late_by, status):
    started = start_session()
    with time_machine.travel(started.session.deadline_at + timedelta(seconds=late_by), tick=False):
        response = save(api, started, {"q1": "b"})
        assert response.status_code == status
    session = ExamSession.objects.get()
    assert session.status == ("in_progress" if status == 200 else "completed")
    assert stored(session) == ({"q1": "b"} if status == 200 else {})


def test_late__when_any_request_comes__then_session_closes_itself_and_is_scored(api):
    started = start_session()
    save(api, started, {"q1": "b"})
    with time_machine.travel(started.session.deadline_at + timedelta(seconds=31), tick=False):
        data = data_of(api.get(base(started)))
        assert (data["status"], data["time_spent_seconds"], data["remaining_seconds"]) == ("completed", 3600, 0)
    session = ExamSession.objects.get()
    assert session.submitted_by == "timer"
    assert session.completed_at == session.deadline_at
    assert Result.objects.get().percentage == Decimal("50.00")
    assert SessionEvent.objects.filter(kind="time_ran_out").count() == 1


def test_late__when_nobody_comes__then_sweep_closes(api):
    late, running = start_session(), start_session()
    ExamSession.objects.filter(pk=running.session.pk).update(deadline_at=clock.now() + timedelta(hours=9))
    with time_machine.travel(late.session.deadline_at + timedelta(seconds=31), tick=False):
        assert sessions_close_late() == {"closed": 1}
        assert sessions_close_late() == {"closed": 0}
    assert set(ExamSession.objects.values_list("pk", "status")) == {
        (late.session.pk, "completed"),
        (running.session.pk, "in_progress"),
    }


def test_submit__when_late__then_timer_result(api):
    started = start_session()
    with time_machine.travel(started.session.deadline_at + timedelta(seconds=31), tick=False):
        data = data_of(api.post(f"{base(started)}/submit"))
    assert data["submitted_by"] == "timer"


def test_questions__then_own_order_stable_without_keys(api):
    kinds = ["single_choice", "multiple_choice", "true_false", "likert", "number", "short_text", "ranking"]
    test = make_bank_test(
        *(question(kind, f"k-{kind}") for kind in kinds),
        settings={"shuffle_questions": True, "shuffle_options": True},
    )
    orders = set()
    for _ in range(6):
        started = start_session(test=test)
        data = data_of(api.get(f"{base(started)}/questions"))
        assert data == {**data_of(api.get(f"{base(started)}/questions")), "server_time": data["server_time"],
                        "remaining_seconds": data["remaining_seconds"]}  # fmt: skip
        assert [row["number"] for row in data["questions"]] == [1, 2, 3, 4, 5, 6, 7]
        assert {row["question_id"] for row in data["questions"]} == {f"k-{kind}" for kind in kinds}
        for row in data["questions"]:
            assert not {"answer_key", "weight", "negative_weight", "accepted", "tolerance", "value"} & set(row)
            assert all(set(option) == {"key", "text", "picture"} for option in row["options"])
        orders.add(tuple(row["question_id"] for row in data["questions"]))
    assert len(orders) > 1


def test_questions__when_ended__then_400(api):
    started = start_session()
    api.post(f"{base(started)}/submit")
    error_of(api.get(f"{base(started)}/questions"), 400, "SESSION_NOT_IN_PROGRESS")


def test_paper__when_bank_changes__then_running_session_keeps_its_own(api):
    test = make_bank_test()
    started = start_session(test=test)
    test.questions.filter(key="q2").delete()
    type(test).objects.filter(pk=test.pk).update(bank_revision=50)
    assert len(data_of(api.get(f"{base(started)}/questions"))["questions"]) == 2
    assert len(data_of(api.get(f"{base(start_session(test=test))}/questions"))["questions"]) == 1
    data_of(save(api, started, {"q2": "b"}))


@pytest.mark.parametrize(
    ("policy", "keys"),
    [
        ("none", None),
        ("score", set()),
        ("score_and_key", {"items"}),
    ],
)
def test_result__then_as_the_policy_says(api, policy, keys):
    started = start_session(test=make_bank_test(settings={"result_policy": policy}))
    save(api, started, {"q1": "b"})
    error_of(api.get(f"{base(started)}/result"), 403, "RESULT_NOT_AVAILABLE")
    api.post(f"{base(started)}/submit")
    response = api.get(f"{base(started)}/result")
    if keys is None:
        error_of(response, 403, "RESULT_NOT_AVAILABLE")
        return
    data = data_of(response)
    assert set(data) == keys | {
        "result_id", "state", "completed_at", "time_spent_seconds", "points", "max_points", "percentage", "passed",
        "correct_count", "wrong_count", "unanswered_count", "pending_count", "scales", "server_time",
        "remaining_seconds",
    }  # fmt: skip
    assert data["percentage"] == 50.0
    if keys:
        assert data["items"][0] == {
            "question_id": "q1", "kind": "single_choice", "text": "What?", "answer": "b", "is_correct": True,
            "points": 1, "max_points": 1, "pending": False, "correct_answer": "b",
        }  # fmt: skip


def test_method__when_wrong__then_405_with_allow(api):
    started = start_session()
    response = api.put(f"{base(started)}/save-answers", {})
    error_of(response, 405, "METHOD_NOT_ALLOWED")
    assert response["Allow"] == "POST"


def test_save__when_too_often__then_429_with_retry_after(api):
    started = start_session()
    for _ in range(100):
        assert api.post(f"{base(started)}/update-time").status_code in {200, 429}
    last = api.post(f"{base(started)}/update-time")
    error_of(last, 429, "RATE_LIMITED")
    assert 1 <= int(last["Retry-After"]) <= 60
    assert save(api, started, {"q1": "b"}).status_code == 200
    assert api.post(f"{base(start_session())}/update-time").status_code == 200


def test_second_assignment_of_one_person__then_own_session(api):
    assignment, token = make_assignment()
    _, other = make_assignment(participant=assignment.participant, test=assignment.test)
    assert start_session(token).session.pk != start_session(other).session.pk
