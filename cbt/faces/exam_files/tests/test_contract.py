"""What the exam-files document prints, request by request, through HTTP."""

import re

import pytest
import time_machine

from accounts.services.login import logins_revoke
from accounts.states import Role
from accounts.tests.factories import make_user, token_of
from catalog.models import Test
from catalog.tests.builders import question
from cbt.faces.exam_files import attempts, projection
from cbt.faces.exam_files.face import EXAM_FILES
from cbt.faces.exam_files.tests.conftest import Browser
from cbt.faces.exam_files.tests.factories import attempt_of, exam_document, put_exam, stored
from cbt.http.origins import CSRF_HINT, ORIGIN_HINT
from cbt.kernel import clock
from cbt.kernel.errors import ErrorCode
from sessions_app.models import ExamSession, Result
from sessions_app.services.sessions import session_submit, session_token
from tests.support import Api, counted_queries, error_of

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z")


def start(browser, exam_id="exam1"):
    response = browser.post(f"/api/exams/{exam_id}/attempt")
    assert response.status_code == 200, response.content
    return response.json()


def answer(key, response, seconds=None):
    return {"questionId": key, "response": response} | ({} if seconds is None else {"timeSec": seconds})


def save(browser, attempt, *answers):
    return browser.put(f"/api/attempts/{attempt['attemptId']}", {"answers": list(answers)})


def test_exams__then_published_ones_as_a_bare_list(browser):
    put_exam("exam1")
    put_exam("hidden", is_published=False)
    put_exam("unnamed", is_published=None)
    response = browser.get("/api/exams")
    assert response.status_code == 200
    assert response.json() == [{
        "examId": "exam1", "name": "Exam from a file", "description": "", "duration_minutes": 60,
        "question_count": 3, "published": True,
    }]  # fmt: skip
    assert browser.get("/api/exams?limit=5").json() == {"data": response.json(), "total": 1, "page": 1, "limit": 5}
    assert browser.get("/api/exams?limit=500&page=7").json() == {"data": [], "total": 1, "page": 7, "limit": 100}
    assert browser.get("/api/exams?limit=").json() == response.json()
    for query in ("limit=0", "limit=x", "limit=5&page=0"):
        error_of(browser.get(f"/api/exams?{query}"), 400, "INVALID_PAYLOAD")


def test_exam__then_the_document_without_anything_that_tells_an_answer(browser):
    put_exam("exam1")
    body = browser.get("/api/exams/exam1").json()
    assert body["settings"] == {"shuffle_questions": False, "shuffle_options": False, "max_attempts": 1}
    assert body["questions"] == [
        {
            "questionId": "q1", "kind": "single_choice", "text": "What?", "picture": None, "required": False,
            "options": [{"key": key, "text": f"Option {key}", "picture": None} for key in "abc"], "number": 1,
        },
        {
            "questionId": "q2", "kind": "number", "text": "What?", "picture": None, "required": False, "options": [],
            "min": None, "max": None, "step": None, "number": 2,
        },
        {
            "questionId": "q3", "kind": "short_text", "text": "What?", "picture": None, "required": False,
            "options": [], "max_length": 1000, "number": 3,
        },
    ]  # fmt: skip


@pytest.mark.parametrize("is_started", [False, True])
def test_exam__then_no_key_in_any_answer_of_the_face(browser, is_started):
    marks = {"q1": "zvkey", "q3": "zvsecret"}
    put_exam("exam1", exam_document(
        question("single_choice", "q1", options=[
            {"key": "a", "text": "A", "value": 1}, {"key": "zvkey", "text": "B", "value": 4711},
        ], answer_key="zvkey"),
        question("number", "q2", answer_key=815.25, tolerance=0.375),
        question("short_text", "q3", accepted=["zvsecret"]),
        scales=[{"key": "zvscale", "name": "zvscale", "items": [{"question": "q1"}]}],
    ))  # fmt: skip
    texts = []
    if is_started:
        attempt = start(browser)
        texts += [str(attempt), save(browser, attempt, answer("q2", 1)).content.decode()]
    texts += [browser.get(path).content.decode() for path in ("/api/exams", "/api/exams/exam1", "/api/progress/me")]
    if is_started:
        texts.append(browser.post(f"/api/attempts/{attempt['attemptId']}/submit").content.decode())
    shown = "".join(texts)
    for secret in (marks["q3"], "4711", "815.25", "0.375", "zvscale", "answer_key", "accepted", "tolerance", "weight"):
        assert secret not in shown
    assert shown.count("zvkey") == 1, "once, as an option"


