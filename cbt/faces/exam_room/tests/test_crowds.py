"""Attacks, crowds and races in the exam room, and what staff sees of it afterwards."""

import pytest
import time_machine
from django.test import RequestFactory

from accounts.services import login as login_service
from accounts.tests.factories import PASSWORD
from anticheat.models import CheatDetection
from anticheat.services.devices import device_check, is_other_device
from cbt.faces.exam_room.tests.factories import exam_test, make_candidate
from cbt.http.rates import Rate, enforce
from cbt.kernel import clock
from sessions_app.models import ExamSession, SessionAnswer, SessionEvent
from sessions_app.services.sessions import session_token
from tests.support import Api, error_of, race

pytestmark = pytest.mark.django_db


def test_enumeration__when_a_stranger_counts_through_numbers__then_nothing_differs_until_the_address_is_shut():
    one = make_candidate()
    known = one.participant.user.participant_number
    prefix, _, last = known.partition("-")
    seen = set()
    for number in (f"{prefix}-{value}" for value in range(int(last) - 3, int(last) + 4)):
        response = Api().post("/api/auth/login", {"nomor_peserta": number, "password": "guess-1"})
        body = response.json()
        body.pop("request_id")
        seen.add((response.status_code, str(sorted(body.items())), str(sorted(set(response.headers)))))
    assert len(seen) == 1
    for value in range(3000 - 7):
        login_service._begin(login_service._NUMBER, f"number x{value}|127.0.0.1", "127.0.0.1")
    error_of(Api().post("/api/auth/login", {"nomor_peserta": "x", "password": "guess-1"}), 429, "RATE_LIMITED")


def test_crowd__when_500_candidates_of_one_address_work_at_the_documented_rates__then_no_429():
    request = RequestFactory().get("/", REMOTE_ADDR="203.0.113.7")
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False):
        for user_id in range(1, 501):
            for rate, count in ((Rate.EXAM_QUESTIONS, 10), (Rate.EXAM_SUBMIT, 1), (Rate.EXAM_READ, 5)):
                for _ in range(count):
                    enforce(rate, request, user_id=user_id)
        for user_id in range(1, 51):
            for _ in range(100):
                enforce(Rate.EXAM_ANSWER, request, user_id=user_id)


def test_crowd__when_thirty_sign_in_and_sit_behind_one_address__then_each_gets_through():
    test = exam_test()
    people = [make_candidate(test=test) for _ in range(30)]
    for one in people:
        body = {"nomor_peserta": one.participant.user.participant_number, "password": PASSWORD}
        assert Api().post("/api/auth/login", body, headers={"X-Forwarded-For": "1.2.3.4"}).status_code == 200
        assert one.questions()
        assert one.answer(1, "A").status_code == 200
    assert ExamSession.objects.filter(status="in_progress").count() == 30


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_race__when_saves_meet_the_submit__then_each_is_stored_before_it_or_refused():
    one = make_candidate()
    one.questions()

    def act(index):
        if index == 3:
            return one.api.post(f"{one.url}/submit").status_code
        return one.answer(index + 1, "A").status_code

    statuses = race(6, act)
    assert statuses[3] == 200
    assert set(statuses) <= {200, 400}
    acknowledged = {f"q{index + 1}" for index, status in enumerate(statuses) if status == 200 and index != 3}
    assert set(SessionAnswer.objects.values_list("question_id", flat=True)) == acknowledged
    kinds = list(SessionEvent.objects.order_by("seq").values_list("kind", flat=True))
    assert "answers_saved" not in kinds[kinds.index("submitted") :]
    session = ExamSession.objects.get()
    assert session.results.count() == 1
    assert session.results.get().unanswered_count == 6 - len(acknowledged)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_race__when_the_paper_is_asked_for_and_handed_in_twice_at_once__then_one_session_and_one_result():
    one = make_candidate()
    papers = race(4, lambda _: one.api.get(f"{one.url}/questions").status_code)
    assert set(papers) == {200}
    assert ExamSession.objects.count() == 1
    ids = race(4, lambda _: one.api.post(f"{one.url}/submit").json()["result_id"])
    assert len(set(ids)) == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_race__when_handed_in_eight_times_at_once_from_another_device__then_each_gets_the_one_result():
    one = make_candidate()
    one.api.get(f"{one.url}/questions", headers={"User-Agent": "One Browser/1.0"})
    elsewhere = {"User-Agent": "Another Browser/1.0"}
    answers = race(8, lambda _: one.api.post(f"{one.url}/submit", headers=elsewhere))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len({answer.json()["result_id"] for answer in answers}) == 1
    assert [answer.json()["already_submitted"] for answer in answers].count(False) == 1


def test_device__when_the_session_ends_between_reading_and_noting__then_nothing_is_noted_or_refused():
    one = make_candidate()
    one.api.get(f"{one.url}/questions", headers={"User-Agent": "One Browser/1.0"})
    stale = ExamSession.objects.select_related("test").get()
    one.api.post(f"{one.url}/submit", headers={"User-Agent": "One Browser/1.0"})
    seen = {"ip": "203.0.113.9", "user_agent": "Another Browser/1.0"}
    assert is_other_device(stale, **seen)
    device_check(session=stale, token=session_token(stale), now=clock.now(), **seen)
    assert not CheatDetection.objects.filter(detection_type="multiple_devices").exists()


def test_activity__when_staff_looks__then_changes_and_seconds_per_question():
    from tenants.tests.factories import make_tenant_admin

    with time_machine.travel("2026-03-01T08:00:00Z", tick=False) as moment:
        one = make_candidate()
        tenant = Api().as_(make_tenant_admin(one.participant.company))
        one.questions()
        for seconds, number, letter in ((10, 1, "A"), (20, 2, "B"), (5, 1, "C")):
            moment.shift(seconds)
            one.answer(number, letter)
        shown = tenant.get(f"/api/test-sessions/{ExamSession.objects.get().pk}").json()["data"]
    assert [(row["question_id"], row["change_count"], row["seconds"]) for row in shown["activity"]] == [
        ("q1", 2, 15), ("q2", 1, 20),
    ]  # fmt: skip
    assert (shown["activity"][0]["first_at"], shown["activity"][0]["last_at"]) == (
        "2026-03-01T08:00:10Z", "2026-03-01T08:00:35Z",
    )  # fmt: skip
