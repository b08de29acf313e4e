"""Tests of classes: who may make, see and take them."""

import threading
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.db import IntegrityError, transaction

from accounts.states import Role
from accounts.tests.factories import make_user, token_of
from catalog.models import Test, TestVersion
from catalog.tests.factories import make_banked
from cbt.faces.v1.tests.factories import api_of, body, make_named, make_test, question
from cbt.kernel import clock
from cbt.kernel.models import AuditEvent
from commerce.selectors.catalogue import catalogue
from sessions_app.models import ExamSession, Result, SessionAnswer, SessionEvent
from sessions_app.services import classes
from tests.support import Api, counted_queries, data_of, error_of, race

pytestmark = pytest.mark.django_db


@pytest.fixture
def author(db):
    return api_of(Role.INSTRUCTOR)


@pytest.fixture
def student(db):
    return api_of()


def submit(api, test, **answers):
    return api.post(f"/v1/tests/{test}/submit", {"answers": answers})


def test_create__then_the_test_with_its_key_for_its_author(author):
    made = author.post("/v1/tests", body())
    assert made.status_code == 201
    shown = made.json()
    assert {"id", "title", "description", "created_at", "questions"} <= set(shown)
    assert (shown["title"], shown["description"]) == ("Capitals", "Of Asia")
    options = [{"id": key, "text": f"Option {key}"} for key in "abc"]
    assert shown["questions"][0] == {
        "id": "q1", "text": "Question q1?", "options": options, "correct_option": "a", "points": 2,
    }  # fmt: skip
    assert author.get(f"/v1/tests/{shown['id']}").json() == shown
    assert AuditEvent.objects.filter(action="catalog.test.created", object_id=str(shown["id"])).count() == 1


def test_create__when_ids_are_missing__then_the_next_free_ones(author):
    test = make_test(author, question(None), question("q1"), question(None))
    assert [row["id"] for row in author.get(f"/v1/tests/{test}").json()["questions"]] == ["q2", "q1", "q3"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (question(correct="z"), "questions.0.correct_option"),
        ({**question(), "options": [{"id": "a", "text": "A"}]}, "questions.0.options"),
        ({**question(), "options": [{"id": "a", "text": "A"}, {"id": "a", "text": "B"}]}, "questions.0.options.1.id"),
        ({**question(), "options": ["a", "b"]}, "questions.0.options.0.non_field_errors"),
        ({**question(), "correct_answer": "a"}, "questions.0.correct_answer"),
        ({**question(), "text": ""}, "questions.0.text"),
        ({**question(), "id": "a b"}, "questions.0.id"),
        ({**question(), "points": -1}, "questions.0.points"),
        ({key: value for key, value in question().items() if key != "correct_option"}, "questions.0.correct_option"),
        ("q", "questions.0.non_field_errors"),
    ],
)
def test_create__when_a_question_is_wrong__then_422_names_it(author, wrong, field):
    fault = error_of(author.post("/v1/tests", body(wrong)), 422, "VALIDATION_ERROR")
    assert field in fault["errors"]
    assert Test.objects.count() == 0


@pytest.mark.parametrize("change", [{"title": ""}, {"title": None}, {"questions": []}, {"questions": {}}])
def test_create__when_a_field_is_wrong__then_422(author, change):
    error_of(author.post("/v1/tests", {**body(), **change}), 422, "VALIDATION_ERROR")


def test_create__when_two_questions_have_one_id__then_422(author):
    error_of(author.post("/v1/tests", body(question("q1"), question("q1"))), 422, "VALIDATION_ERROR")


def test_student__then_sees_no_key_in_any_answer(author, student):
    test = make_test(author)
    shown = student.get(f"/v1/tests/{test}")
    assert [set(row) for row in shown.json()["questions"]] == [{"id", "text", "options"}] * 2
    submitted = submit(student, test, q1="b")
    for response in (shown, student.get("/v1/tests"), submitted, student.get(f"/v1/tests/{test}")):
        for name in (b"correct_option", b"answer_key", b"weight", b'"points"'):
            assert name not in response.content


def test_student__then_may_not_make_change_or_delete(author, student):
    test = make_test(author)
    error_of(student.post("/v1/tests", body()), 403, "FORBIDDEN")
    error_of(student.put(f"/v1/tests/{test}", {"title": "Mine"}), 403, "FORBIDDEN")
    error_of(student.delete(f"/v1/tests/{test}"), 403, "FORBIDDEN")