def test_attempt__then_the_shape_of_the_document(browser):
    put_exam("exam1")
    body = start(browser)
    assert set(body) == {"attemptId", "userId", "examId", "status", "startedAt", "updatedAt", "answers"}
    assert (body["userId"], body["examId"], body["status"], body["answers"]) == (
        str(browser.user.pk), "exam1", "active", [],
    )  # fmt: skip
    assert MOMENT.fullmatch(body["startedAt"])
    assert MOMENT.fullmatch(body["updatedAt"])
    assert stored("attempts", str(browser.user.pk), "exam1", f"{body['attemptId']}.json") == body


def test_attempt__when_started_again__then_the_same_one_goes_on(browser):
    put_exam("exam1")
    first = start(browser)
    saved = save(browser, first, answer("q1", "a")).json()
    assert start(browser) == saved
    assert ExamSession.objects.count() == 1


def test_save__then_partial_answers_progress_and_the_servers_time(browser):
    put_exam("exam1")
    attempt = start(browser)
    assert save(browser, attempt, answer("q1", "a", 12)).json()["answers"] == [answer("q1", "a", 12)]
    body = save(browser, attempt, answer("q2", 7, 1.5), answer("q1", "b")).json()
    assert body["answers"] == [answer("q1", "b", 12), answer("q2", 7, 1.5)]
    assert body["updatedAt"] > attempt["updatedAt"]
    [row] = browser.get("/api/progress/me").json()["exams"]
    assert (row["answered"], row["total"], row["percent"], row["status"]) == (2, 3, 66.67, "active")
    assert stored("progress", f"{browser.user.pk}.json") == browser.get("/api/progress/me").json()
    assert stored("attempts", body["userId"], "exam1", f"{body['attemptId']}.json") == body
    assert save(browser, attempt, answer("q1", None)).json()["answers"] == [answer("q2", 7, 1.5)]


def test_save__when_the_clock_went_back_since_the_last__then_updated_at_still_tells_the_order(db, tree_root):
    put_exam("exam1")
    with time_machine.travel("2030-01-01T08:00:00.000005Z", tick=False):
        browser = Browser(make_user())
        attempt = start(browser)
        first = save(browser, attempt, answer("q1", "a")).json()
        assert first["updatedAt"] == "2030-01-01T08:00:00.000005Z"
    with time_machine.travel("2030-01-01T07:59:59Z", tick=False):
        assert save(browser, attempt, answer("q1", "b")).json()["updatedAt"] == "2030-01-01T08:00:00.000006Z"
        assert start(browser)["updatedAt"] == "2030-01-01T08:00:00.000006Z"


def test_save__when_another_one_overtakes_its_answer__then_it_is_told_its_own_state(browser, monkeypatch):
    put_exam("exam1")
    attempt = start(browser)
    write = projection.saved

    def overtaken(session):
        monkeypatch.setattr(projection, "saved", write)
        attempts.attempt_save(session, token=session_token(session), answers={"q1": "c"}, seconds={})
        write(session)

    monkeypatch.setattr(projection, "saved", overtaken)
    body = save(browser, attempt, answer("q1", "b")).json()
    assert body["answers"] == [answer("q1", "b")]
    assert start(browser)["answers"] == [answer("q1", "c")]
    assert start(browser)["updatedAt"] > body["updatedAt"]


def test_submit__then_bundle_manifest_and_progress(browser):
    put_exam("exam1")
    attempt = start(browser)
    save(browser, attempt, answer("q1", "b"))
    assert stored("manifest.json")["users"] == {attempt["userId"]: {"active": ["exam1"], "finished": []}}
    response = browser.post(f"/api/attempts/{attempt['attemptId']}/submit")
    body = response.json()
    assert response.status_code == 200
    assert body["output"] == f"output/exam1_{attempt['attemptId']}.json"
    assert body["status"] == "finished"
    bundle = stored("output", f"exam1_{attempt['attemptId']}.json")
    assert set(bundle) == {"exam", "attempt"}
    assert bundle["exam"]["examId"] == "exam1"
    assert bundle["attempt"] == stored("attempts", attempt["userId"], "exam1", f"{attempt['attemptId']}.json")
    assert bundle["attempt"]["answers"] == [answer("q1", "b")]
    assert MOMENT.fullmatch(bundle["attempt"]["submittedAt"])
    assert stored("manifest.json") == {
        "exams": {"exam1": {"published": True}}, "users": {attempt["userId"]: {"active": [], "finished": ["exam1"]}},
    }  # fmt: skip
    assert browser.get("/api/progress/me").json()["exams"][0]["status"] == "finished"
    assert Result.objects.get().points == 1
    assert browser.post(f"/api/attempts/{attempt['attemptId']}/submit").json() == body


