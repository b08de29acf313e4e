"""Every request, answer, header and rate the exam-room checklist prints, in its order.

1 Request/Response Format, 2 Error Response Format, 3 Authentication Flow, 4 CORS, 5 Rate Limiting, "Token Security",
"Integration Testing" 1 to 5. Its questions (expiry, refresh, logins at once) are settled by the decisions.
"""

from datetime import timedelta

import pytest
import time_machine
from django.test import RequestFactory

from accounts.tests.factories import PASSWORD
from catalog.tests.builders import PNG_1X1, question
from cbt.faces.exam_room.tests.factories import make_candidate
from cbt.http.rates import Rate, enforce
from cbt.kernel import clock
from sessions_app.models import SessionAnswer
from sessions_app.tests.factories import make_bank_test
from tests.printed import ADDED, MOMENT, NUMBER, Case, Error, fits, replay
from tests.support import Api, error_of

pytestmark = pytest.mark.django_db

CLOCK = {"server_time": MOMENT, "remaining_seconds": (int, None)}
LOGIN = {
    "token": str, "user": {"id": int, "nomor_peserta": str, "nama": str, "email?": str},
    ADDED: {"success": bool, "message": str, "data": dict, "status_code": int},
}  # fmt: skip
EXAM = {
    "id": int, "title": str, "description": str, "duration": int, "total_questions": int, "start_time": MOMENT,
    "end_time": MOMENT, ADDED: {"status": str, **CLOCK},
}  # fmt: skip
QUESTION = {
    "id": int, "number": int, "question": str, "options": dict.fromkeys("ABCDE", str), "image?": str,
    ADDED: {"kind": str, "user_answer": (str, None), "is_doubtful": bool, "option_images?": dict},
}  # fmt: skip
SAVED = {"success": bool, "message": str, ADDED: CLOCK}
SUBMITTED = {"success": bool, "message": str, "result_id": int, ADDED: {"already_submitted": bool, **CLOCK}}
DETAIL = {"question_id": int, "user_answer": str, "correct_answer": str, "is_correct": bool}
RESULT = {
    "score": NUMBER, "correct_answers": int, "total_questions": int, "percentage": NUMBER, "passed": bool,
    "details": [DETAIL],
}  # fmt: skip


def answer(number, letter, is_doubtful=False):
    return {"question_id": number, "answer": letter, "is_doubtful": is_doubtful}


FLOW = [
    Case("1 Get Exam", "candidate", "GET /api/exam/{exam}", None, 200, EXAM),
    Case("2 Error: 403", "candidate", "GET /api/exam/{exam}/result", None, 400, Error("SESSION_NOT_IN_PROGRESS")),
    Case("1 Get Questions", "candidate", "GET /api/exam/{exam}/questions", None, 200,
         {"questions": [QUESTION], ADDED: CLOCK}),
    Case("2 Error: 403", "candidate", "GET /api/exam/{exam}/result", None, 403, Error("RESULT_NOT_AVAILABLE")),
    *[Case("1 Submit Answer", "candidate", "POST /api/exam/{exam}/answer", answer(1, letter, letter == "B"), 200, SAVED)
      for letter in "ABCDE"],
    Case("2 Error: 422", "candidate", "POST /api/exam/{exam}/answer", answer(1, "F"), 422, Error("VALIDATION_ERROR")),
    Case("2 Error: 422", "candidate", "POST /api/exam/{exam}/answer", answer(99, "A"), 422, Error("UNKNOWN_QUESTION")),
    Case("2 Error: 422", "candidate", "POST /api/exam/{exam}/answer", {}, 422, Error("VALIDATION_ERROR")),
    Case("1 Submit Exam", "candidate", "POST /api/exam/{exam}/submit", None, 200, SUBMITTED),
    Case("5 One submit per session", "candidate", "POST /api/exam/{exam}/submit", None, 200, SUBMITTED),
    Case("Data Integrity: locked", "candidate", "POST /api/exam/{exam}/answer", answer(1, "A"), 400,
         Error("SESSION_NOT_IN_PROGRESS")),
    Case("1 Get Result", "candidate", "GET /api/exam/{exam}/result", None, 200, RESULT),
    Case("2 Error: 401", "nobody", "GET /api/exam/{exam}", None, 401, Error("UNAUTHENTICATED")),
    Case("2 Error: 401", "forger", "GET /api/exam/{exam}", None, 401, Error("UNAUTHENTICATED")),
    Case("2 Error: 404", "candidate", "GET /api/exam/999999", None, 404, Error("NOT_FOUND")),
    Case("2 Error: 404", "candidate", "GET /api/exam/abc", None, 404, Error("NOT_FOUND")),
    Case("1 Login, error", "nobody", "POST /api/auth/login", {"nomor_peserta": "nobody", "password": "wrong"}, 401,
         Error("INVALID_CREDENTIALS")),
    Case("1 Login, error", "nobody", "POST /api/auth/login", {"nomor_peserta": "nobody"}, 422,
         Error("VALIDATION_ERROR")),
]  # fmt: skip