def test_other_instructor__then_as_if_it_did_not_exist(author):
    test = make_test(author)
    other = api_of(Role.INSTRUCTOR)
    assert other.get("/v1/tests").json() == []
    for number in (test, 10**9):
        error_of(other.get(f"/v1/tests/{number}"), 404, "NOT_FOUND")
        error_of(other.put(f"/v1/tests/{number}", {"title": "Mine"}), 404, "NOT_FOUND")
        error_of(other.delete(f"/v1/tests/{number}"), 404, "NOT_FOUND")
        error_of(submit(other, number), 404, "NOT_FOUND")


def test_admin__then_sees_and_changes_all(author):
    test, sold = make_test(author), make_banked()
    admin = api_of(Role.SUPER_ADMIN)
    assert [row["id"] for row in admin.get("/v1/tests").json()] == sorted([test, sold.pk])
    assert admin.put(f"/v1/tests/{test}", {"title": "Rivers"}).json()["title"] == "Rivers"
    assert Test.objects.get(pk=test).owner_id is not None
    assert admin.get(f"/v1/tests/{sold.pk}").json()["questions"][0]["correct_option"] == "b"


@pytest.mark.parametrize("role", [Role.PUBLIC_USER, Role.TENANT_ADMIN, Role.PARTICIPANT])
def test_other_dialects__then_403(author, role):
    test = make_test(author)
    api = Api(token_of(make_user(role)))
    for path in ("/v1/tests", f"/v1/tests/{test}"):
        error_of(api.get(path), 403, "FORBIDDEN")
    error_of(submit(api, test), 403, "FORBIDDEN")


def test_student__then_sees_tests_of_classes_and_not_what_is_sold(author, student):
    test, sold = make_test(author), make_banked()
    hidden = make_test(author, is_active=False)
    assert [row["id"] for row in student.get("/v1/tests").json()] == [test]
    for number in (sold.pk, hidden):
        error_of(student.get(f"/v1/tests/{number}"), 404, "NOT_FOUND")
        error_of(submit(student, number), 404, "NOT_FOUND")


def test_class_test__then_neither_sold_nor_offered_to_companies(author):
    test = make_test(author)
    assert not catalogue().filter(pk=test).exists()
    for role in (Role.PUBLIC_USER, Role.TENANT_ADMIN):
        rows = Api(token_of(make_user(role))).get("/api/tests").json()
        assert str(test) not in str((rows.get("data") or {}).get("data"))


def test_list__then_the_documented_row(author):
    test = make_test(author)
    rows = author.get("/v1/tests").json()
    assert [set(row) for row in rows] == [{"id", "title", "description", "created_at"}]
    assert rows[0]["id"] == test


def test_list__then_as_many_queries_for_20_as_for_2(author):
    counts = []
    for more in (2, 18):
        for _ in range(more):
            make_test(author)
        with counted_queries() as statements:
            author.get("/v1/tests")
        counts.append(len(statements))
    assert counts[0] == counts[1] == 3


def test_update__when_only_the_title__then_questions_stay(author):
    test = make_test(author)
    before = author.get(f"/v1/tests/{test}").json()
    after = author.put(f"/v1/tests/{test}", {"title": "Rivers"}).json()
    assert after["title"] == "Rivers"
    assert after["questions"] == before["questions"]


def test_update__when_a_question_lacks_its_key__then_422(author):
    test = make_test(author)
    bare = {name: value for name, value in question().items() if name != "correct_option"}
    fault = error_of(author.put(f"/v1/tests/{test}", {"questions": [bare]}), 422, "VALIDATION_ERROR")
    assert list(fault["errors"]) == ["questions.0.correct_option"]


def test_update__when_questions_change__then_a_new_version_and_old_results_stay(author, student):
    test = make_test(author)
    assert submit(student, test, q1="a", q2="b").json()["score"] == 3
    author.put(f"/v1/tests/{test}", {"questions": [question("q1", "b", points=5)]})
    assert submit(api_of(), test, q1="b").json()["score"] == 5
    assert submit(student, test, q1="b").json()["score"] == 3
    assert list(TestVersion.objects.filter(test=test).order_by("number").values_list("number", flat=True)) == [1, 2]