def test_errors__then_the_four_of_the_document(browser):
    put_exam("exam1")
    put_exam("hidden", is_published=False)
    error_of(browser.get("/api/exams/nowhere"), 404, "EXAM_NOT_FOUND")
    error_of(browser.post("/api/exams/nowhere/attempt"), 404, "EXAM_NOT_FOUND")
    error_of(browser.get("/api/exams/hidden"), 423, "EXAM_NOT_PUBLISHED")
    error_of(browser.post("/api/exams/hidden/attempt"), 423, "EXAM_NOT_PUBLISHED")
    attempt = start(browser)
    for bad in (
        {}, {"answers": {}}, {"answers": [1]}, {"answers": [{"questionId": "q1"}]},
        {"answers": [answer("nope", "a")]}, {"answers": [answer("q1", "nope")]}, {"answers": [answer("q2", "x")]},
        {"answers": [answer("q1", "a", -1)]}, {"answers": [answer("q1", "a", "5")]},
    ):  # fmt: skip
        error_of(browser.put(f"/api/attempts/{attempt['attemptId']}", bad), 400, "INVALID_PAYLOAD")
    error_of(browser.send("PUT", f"/api/attempts/{attempt['attemptId']}", "[1]"), 400, "INVALID_PAYLOAD")
    browser.post(f"/api/attempts/{attempt['attemptId']}/submit")
    error_of(browser.post("/api/exams/exam1/attempt"), 409, "ATTEMPT_EXISTS")
    error_of(save(browser, attempt, answer("q1", "a")), 409, "SESSION_NOT_IN_PROGRESS")
    for nobody in ("999999", "x", "1e3", "-1", "9" * 30, "٣"):
        error_of(browser.put(f"/api/attempts/{nobody}", {"answers": []}), 404, "NOT_FOUND")


def test_conflict__then_409_as_the_document_has_it():
    assert EXAM_FILES.status(ErrorCode.CONFLICT) == EXAM_FILES.status(ErrorCode.ATTEMPT_EXISTS) == 409


def test_attempts__when_configured_otherwise__then_more_than_one(browser):
    put_exam("exam1", exam_document(settings={"max_attempts": 2}))
    first = start(browser)
    browser.post(f"/api/attempts/{first['attemptId']}/submit")
    second = start(browser)
    assert second["attemptId"] != first["attemptId"]
    browser.post(f"/api/attempts/{second['attemptId']}/submit")
    error_of(browser.post("/api/exams/exam1/attempt"), 409, "ATTEMPT_EXISTS")


def test_attempts__then_of_one_user_only(browser):
    put_exam("exam1")
    attempt = start(browser)
    other = Browser(make_user())
    error_of(save(other, attempt, answer("q1", "a")), 404, "NOT_FOUND")
    error_of(other.post(f"/api/attempts/{attempt['attemptId']}/submit"), 404, "NOT_FOUND")
    assert start(other)["attemptId"] != attempt["attemptId"]
    assert len(other.get("/api/progress/me").json()["exams"]) == 1


def test_session_cookie__then_needed_and_ends_with_its_login(browser):
    put_exam("exam1")
    error_of(Api().get("/api/exams"), 401, "UNAUTHENTICATED")
    assert browser.client.session["userId"] == browser.user.pk
    assert browser.get("/api/exams").status_code == 200
    logins_revoke(user_ids=[browser.user.pk], reason="tests")
    error_of(browser.get("/api/exams"), 401, "UNAUTHENTICATED")
    assert Api(token_of(browser.user)).get("/api/exams").status_code == 200
    error_of(Api(token_of(make_user(Role.TENANT_ADMIN, company_id=1))).get("/api/exams"), 403, "FORBIDDEN")


