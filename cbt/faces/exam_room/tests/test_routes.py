"""Every route of the exam-room contract: exact keys, values and refusals."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from accounts.models import Login
from accounts.states import Role
from accounts.tests.factories import PASSWORD, make_user
from anticheat.models import CheatDetection
from catalog.tests.builders import PNG_1X1, question
from cbt.faces.exam_room.tests.factories import exam_test, make_candidate
from cbt.kernel import clock
from sessions_app.models import DoubtMark, ExamSession, SessionAnswer, SessionEvent, SessionPaper
from sessions_app.tests.factories import make_assignment, make_bank_test
from tests import calls
from tests.support import Api, error_of

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def body_of(response, status=200):
    assert response.status_code == status, response.json()
    return response.json()


def key_of(candidate, question_id, letter):
    """Return the option key behind a letter on this candidate's paper."""
    paper = SessionPaper.objects.get(session__participant=candidate.participant)
    return paper.option_orders[f"q{question_id}"]["ABCDE".index(letter)]


def letter_of(candidate, question_id, key):
    paper = SessionPaper.objects.get(session__participant=candidate.participant)
    return "ABCDE"[paper.option_orders[f"q{question_id}"].index(key)]


# --- GET /api/exam/{id} --------------------------------------------------------------------------------


@time_machine.travel(START, tick=False)
def test_exam__then_the_contract_body_and_the_clock_stands():
    one = make_candidate(start_at=START - timedelta(hours=1), end_at=START + timedelta(days=1))
    body = body_of(one.api.get(one.url))
    assert body == {
        "id": one.test.pk, "title": one.test.name, "description": one.test.description, "duration": 60,
        "total_questions": 6, "start_time": "2026-03-01T07:00:00Z", "end_time": "2026-03-02T08:00:00Z",
        "status": "not_started", "server_time": "2026-03-01T08:00:00Z", "remaining_seconds": None,
    }  # fmt: skip
    assert not ExamSession.objects.exists()
    assert body_of(one.api.get("/api/exam")) == {"exams": [body]}


def test_exam__when_its_time_is_up_and_nothing_swept_yet__then_shown_as_completed():
    with time_machine.travel(START, tick=False) as moment:
        one = make_candidate()
        one.questions()
        moment.shift(3630)
        assert body_of(one.api.get(one.url))["status"] == "in_progress"
        moment.shift(1)
        shown = [body_of(one.api.get(one.url)), *body_of(one.api.get("/api/exam"))["exams"]]
        assert [(row["status"], row["remaining_seconds"]) for row in shown] == [("completed", 0)] * 2
        assert ExamSession.objects.get().submitted_by == "timer"


def test_exam__when_absent_or_somebody_elses__then_one_404(django_assert_num_queries):
    one, other = make_candidate(), make_candidate()
    bodies = []
    for number in (other.test.pk, make_bank_test().pk, 999_999, 2**70):
        for method, path in [
            ("get", ""), ("get", "/questions"), ("get", "/result"), ("get", "/timer"), ("post", "/submit"),
            ("post", "/heartbeat"), ("post", "/answer"), ("post", "/sync"),
        ]:  # fmt: skip
            body = {"question_id": 1, "answer": "A", "answers": []} if method == "post" else None
            response = getattr(one.api, method)(f"/api/exam/{number}{path}", body)
            bodies.append(error_of(response, 404, "NOT_FOUND")["message"])
    assert set(bodies) <= {"Exam not found", "Resource not found"}
    assert not ExamSession.objects.exists()


def test_exam__when_somebody_elses_and_being_sat__then_as_if_absent():
    one, other = make_candidate(), make_candidate()
    other.questions()
    theirs = error_of(one.api.get(f"{other.url}/timer"), 404, "NOT_FOUND")
    nobodys = error_of(one.api.get("/api/exam/999999/timer"), 404, "NOT_FOUND")
    theirs.pop("request_id"), nobodys.pop("request_id")
    assert theirs == nobodys