def test_show__when_the_test_changes__then_at_once_although_it_is_kept(author, student):
    test = make_test(author)
    first = student.get(f"/v1/tests/{test}")
    with counted_queries() as statements:
        assert student.get(f"/v1/tests/{test}").json() == first.json()
    assert len(statements) == 2  # who asks, and the test's own row: its questions were kept
    tag = first.headers["ETag"]
    assert student.get(f"/v1/tests/{test}", headers={"If-None-Match": tag}).status_code == 304
    author.put(f"/v1/tests/{test}", {"questions": [question("q9")]})
    fresh = student.get(f"/v1/tests/{test}", headers={"If-None-Match": tag})
    assert (fresh.status_code, [row["id"] for row in fresh.json()["questions"]]) == (200, ["q9"])
    assert fresh.headers["Cache-Control"] == "private, no-cache"


def test_show__when_changed_by_another_face__then_at_once_for_author_and_taker(author, student):
    test = make_test(author)
    house = Api(token_of(make_user(Role.SUPER_ADMIN)))
    bank = f"/api/tests/{test}/questions"
    first, second = (row["id"] for row in data_of(house.get(bank)))
    essay = {"key": "q3", "kind": "long_text", "text": "Why?", "weight": 5}

    def seen():
        """Fill what is kept, and return the texts both readers get."""
        texts = [[row["text"] for row in api.get(f"/v1/tests/{test}").json()["questions"]] for api in (author, student)]
        assert texts[0] == texts[1]
        return texts[0]

    assert seen() == ["Question q1?", "Question q2?"]
    data_of(house.patch(f"{bank}/{first}", {"text": "Changed?"}))
    assert seen() == ["Changed?", "Question q2?"]
    data_of(house.post(f"{bank}/reorder", {"keys": ["q2", "q1"]}))
    assert seen() == ["Question q2?", "Changed?"]
    data_of(house.delete(f"{bank}/{second}"))
    assert seen() == ["Changed?"]
    data_of(house.post(bank, essay), 201)
    assert seen() == ["Changed?", "Why?"]
    data_of(house.put(f"/api/tests/{test}", {"name": "Renamed"}))
    assert student.get("/v1/tests").json()[0]["title"] == student.get(f"/v1/tests/{test}").json()["title"] == "Renamed"
    author.put(f"/v1/tests/{test}", {"is_active": False})
    error_of(student.get(f"/v1/tests/{test}"), 404, "NOT_FOUND")


def test_show__when_the_cache_is_away__then_all_the_same(author, student, monkeypatch):
    test = make_test(author)

    def gone(*args, **kwargs):
        raise ConnectionError

    monkeypatch.setattr(cache, "get", gone)
    assert len(student.get(f"/v1/tests/{test}").json()["questions"]) == 2


def test_delete__then_gone_and_its_results_stay(author, student):
    test = make_test(author)
    submit(student, test, q1="a")
    assert author.delete(f"/v1/tests/{test}").status_code == 204
    for api in (author, student):
        error_of(api.get(f"/v1/tests/{test}"), 404, "NOT_FOUND")
    error_of(submit(student, test), 404, "NOT_FOUND")
    assert Result.objects.count() == 1


def test_submit__then_scored_by_the_one_engine_with_its_log(author):
    user = make_named()
    test = make_test(author)
    response = submit(Api(token_of(user)), test, q1="a", q2="c")
    assert response.status_code == 200
    answer = response.json()
    assert set(answer) == {"score", "details"}
    assert answer["score"] == 2
    assert isinstance(answer["score"], int)
    session = ExamSession.objects.get()
    result = Result.objects.get()
    assert answer["details"] == {
        "result_id": result.pk, "attempt": 1, "submitted_at": clock.iso(session.completed_at),
        "already_submitted": False, "max_score": 3, "percentage": 66.67, "passed": None, "correct_count": 1,
        "wrong_count": 1, "unanswered_count": 0,
    }  # fmt: skip
    assert (session.taker_id, session.user_id, session.status) == (user.pk, user.pk, "completed")
    kinds = list(SessionEvent.objects.order_by("seq").values_list("kind", flat=True))
    assert kinds == ["started", "answers_saved", "submitted", "scored"]
    assert dict(SessionAnswer.objects.values_list("question_id", "value")) == {"q1": "a", "q2": "c"}


def test_submit__when_sent_twice__then_the_first_result(author, student):
    test = make_test(author)
    first = submit(student, test, q1="a").json()
    again = submit(student, test, q1="a", q2="b").json()
    assert again == {"score": first["score"], "details": {**first["details"], "already_submitted": True}}
    assert (ExamSession.objects.count(), Result.objects.count()) == (1, 1)


def test_submit__when_option_ids_are_numbers__then_as_texts(author, student):
    options = [{"id": "1", "text": "one"}, {"id": "2", "text": "two"}]
    test = make_test(author, {**question(), "options": options, "correct_option": "2"})
    assert submit(student, test, q1=2).json()["score"] == 1