@pytest.mark.parametrize("headers", [
    {"X-CSRFToken": None}, {"X-CSRFToken": "x" * 32}, {"X-CSRFToken": None, "Origin": None},
    {"Origin": "https://evil.example"}, {"Origin": "null"},
])  # fmt: skip
def test_csrf__when_token_or_origin_is_wrong__then_403_and_nothing_is_written(browser, headers):
    put_exam("exam1")
    error_of(browser.send("POST", "/api/exams/exam1/attempt", **headers), 403, "CSRF_FAILED")
    assert not ExamSession.objects.exists()
    attempt = start(browser)
    error_of(
        browser.send("PUT", f"/api/attempts/{attempt['attemptId']}", {"answers": [answer("q1", "a")]}, **headers),
        403, "CSRF_FAILED",
    )  # fmt: skip
    error_of(browser.send("POST", f"/api/attempts/{attempt['attemptId']}/submit", **headers), 403, "CSRF_FAILED")
    assert start(browser)["answers"] == []


@pytest.mark.parametrize(("headers", "hint"), [
    ({"X-CSRFToken": None}, CSRF_HINT), ({"X-CSRFToken": "x" * 32}, CSRF_HINT),
    ({"X-CSRFToken": None, "Origin": None}, CSRF_HINT), ({"Origin": "https://evil.example"}, ORIGIN_HINT),
])  # fmt: skip
def test_csrf__then_the_hint_says_what_is_missing(browser, headers, hint):
    put_exam("exam1")
    refused = error_of(browser.send("POST", "/api/exams/exam1/attempt", **headers), 403, "CSRF_FAILED")
    assert refused["details"] == {"hint": hint}


def test_csrf__then_a_frontend_on_another_origin_can_read_its_token(browser):
    response = browser.get("/api/exams")
    assert response["Access-Control-Allow-Origin"] == "http://localhost:4200"
    assert "X-CSRFToken" in response["Access-Control-Expose-Headers"]
    put_exam("exam1")
    token = response["X-CSRFToken"]
    assert browser.send("POST", "/api/exams/exam1/attempt", **{"X-CSRFToken": token}).status_code == 200


def test_file_edited_during_an_attempt__then_its_paper_stays_and_the_next_attempt_gets_the_new_one(browser):
    put_exam("exam1")
    attempt = start(browser)
    put_exam("exam1", exam_document(question("single_choice", "n1")))
    assert [row["questionId"] for row in browser.get("/api/exams/exam1").json()["questions"]] == ["q1", "q2", "q3"]
    assert save(browser, attempt, answer("q1", "a")).status_code == 200
    error_of(save(browser, attempt, answer("n1", "a")), 400, "INVALID_PAYLOAD")
    other = Browser(make_user())
    assert [row["questionId"] for row in other.get("/api/exams/exam1").json()["questions"]] == ["n1"]
    assert save(other, start(other), answer("n1", "a")).status_code == 200


@pytest.mark.parametrize("what", ["unpublished", "broken", "gone"])
def test_exam__when_unpublished_in_mid_attempt__then_who_has_begun_loses_nothing_and_nobody_begins(
    browser, tree_root, what
):
    put_exam("exam1", exam_document(settings={"max_attempts": 2}))
    attempt = start(browser)
    save(browser, attempt, answer("q1", "a", 3))
    if what == "unpublished":
        put_exam("exam1", is_published=False)
    elif what == "broken":
        (tree_root / "input" / "exam1.json").write_text("{")
    else:
        (tree_root / "input" / "exam1.json").unlink()
    refusal = (423, "EXAM_NOT_PUBLISHED") if what == "unpublished" else (404, "EXAM_NOT_FOUND")
    assert start(browser)["answers"] == [answer("q1", "a", 3)], "a reload goes on"
    assert [row["questionId"] for row in browser.get("/api/exams/exam1").json()["questions"]] == ["q1", "q2", "q3"]
    assert save(browser, attempt, answer("q1", "b")).json()["answers"] == [answer("q1", "b", 3)]
    error_of(Browser(make_user()).post("/api/exams/exam1/attempt"), *refusal)
    submitted = browser.post(f"/api/attempts/{attempt['attemptId']}/submit")
    assert submitted.json()["status"] == "finished"
    assert stored("output", f"exam1_{attempt['attemptId']}.json")["attempt"]["answers"] == [answer("q1", "b", 3)]
    error_of(browser.post("/api/exams/exam1/attempt"), *refusal)
    assert browser.get("/api/exams").json() == []
    assert Result.objects.get().points == 1