@pytest.mark.parametrize("role", [role for role in Role if role != Role.PARTICIPANT])
def test_exam__when_not_a_candidate__then_403(role):
    one = make_candidate()
    error_of(Api().as_(make_user(role)).get(one.url), 403, "FORBIDDEN")


def test_exam__when_not_signed_in__then_401():
    response = Api().get(make_candidate().url)
    error_of(response, 401, "UNAUTHENTICATED")
    assert response["WWW-Authenticate"] == "Bearer"


def test_exam__when_a_test_is_assigned_twice__then_the_one_being_sat_else_the_one_that_can_be():
    now = clock.now()
    one = make_candidate(start_at=now - timedelta(days=9), end_at=now - timedelta(days=8))
    second, _ = make_assignment(participant=one.participant, test=one.test)
    make_assignment(participant=one.participant, test=one.test, start_at=now + timedelta(days=1))
    one.questions()
    assert ExamSession.objects.get().assignment == second


# --- GET questions --------------------------------------------------------------------------------------


@time_machine.travel(START, tick=False)
def test_questions__then_the_contract_body_in_this_candidates_order_and_the_clock_runs():
    one = make_candidate()
    body = body_of(one.api.get(f"{one.url}/questions"))
    assert set(body) == {"questions", "server_time", "remaining_seconds"}
    assert (body["server_time"], body["remaining_seconds"]) == ("2026-03-01T08:00:00Z", 3600)
    rows = body["questions"]
    assert [row["number"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert sorted(row["id"] for row in rows) == [1, 2, 3, 4, 5, 6]
    for row in rows:
        assert set(row) == {"id", "number", "question", "options", "kind", "user_answer", "is_doubtful"}
        assert row["question"] == f"Question {row['id']}?"
        assert list(row["options"]) == ["A", "B", "C", "D", "E"]
        assert sorted(row["options"].values()) == [f"Text {key}" for key in "abcde"]
        assert (row["user_answer"], row["is_doubtful"], row["kind"]) == (None, False, "single_choice")
    session = ExamSession.objects.get()
    assert (session.started_at, session.deadline_at) == (START, START + timedelta(hours=1))
    assert (session.assignment, session.company_id) == (one.assignment, one.participant.company_id)


def test_questions__when_reloaded__then_the_same_and_one_session():
    one = make_candidate()
    assert one.questions() == one.questions()
    assert ExamSession.objects.count() == 1


def test_questions__when_twenty_candidates__then_orders_differ():
    test = exam_test()
    papers = [make_candidate(test=test).questions() for _ in range(20)]
    assert len({tuple(row["id"] for row in paper) for paper in papers}) > 10
    assert len({tuple(next(row for row in paper if row["id"] == 1)["options"].values()) for paper in papers}) > 10


def test_questions__when_there_are_pictures__then_signed_addresses_that_open():
    choices = [{"key": key, "text": key, "picture": "pic"} for key in "abc"]
    test = make_bank_test(
        question("single_choice", "q1", options=choices, picture="pic"),
        pictures={"pic": {"mime": "image/png", "alt": "", "data_base64": PNG_1X1}},
    )
    row = make_candidate(test=test).questions()[0]
    assert row["image"].startswith("http://testserver/storage/")
    assert set(row["option_images"]) == {"A", "B", "C"}
    path = row["image"].removeprefix("http://testserver")
    assert "?" in path
    assert calls.read(Api().get(path)).status_code == 200
    assert Api().get(path.partition("?")[0]).status_code in {403, 404}


def test_questions__when_the_window_is_not_open__then_refused_and_nothing_starts():
    now = clock.now()
    early = make_candidate(start_at=now + timedelta(hours=1))
    body = error_of(early.api.get(f"{early.url}/questions"), 403, "ASSIGNMENT_NOT_STARTED")
    assert set(body["details"]) == {"start_date"}
    late = make_candidate(start_at=now - timedelta(days=2), end_at=now - timedelta(days=1))
    error_of(late.api.get(f"{late.url}/questions"), 403, "ASSIGNMENT_EXPIRED")
    assert not ExamSession.objects.exists()


def test_questions__when_submitted__then_there_is_no_way_back():
    one = make_candidate()
    one.questions()
    body_of(one.api.post(f"{one.url}/submit"))
    error_of(one.api.get(f"{one.url}/questions"), 403, "ASSIGNMENT_COMPLETED")
    error_of(one.answer(1, "A"), 400, "SESSION_NOT_IN_PROGRESS")
    assert ExamSession.objects.count() == 1


def test_questions__when_started_by_the_link__then_the_same_session():
    from sessions_app.tests.factories import BIODATA

    one = make_candidate()
    one.participant.biodata = BIODATA
    one.participant.save()
    one.questions()
    response = Api().post(f"/api/participant/session/start?token={one.link}")
    assert response.status_code == 200
    assert ExamSession.objects.count() == 1


# --- POST answer ----------------------------------------------------------------------------------------


@time_machine.travel(START, tick=False)
def test_answer__then_the_letter_of_this_candidates_paper_is_stored():
    one = make_candidate()
    one.questions()
    assert body_of(one.answer(3, "C", is_doubtful=True)) == {
        "success": True, "message": "Answer saved successfully", "server_time": "2026-03-01T08:00:00Z",
        "remaining_seconds": 3600,
    }  # fmt: skip
    assert SessionAnswer.objects.get().question_id == "q3"
    assert SessionAnswer.objects.get().value == key_of(one, 3, "C")
    row = next(row for row in one.questions() if row["id"] == 3)
    assert (row["user_answer"], row["is_doubtful"]) == ("C", True)


def test_answer__when_two_neighbours_send_one_letter__then_each_means_their_own_paper():
    test = exam_test()
    people = [make_candidate(test=test) for _ in range(8)]
    for one in people:
        one.questions()
        body_of(one.answer(1, "A"))
    stored = {SessionAnswer.objects.get(session__participant=one.participant).value for one in people}
    assert len(stored) > 1
    for one in people:
        assert SessionAnswer.objects.get(session__participant=one.participant).value == key_of(one, 1, "A")


@pytest.mark.parametrize("letter", ["a", " A ", "A"])
def test_answer__when_written_otherwise__then_the_same(letter):
    one = make_candidate()
    one.questions()
    body_of(one.answer(1, letter))
    assert SessionAnswer.objects.get().value == key_of(one, 1, "A")


def test_answer__when_sent_twice_and_changed_and_cleared__then_idempotent():
    one = make_candidate()
    one.questions()
    for answer in ("A", "A", "B", None, ""):
        body_of(one.answer(1, answer))
    assert SessionAnswer.objects.get().value is None
    saves = SessionEvent.objects.filter(kind="answers_saved")
    assert [event.payload["answers"][0]["answer"] is None for event in saves.order_by("seq")] == [False, False, True]


def test_answer__when_only_the_doubt_changes__then_stored_once_and_the_answer_stays():
    one = make_candidate()
    one.questions()
    body_of(one.answer(1, "A", is_doubtful=True))
    body_of(one.answer(1, "A", is_doubtful=True))
    body_of(one.answer(1, "A"))
    assert DoubtMark.objects.get().is_doubtful is True
    body_of(one.answer(1, "A", is_doubtful=False))
    assert DoubtMark.objects.get().is_doubtful is False
    marks = SessionEvent.objects.filter(kind="doubt_marked").order_by("seq")
    assert [event.payload["marks"] for event in marks] == [
        [{"question_id": "q1", "is_doubtful": True}], [{"question_id": "q1", "is_doubtful": False}],
    ]  # fmt: skip


LETTERS = {"answer": ["The answer must be one of A, B, C, D, E."]}


@pytest.mark.parametrize(
    ("body", "code", "errors"),
    [
        ({"question_id": 7, "answer": "A"}, "UNKNOWN_QUESTION", {"question_id": ["The question does not exist."]}),
        ({"question_id": 0, "answer": "A"}, "UNKNOWN_QUESTION", {"question_id": ["The question does not exist."]}),
        ({"question_id": -1, "answer": "A"}, "UNKNOWN_QUESTION", {"question_id": ["The question does not exist."]}),
        ({"question_id": 1, "answer": "F"}, "VALIDATION_ERROR", LETTERS),
        ({"question_id": 1, "answer": "AB"}, "VALIDATION_ERROR", LETTERS),
        ({"question_id": 1, "answer": ["A"]}, "VALIDATION_ERROR", {"answer": ["The answer must be a string."]}),
        ({"question_id": 1}, "VALIDATION_ERROR", {"answer": ["The answer field is required."]}),
        ({"answer": "A"}, "VALIDATION_ERROR", {"question_id": ["The question id field is required."]}),
        (
            {"question_id": "x", "answer": "A"}, "VALIDATION_ERROR",
            {"question_id": ["The question id must be an integer."]},
        ),
        (
            {"question_id": 1, "answer": "A", "is_doubtful": "maybe"}, "VALIDATION_ERROR",
            {"is_doubtful": ["The is doubtful field must be true or false."]},
        ),
    ],
)  # fmt: skip
def test_answer__when_wrong__then_422_and_nothing_is_stored(body, code, errors):
    one = make_candidate()
    one.questions()
    assert error_of(one.api.post(f"{one.url}/answer", body), 422, code)["errors"] == errors
    assert not SessionAnswer.objects.exists()


def test_answer__when_the_exam_was_not_begun__then_400():
    one = make_candidate()
    assert error_of(one.answer(1, "A"), 400, "SESSION_NOT_IN_PROGRESS")["message"] == "The exam has not been started"


@pytest.mark.parametrize(("seconds", "status"), [(3600, 200), (3630, 200), (3631, 400)])
def test_answer__when_late__then_by_the_grace(seconds, status):
    with time_machine.travel(START, tick=False) as moment:
        one = make_candidate()
        one.questions()
        moment.shift(seconds)
        Login.objects.update(expires_at=START + timedelta(days=1))
        assert one.answer(1, "A").status_code == status
    session = ExamSession.objects.get()
    assert session.submitted_by == ("" if status == 200 else "timer")


def test_answer__then_the_log_tells_address_and_device():
    one = make_candidate()
    headers = {"User-Agent": "Room 3"}
    one.api.get(f"{one.url}/questions", headers=headers, REMOTE_ADDR="203.0.113.7")
    body = {"question_id": 1, "answer": "A"}
    one.api.post(f"{one.url}/answer", body, headers=headers, REMOTE_ADDR="203.0.113.7")
    one.api.post(f"{one.url}/submit", headers=headers, REMOTE_ADDR="203.0.113.7")
    told = {
        event.kind: (event.payload.get("ip"), event.payload.get("user_agent")) for event in SessionEvent.objects.all()
    }
    assert told["started"] == told["answers_saved"] == told["submitted"] == ("203.0.113.7", "Room 3")


KINDS = {
    "multiple_choice": ("A,C", ["a", "c"], "A,C"),
    "true_false": ("b", False, "B"),
    "likert": ("D", "4", "D"),
    "number": ("12,5", 12.5, "12.5"),
    "short_text": ("Jakarta", "Jakarta", "Jakarta"),
    "long_text": (" An essay. ", " An essay. ", " An essay. "),
    "ranking": ("DCBA", ["d", "c", "b", "a"], "D,C,B,A"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_answer__when_another_kind_of_question__then_letters_or_text(kind):
    sent, stored, shown = KINDS[kind]
    one = make_candidate(test=make_bank_test(question(kind, "q1")))
    one.questions()
    body_of(one.answer(1, sent))
    assert SessionAnswer.objects.get().value == stored
    assert one.questions()[0]["user_answer"] == shown


def test_sync__when_the_network_was_away__then_all_or_none_and_older_never_wins():
    one = make_candidate()
    one.questions()
    rows = [{"question_id": number, "answer": "A", "is_doubtful": number == 2} for number in (1, 2, 3)]
    body = body_of(one.api.post(f"{one.url}/sync", {"answers": rows, "revision": 5}))
    assert set(body) == {"success", "message", "server_time", "remaining_seconds"}
    assert body["message"] == "Answers saved successfully"
    body_of(one.api.post(f"{one.url}/sync", {"answers": [{"question_id": 1, "answer": "B"}], "revision": 4}))
    assert {row["id"]: row["user_answer"] for row in one.questions() if row["user_answer"]} == {1: "A", 2: "A", 3: "A"}
    bad = {"answers": [{"question_id": 4, "answer": "A"}, {"question_id": 5, "answer": "Z"}]}
    errors = error_of(one.api.post(f"{one.url}/sync", bad), 422, "VALIDATION_ERROR")["errors"]
    assert errors == {"answers.1.answer": ["The answer must be one of A, B, C, D, E."]}
    assert SessionAnswer.objects.count() == 3


# --- submit, result -------------------------------------------------------------------------------------


@time_machine.travel(START, tick=False)
def test_submit__then_once_and_the_same_result_ever_after():
    one = make_candidate()
    one.questions()
    first = body_of(one.api.post(f"{one.url}/submit"))
    result = ExamSession.objects.get().results.get()
    assert first == {
        "success": True, "message": "Exam submitted successfully", "result_id": result.pk, "already_submitted": False,
        "server_time": "2026-03-01T08:00:00Z", "remaining_seconds": 0,
    }  # fmt: skip
    second = body_of(one.api.post(f"{one.url}/submit"))
    assert second == {**first, "already_submitted": True}
    assert ExamSession.objects.get().submitted_by == "taker"
    error_of(make_candidate().api.post(f"{one.url}/submit"), 404, "NOT_FOUND")


def test_result__when_the_key_may_be_seen__then_the_contract_body():
    one = make_candidate()
    one.questions()
    right, wrong = letter_of(one, 1, "b"), letter_of(one, 2, "a")
    one.answer(1, right)
    one.answer(2, wrong)
    error_of(one.api.get(f"{one.url}/result"), 403, "RESULT_NOT_AVAILABLE")
    body_of(one.api.post(f"{one.url}/submit"))
    body = body_of(one.api.get(f"{one.url}/result"))
    assert set(body) == {"score", "correct_answers", "total_questions", "percentage", "passed", "details"}
    assert (body["score"], body["correct_answers"], body["total_questions"]) == (1.0, 1, 6)
    assert body["percentage"] == pytest.approx(16.67)
    assert body["details"] == [
        {
            "question_id": number, "user_answer": {1: right, 2: wrong}.get(number, ""),
            "correct_answer": letter_of(one, number, "b"), "is_correct": number == 1,
        }
        for number in range(1, 7)
    ]  # fmt: skip


@pytest.mark.parametrize(("mark", "passed"), [(None, True), (10, True), (90, False)])
def test_result__when_only_the_score_may_be_seen__then_no_details(mark, passed):
    one = make_candidate(test=exam_test(settings={"result_policy": "score", "pass_percentage": mark}))
    one.questions()
    one.answer(1, letter_of(one, 1, "b"))
    one.api.post(f"{one.url}/submit")
    body = body_of(one.api.get(f"{one.url}/result"))
    assert (body["details"], body["passed"], body["correct_answers"]) == ([], passed, 1)


def test_result__when_nothing_may_be_seen__then_403():
    one = make_candidate(test=exam_test(settings={"result_policy": "none"}))
    one.questions()
    one.api.post(f"{one.url}/submit")
    error_of(one.api.get(f"{one.url}/result"), 403, "RESULT_NOT_AVAILABLE")


# --- clock, sign of life, logins ------------------------------------------------------------------------


def test_timer_and_heartbeat__then_the_servers_clock():
    with time_machine.travel(START, tick=False) as moment:
        one = make_candidate()
        error_of(one.api.get(f"{one.url}/timer"), 400, "SESSION_NOT_IN_PROGRESS")
        one.questions()
        moment.shift(100)
        assert body_of(one.api.get(f"{one.url}/timer")) == {
            "status": "in_progress", "started_at": "2026-03-01T08:00:00Z", "end_time": "2026-03-01T09:00:00Z",
            "time_spent_seconds": 100, "server_time": "2026-03-01T08:01:40Z", "remaining_seconds": 3500,
        }  # fmt: skip
        assert body_of(one.api.post(f"{one.url}/heartbeat")) == {
            "server_time": "2026-03-01T08:01:40Z", "remaining_seconds": 3500,
        }  # fmt: skip
        assert ExamSession.objects.get().last_seen_at == START + timedelta(seconds=100)
        moment.shift(3531)
        assert body_of(one.api.get(f"{one.url}/timer"))["status"] == "completed"
        error_of(one.api.post(f"{one.url}/heartbeat"), 400, "SESSION_NOT_IN_PROGRESS")


def test_login__when_the_exam_is_long__then_the_token_lasts_to_its_end_and_the_grace():
    with time_machine.travel(START, tick=False) as moment:
        one = make_candidate(test=exam_test(duration_minutes=240))
        moment.shift(7000)
        one.questions()
        moment.shift(240 * 60 + 29)
        assert one.api.get(one.url).status_code == 200
        moment.shift(1)
        assert one.api.get(one.url).status_code == 401


def test_login__when_made_during_the_exam__then_it_lasts_to_its_end_as_well():
    with time_machine.travel(START, tick=False) as moment:
        one = make_candidate(test=exam_test(duration_minutes=240))
        one.questions()
        number = one.participant.user.participant_number
        body = Api().post("/api/auth/login", {"nomor_peserta": number, "password": PASSWORD}).json()
        moment.shift(240 * 60)
        assert Api(body["token"]).get(one.url).status_code == 200


def test_device__when_another_browser_answers__then_the_server_notices_once():
    one = make_candidate()
    one.api.get(f"{one.url}/questions", headers={"User-Agent": "First"})
    for _ in range(2):
        body = {"question_id": 1, "answer": "A"}
        one.api.post(f"{one.url}/answer", body, headers={"User-Agent": "Second"})
    detection = CheatDetection.objects.get()
    assert (detection.detection_type, detection.source) == ("multiple_devices", "server")


def test_device__when_a_twin_machine_of_the_same_room_answers__then_noticed_and_never_counted():
    one = make_candidate()
    same = {"User-Agent": "One image for all machines"}
    one.api.get(f"{one.url}/questions", headers=same, REMOTE_ADDR="192.168.1.10")
    for address in ("192.168.1.10", "192.168.1.11", "192.168.1.11"):
        one.api.post(f"{one.url}/answer", {"question_id": 1, "answer": "A"}, headers=same, REMOTE_ADDR=address)
    detection = CheatDetection.objects.get()
    assert (detection.detection_type, detection.severity, detection.is_counted) == ("multiple_devices", 1, False)
    assert detection.detection_data["network"] == "192.168.1.11/32"


def test_ban__when_staff_bans__then_login_and_exam_end_at_once():
    from cbt.kernel.actor import SYSTEM
    from sessions_app.services.participants import participant_ban, participant_unban

    one = make_candidate()
    one.questions()
    participant_ban(participant_id=one.participant.pk, reason="seen", now=clock.now(), actor=SYSTEM)
    error_of(one.answer(1, "A"), 401, "UNAUTHENTICATED")
    credentials = {"nomor_peserta": one.participant.user.participant_number, "password": PASSWORD}
    error_of(Api().post("/api/auth/login", credentials), 403, "BANNED")
    participant_unban(participant_id=one.participant.pk, now=clock.now(), actor=SYSTEM)
    token = Api().post("/api/auth/login", credentials).json()["token"]
    error_of(Api(token).get(f"{one.url}/result"), 403, "BANNED")