def test_submit__when_nothing_is_answered__then_zero(author, student):
    answer = submit(student, make_test(author)).json()
    assert (answer["score"], answer["details"]["unanswered_count"]) == (0, 2)


@pytest.mark.parametrize(
    ("answers", "code"),
    [({"q1": "z"}, "VALIDATION_ERROR"), ({"q9": "a"}, "UNKNOWN_QUESTION"), ({"q1": ["a"]}, "VALIDATION_ERROR")],
)
def test_submit__when_an_answer_is_wrong__then_422_and_nothing_is_used_up(author, student, answers, code):
    test = make_test(author)
    error_of(submit(student, test, **answers), 422, code)
    assert (ExamSession.objects.count(), SessionEvent.objects.count()) == (0, 0)
    assert submit(student, test, q1="a").json()["score"] == 2


@pytest.mark.parametrize("answers", [None, [], "a", 5])
def test_submit__when_answers_are_no_object__then_422(author, student, answers):
    test = make_test(author)
    error_of(student.post(f"/v1/tests/{test}/submit", {"answers": answers}), 422, "VALIDATION_ERROR")


def test_before_the_start__then_no_questions_and_no_submission(author, student):
    start = clock.now() + timedelta(hours=1)
    test = make_test(author, starts_at=clock.iso(start))
    assert student.get(f"/v1/tests/{test}").json()["questions"] == []
    assert len(author.get(f"/v1/tests/{test}").json()["questions"]) == 2
    error_of(submit(student, test, q1="a"), 400, "TEST_NOT_AVAILABLE")
    with time_machine.travel(start + timedelta(seconds=1), tick=False):
        assert len(student.get(f"/v1/tests/{test}").json()["questions"]) == 2
        assert submit(student, test, q1="a").json()["score"] == 2


def test_policy__when_key_is_shown_afterwards__then_only_without_attempts_left(author, student):
    test = make_test(author)
    Test.objects.filter(pk=test).update(result_policy="score_and_key", max_attempts=2)
    assert "questions" not in submit(student, test, q1="a").json()["details"]
    details = submit(student, test, q1="c").json()["details"]
    assert details["attempt"] == 2
    assert details["questions"]["q1"] == {"is_correct": False, "points": 0, "correct_option": "a"}


def test_policy__when_results_are_kept_back__then_no_score(author, student):
    test = make_test(author)
    Test.objects.filter(pk=test).update(result_policy="none")
    answer = submit(student, test, q1="a").json()
    assert answer["score"] is None
    assert set(answer["details"]) == {"result_id", "attempt", "submitted_at", "already_submitted"}


def test_delete_user__when_results_depend__then_hidden_and_the_name_is_free(author):
    user = make_named(username="siti")
    submit(Api(token_of(user)), make_test(author), q1="a")
    admin = api_of(Role.SUPER_ADMIN)
    assert admin.delete(f"/v1/users/{user.pk}").status_code == 204
    error_of(admin.get(f"/v1/users/{user.pk}"), 404, "NOT_FOUND")
    user.refresh_from_db()
    assert (user.is_active, user.username) == (False, f"removed:{user.pk}")
    assert Result.objects.count() == 1
    again = admin.post("/v1/users", {"username": "siti", "password": "password123", "role": "student"})
    assert again.status_code == 201


def test_ground__when_there_are_two_or_none__then_the_database_refuses(author, student):
    submit(student, make_test(author), q1="a")
    session = ExamSession.objects.get()
    for change in ({"taker_id": None}, {"user_id": None}, {"user_id": session.user_id + 1}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ExamSession.objects.filter(pk=session.pk).update(**change)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_submit__when_eight_at_once__then_one_session_and_one_result():
    author, student = api_of(Role.INSTRUCTOR), api_of()
    test = make_test(author)
    answers = race(8, lambda index: submit(student, test, q1="a" if index % 2 else "b"))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len({answer.json()["details"]["result_id"] for answer in answers}) == 1
    assert len({answer.json()["score"] for answer in answers}) == 1
    assert (ExamSession.objects.count(), Result.objects.count()) == (1, 1)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_submit__control__looking_first_would_let_both_in():
    author, user = api_of(Role.INSTRUCTOR), make_named()
    test = Test.objects.get(pk=make_test(author))
    looked = threading.Barrier(2)

    def act(_):
        done = classes._completed(user.pk, test)
        looked.wait(timeout=30)
        return len(done)

    assert race(2, act) == [0, 0]