def test_start__when_the_attempt_ends_while_an_unpublished_exam_would_go_on__then_423_and_no_other(
    browser, monkeypatch
):
    put_exam("exam1", exam_document(settings={"max_attempts": 2}))
    attempt = start(browser)
    put_exam("exam1", is_published=False)
    looked = attempts.active_attempt

    def then_ended(actor, exam_id):
        found = looked(actor, exam_id)
        browser.post(f"/api/attempts/{attempt['attemptId']}/submit")
        return found

    monkeypatch.setattr(attempts, "active_attempt", then_ended)
    error_of(browser.post("/api/exams/exam1/attempt"), 423, "EXAM_NOT_PUBLISHED")
    assert ExamSession.objects.count() == 1


def test_staff__then_results_sessions_and_table_name_the_person_in_as_many_queries_as_ever(browser):
    boss = Api(token_of(make_user(Role.SUPER_ADMIN)))
    put_exam("exam1")
    paths = ("/api/results", "/api/results/export?format=csv", "/api/test-sessions")
    for people in (1, 3):
        for user in [browser.user] if people == 1 else [make_user(), make_user()]:
            session_submit(token=session_token(attempt_of(user, "exam1")), now=clock.now())
        counts = []
        for where in paths:
            with counted_queries() as sent:
                assert boss.get(where).status_code == 200
            counts.append(len(sent))
        if people == 1:
            expected = counts
    assert counts == expected
    who = {"id": browser.user.pk, "name": browser.user.name, "email": browser.user.email}
    for where in ("/api/results", "/api/test-sessions"):
        rows = boss.get(where).json()["data"]["data"]
        assert [row["user"] for row in rows if row["user"]["id"] == who["id"]] == [who]
        assert {row["participant"] for row in rows} == {None}
        assert boss.get(f"{where}/{rows[-1]['id']}").json()["data"]["user"] == who
        [row] = boss.get(f"{where}?search={browser.user.email.upper()}").json()["data"]["data"]
        assert row["user"] == who
        assert boss.get(f"{where}?search=nobody").json()["data"]["total"] == 0
    assert f"{browser.user.name},{browser.user.email}" in boss.get(paths[1]).content.decode("utf-8-sig")


def test_time_is_up__then_closed_and_409(browser):
    put_exam("exam1")
    attempt = start(browser)
    save(browser, attempt, answer("q1", "b"))
    with time_machine.travel("2099-01-01T00:00:00Z"):
        late = Api(token_of(browser.user))
        error_of(
            late.put(f"/api/attempts/{attempt['attemptId']}", {"answers": [answer("q1", "a")]}),
            409, "SESSION_NOT_IN_PROGRESS",
        )  # fmt: skip
    assert ExamSession.objects.get().submitted_by == "timer"


@pytest.mark.django_db(transaction=True)  # PostgreSQL tells what is committed
def test_live_news__then_its_taker_hears_of_more_time(browser):
    put_exam("exam1")
    attempt = start(browser)
    boss = Api(token_of(make_user(Role.SUPER_ADMIN)))
    more = {"extra_minutes": 10, "reason": "fire alarm"}
    given = boss.put(f"/api/test-sessions/{attempt['attemptId']}/extra-time", more)
    assert given.status_code == 200, given.content
    news = Api(token_of(browser.user)).get(f"/api/live/sittings/{attempt['attemptId']}").json()["data"]["events"]
    assert [event["event"] for event in news] == ["session.started", "session.time_changed"]
    assert news[1]["data"]["extra_seconds"] == 600
    assert news[1]["data"]["deadline_at"] > news[0]["data"]["deadline_at"]


def test_catalogue__then_the_exam_is_not_on_offer(browser):
    put_exam("exam1")
    start(browser)
    test = Test.objects.get()
    assert (test.code, test.is_active) == ("FILE-exam1", False)
    assert browser.client.get("/api/tests/catalog").json()["data"]["total"] == 0


def test_save__then_its_queries_do_not_grow_with_the_attempts_of_others(browser):
    put_exam("exam1")
    attempt = start(browser)
    save(browser, attempt, answer("q1", "a"))
    with counted_queries() as few:
        save(browser, attempt, answer("q1", "b"))
    for _ in range(3):
        start(Browser(make_user()))
    with counted_queries() as many:
        save(browser, attempt, answer("q1", "a"))
    assert len(many) == len(few)
