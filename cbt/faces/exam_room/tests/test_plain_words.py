"""What a frontend written from the document alone stumbles over: names of fields, waits, copies, many options."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from accounts.tests.factories import PASSWORD
from catalog.tests.builders import question
from cbt.faces.exam_room.tests.factories import make_candidate
from cbt.kernel import clock
from cbt.kernel.actor import SYSTEM
from sessions_app.models import ExamSession, SessionAnswer
from sessions_app.services.closing import session_abandon, session_pause
from sessions_app.tests.factories import make_bank_test
from tests.support import Api, error_of

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def test_answer__when_it_does_not_fit_its_kind__then_the_fault_stands_at_the_field_that_was_sent():
    one = make_candidate(test=make_bank_test(question("number", "num-1"), question("ranking", "rank-1")))
    one.questions()
    number, every = "The answer must be a number, such as 12 or 3.5.", "Every option must be ranked."
    assert error_of(one.answer(1, "A"), 422, "VALIDATION_ERROR")["errors"] == {"answer": [number]}
    assert error_of(one.answer(2, "A"), 422, "VALIDATION_ERROR")["errors"] == {"answer": [every]}
    rows = [{"question_id": 1, "answer": "7"}, {"question_id": 2, "answer": "A"}]
    response = one.api.post(f"{one.url}/sync", {"answers": rows})
    assert error_of(response, 422, "VALIDATION_ERROR")["errors"] == {"answers.1.answer": [every]}
    assert not SessionAnswer.objects.exists()


def test_messages__when_something_is_refused__then_in_words_of_exams():
    now = clock.now()
    early, late = make_candidate(start_at=now + timedelta(days=1)), make_candidate(end_at=now - timedelta(seconds=1))
    one = make_candidate()
    told = [who.api.get(f"{who.url}/{what}").json()["message"]
            for who, what in ((early, "questions"), (late, "questions"), (one, "result"))]  # fmt: skip
    assert told == ["The exam is not open yet", "The exam is closed", "The exam has not been started"]
    one.questions()
    assert one.api.get(f"{one.url}/result").json()["message"] == "The exam has not been submitted yet"
    session = ExamSession.objects.get()
    session_pause(session=session, reason="x", now=now)
    assert one.answer(1, "A").json()["message"] == "The exam is paused. Please contact your supervisor."
    session_abandon(session_id=session.pk, reason="x", now=now, actor=SYSTEM)
    assert one.answer(1, "A").json()["message"] == "The exam was stopped by your supervisor"
    one.questions()
    one.api.post(f"{one.url}/submit")
    refused = [one.answer(1, "A"), one.api.get(f"{one.url}/questions")]
    assert {(response.json()["message"], response.json()["detail"]) for response in refused} == {
        ("The exam has been submitted", "The exam has been submitted")
    }


@pytest.mark.parametrize(
    ("body", "field", "text"),
    [
        ({"nomor_peserta": ""}, "nomor_peserta", "The nomor peserta field is required."),
        ({"nomor_peserta": None}, "nomor_peserta", "The nomor peserta field is required."),
        ({"nomor_peserta": "", "email": "", "username": ""}, "email", "The email field is required."),
        ({"username": ""}, "username", "The username field is required."),
        ({}, "email", "The email field is required."),
    ],
)
def test_login__when_the_form_was_sent_empty__then_the_fault_stands_at_the_field_of_the_form(body, field, text):
    response = Api().post("/api/auth/login", {**body, "password": ""})
    errors = error_of(response, 422, "VALIDATION_ERROR")["errors"]
    assert errors == {field: [text], "password": ["The password field is required."]}


def test_login__when_five_tries_failed_a_while_ago__then_told_the_time_that_is_left():
    number = make_candidate().participant.user.participant_number
    with time_machine.travel(START, tick=False) as moment:
        for _ in range(5):
            Api().post("/api/auth/login", {"nomor_peserta": number, "password": "wrong"})
        for seconds, left, words in ((0, 900, "15 minutes"), (600, 300, "5 minutes"), (299, 1, "1 minute")):
            moment.shift(seconds)
            response = Api().post("/api/auth/login", {"nomor_peserta": number, "password": PASSWORD})
            message = error_of(response, 429, "RATE_LIMITED")["message"]
            assert (response["Retry-After"], message) == (
                str(left), f"Too many failed attempts. Please try again in {words}."
            )  # fmt: skip


def test_answers__then_no_browser_or_proxy_keeps_a_copy_of_paper_and_result():
    one = make_candidate()
    seen = [one.api.get(f"{one.url}/{name}") for name in ("questions", "timer")]
    seen += [one.api.post(f"{one.url}/submit"), one.api.get(f"{one.url}/result"), one.api.get(f"{one.url}/questions")]
    assert [response.status_code for response in seen] == [200, 200, 200, 200, 403]
    assert {response.headers.get("Cache-Control") for response in seen} == {"no-store"}


def test_options__when_there_are_more_than_letters__then_each_has_a_name_and_can_be_chosen():
    options = [{"key": f"o{n}", "text": f"Text {n}"} for n in range(1, 51)]
    kinds = ("single_choice", "multiple_choice", "ranking")
    keys = {"single_choice": "o27", "multiple_choice": ["o1"], "ranking": [row["key"] for row in options]}
    bank = [question(kind, f"q{n}", options=options, answer_key=keys[kind]) for n, kind in enumerate(kinds, start=1)]
    one = make_candidate(test=make_bank_test(*bank, settings={"shuffle_options": False}))
    shown = one.questions()
    names = list(shown[0]["options"])
    assert (len(names), names[:2], names[25:28], names[-1]) == (50, ["A", "B"], ["Z", "AA", "AB"], "AX")
    for number, sent in ((1, "aa"), (2, "AX, B AA"), (3, ",".join(names))):
        assert one.answer(number, sent).status_code == 200, sent
    assert SessionAnswer.objects.get(question_id="q1").value == "o27"
    assert [row["user_answer"] for row in one.questions()] == ["AA", "B,AA,AX", ",".join(names)]


def test_sync__when_an_older_one_comes_late__then_its_doubt_does_not_undo_the_newer():
    one = make_candidate()
    one.questions()

    def sync(revision, doubt):
        rows = [{"question_id": 1, "answer": "A", "is_doubtful": doubt}]
        assert one.api.post(f"{one.url}/sync", {"answers": rows, "revision": revision}).status_code == 200
        return next(row["is_doubtful"] for row in one.questions() if row["id"] == 1)

    assert [sync(5, True), sync(4, False), sync(6, False)] == [True, True, False]