def test_document__when_replayed_from_login_to_result__then_every_answer_is_as_printed(media):
    pictured = {"picture": "pic", "options": [{"key": key, "text": key, "picture": "pic"} for key in "abcde"]}
    test = make_bank_test(
        question("single_choice", "q1", **pictured), *_plain(2, 3), settings={"result_policy": "score_and_key"},
        pictures={"pic": {"mime": "image/png", "alt": "", "data_base64": PNG_1X1}},
    )  # fmt: skip
    one = make_candidate(test=test)
    body = {"nomor_peserta": one.participant.user.participant_number, "password": PASSWORD}
    login = Api().post("/api/auth/login", body)
    assert login.status_code == 200
    fits(login.json(), LOGIN, "1 Login")
    assert login.json()["token"].count(".") == 2, "a JWT"
    candidate = Api(login.json()["token"])
    replay(FLOW, {"candidate": candidate, "nobody": Api(), "forger": Api("forged")}, {"exam": test.pk})
    error_of(candidate.post(f"{one.url}/answer", raw=b"{"), 400, "INVALID_PAYLOAD")
    details = candidate.get(f"{one.url}/result").json()["details"]
    assert [row["user_answer"] for row in details] == ["E", "", ""], "the last of many answers; none is no letter"


def _plain(*numbers):
    options = [{"key": key, "text": key} for key in "abcde"]
    return [question("single_choice", f"q{number}", options=options) for number in numbers]


def test_token__when_it_ends__then_a_new_login_goes_on_with_what_was_saved():
    """Integration Testing 2; Token Security: good for two hours, in mid-exam to its end, and not after a logout."""
    one = make_candidate()
    body = {"nomor_peserta": one.participant.user.participant_number, "password": PASSWORD}
    with time_machine.travel(clock.now() + timedelta(hours=2, seconds=1), tick=False):
        error_of(one.api.get(one.url), 401, "UNAUTHENTICATED")
        first = Api(Api().post("/api/auth/login", body).json()["token"])
        assert first.get(f"{one.url}/questions").status_code == 200
        assert first.post(f"{one.url}/answer", answer(1, "A")).status_code == 200
        assert first.post("/api/auth/logout").status_code == 200
        error_of(first.post(f"{one.url}/answer", answer(2, "B")), 401, "UNAUTHENTICATED")
        again = Api(Api().post("/api/auth/login", body).json()["token"])
        assert again.post(f"{one.url}/answer", answer(2, "B")).status_code == 200
    assert SessionAnswer.objects.count() == 2


FRONTENDS = ["http://localhost:5173", "https://staging.cbt-platform.com", "https://cbt-platform.com"]


@pytest.mark.parametrize("origin", FRONTENDS)
def test_cors__when_a_listed_frontend_asks__then_the_four_headers(settings, origin):
    settings.CORS_ALLOWED_ORIGINS = FRONTENDS
    headers = {
        "Origin": origin, "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, authorization",
    }  # fmt: skip
    response = Api().client.options("/api/exam/1/answer", headers=headers)
    assert response["Access-Control-Allow-Origin"] == origin
    assert response["Access-Control-Allow-Credentials"] == "true"
    methods, names = (
        {word.strip().lower() for word in response[f"Access-Control-Allow-{what}"].split(",")}
        for what in ("Methods", "Headers")
    )
    assert methods >= {"get", "post", "put", "delete", "options"}
    assert names >= {"content-type", "authorization"}
    stranger = Api().client.options("/api/exam/1/answer", headers={**headers, "Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in stranger


@pytest.mark.parametrize(
    ("path", "method", "limit", "rate"),
    [("/questions", "get", 10, Rate.EXAM_QUESTIONS), ("/answer", "post", 100, Rate.EXAM_ANSWER)],
)
def test_rate__when_the_recommended_one_is_passed__then_429_with_retry_after(path, method, limit, rate):
    one, other = make_candidate(), make_candidate()
    one.questions(), other.questions()
    with time_machine.travel(clock.now() + timedelta(minutes=5), tick=False):
        body = answer(1, "A") if method == "post" else None
        for _ in range(limit - 1):
            enforce(rate, RequestFactory().get("/"), user_id=one.participant.user.pk)
        assert getattr(one.api, method)(f"{one.url}{path}", body).status_code == 200
        response = getattr(one.api, method)(f"{one.url}{path}", body)
        error_of(response, 429, "RATE_LIMITED")
        assert 1 <= int(response["Retry-After"]) <= 60
        assert getattr(other.api, method)(f"{other.url}{path}", body).status_code == 200


def test_rate__when_five_sign_ins_failed_within_15_minutes__then_429():
    number = make_candidate().participant.user.participant_number
    moment = clock.now()
    with time_machine.travel(moment, tick=False):
        for _ in range(5):
            body = {"nomor_peserta": number, "password": "wrong"}
            error_of(Api().post("/api/auth/login", body), 401, "INVALID_CREDENTIALS")
        response = Api().post("/api/auth/login", {"nomor_peserta": number, "password": PASSWORD})
        error_of(response, 429, "RATE_LIMITED")
        assert 1 <= int(response["Retry-After"]) <= 900
