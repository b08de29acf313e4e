"""Twin requests. Each race has its control: the same run with the guard taken away shows the fault."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.db.models import Max

from cbt.kernel import clock
from cbt.kernel.actor import SYSTEM
from cbt.kernel.errors import DomainError, ErrorCode
from sessions_app.models import ExamSession, Participant, Result, SessionAnswer, SessionEvent, TestAssignment
from sessions_app.services import closing, hot_sql, participants, saving, sessions
from sessions_app.services.saving import answers_save
from sessions_app.tests.factories import make_assignment, make_bank_test, start_session
from tenants.models import CompanySubscription
from tenants.tests.factories import make_company
from tests.support import Api, race

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]
MANY = 16


def test_start__when_sixteen_at_once__then_one_session_and_one_token():
    _, token = make_assignment()
    results = race(MANY, lambda _: Api().post(f"/api/participant/session/start?token={token}"))
    assert [response.status_code for response in results] == [200] * MANY
    assert len({response.json()["data"]["session"]["session_token"] for response in results}) == 1
    session = ExamSession.objects.get()
    kinds = list(SessionEvent.objects.order_by("seq").values_list("seq", "kind"))
    assert kinds == [(1, "started"), *((number, "resumed") for number in range(2, MANY + 1))]
    assert session.attempt_number == 1


needs_real_rows = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite lets one writer in at a time: there is no race to show"
)


class Meeting:
    """Lets two threads meet once at the same line; whoever comes later passes through."""

    def __init__(self):
        self.barrier = threading.Barrier(2)

    def __call__(self):
        try:
            self.barrier.wait(timeout=5)
        except threading.BrokenBarrierError:
            return


@needs_real_rows
def test_start__control__when_locks_are_off__then_the_second_start_fails(monkeypatch):
    """Without the row locks both starts see no open session; only the constraint stands between them and two rows."""
    _, token = make_assignment()
    meet = Meeting()
    monkeypatch.setattr(sessions, "lock_participant", lambda pk: Participant.objects.get(pk=pk))

    def unlocked(pk):
        row = TestAssignment.objects.get(pk=pk)
        meet()
        return row

    monkeypatch.setattr(sessions, "lock_assignment", unlocked)
    results = race(2, lambda _: start_session(token))
    assert sorted(type(row).__name__ for row in results) == ["DomainError", "Started"]


def test_start__when_a_second_open_session_is_inserted__then_the_constraint_refuses():
    session = start_session().session
    session.pk, session.token_hash, session.attempt_number = None, "0" * 64, 2
    session._state.adding = True
    with pytest.raises(IntegrityError), transaction.atomic():
        session.save(force_insert=True)
    assert ExamSession.objects.count() == 1


def assignment_token_of(assignment):
    from sessions_app.selectors.assignments import assignment_token

    return assignment_token(assignment)


def test_submit__when_sixteen_at_once__then_one_result_with_one_id():
    started = start_session()
    Api().post(f"/api/test-session/{started.token}/save-answers", {"answers": {"q1": "b"}})
    results = race(MANY, lambda _: Api().post(f"/api/test-session/{started.token}/submit"))
    assert [response.status_code for response in results] == [200] * MANY
    bodies = [response.json()["data"] for response in results]
    assert {body["result_id"] for body in bodies} == {Result.objects.get().pk}
    assert sorted(body["already_submitted"] for body in bodies) == [False] + [True] * (MANY - 1)
    assert SessionEvent.objects.filter(kind="submitted").count() == 1


@needs_real_rows
def test_submit__control__when_the_lock_is_off__then_it_is_scored_twice(monkeypatch):
    """With plain reads in place of the row lock both requests see an open session, and both want to score it."""
    started = start_session()
    meet = Meeting()

    def unlocked(token_hash, **_):
        row = ExamSession.objects.get(token_hash=token_hash)
        meet()
        return row

    monkeypatch.setattr(closing, "lock_chain", unlocked)
    results = race(2, lambda _: closing.session_submit(token=started.token, now=clock.now()))
    assert [row.is_replay for row in results] == [False, False]
    assert Result.objects.count() == 2


def test_submit_and_saves__when_racing__then_no_save_after_the_result():
    started = start_session(test=make_bank_test())
    token = started.token

    def act(index):
        if index == 0:
            return Api().post(f"/api/test-session/{token}/submit")
        return Api().post(f"/api/test-session/{token}/save-answers", {"answers": {"q1": "b" if index % 2 else "a"}})

    responses = race(MANY, act)
    assert responses[0].status_code == 200
    assert {response.status_code for response in responses[1:]} <= {200, 400}
    order = list(SessionEvent.objects.order_by("seq").values_list("kind", flat=True))
    assert order[-2:] == ["submitted", "scored"]
    stored = SessionAnswer.objects.filter(question_id="q1").values_list("value", flat=True).first()
    assert Result.objects.get().correct_count == (1 if stored == "b" else 0)


def test_saves__when_interleaved__then_log_and_projection_agree_without_gaps():
    started = start_session(test=make_bank_test())
    responses = race(
        MANY,
        lambda index: Api().post(
            f"/api/test-session/{started.token}/save-answers",
            {"answers": {"q1": "abc"[index % 3], "q2": "abc"[(index + 1) % 3]}},
        ),
    )
    assert {response.status_code for response in responses} == {200}
    replayed = {}
    events = list(SessionEvent.objects.order_by("seq"))
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    for event in events:
        for row in event.payload.get("answers", []):
            replayed[row["question_id"]] = row["answer"]
    assert replayed == dict(SessionAnswer.objects.values_list("question_id", "value"))


@needs_real_rows
def test_save__control__when_comparison_precedes_the_lock__then_an_update_is_lost(monkeypatch):
    """Stored A; one saves B; the other saves A meanwhile. Arrival order says A. Comparing before locking keeps B."""
    started = start_session()
    session_id = started.session.pk
    answers_save(token=started.token, answers={"q1": "a"}, revision=None, client_at=None, now=clock.now())
    stale = hot_sql.stored_answers(session_id, ["q1"])
    answers_save(token=started.token, answers={"q1": "b"}, revision=None, client_at=None, now=clock.now())
    monkeypatch.setattr(saving.hot_sql, "stored_answers", lambda *_: stale)
    answers_save(token=started.token, answers={"q1": "a"}, revision=None, client_at=None, now=clock.now())
    assert SessionAnswer.objects.get().value == "b", "the control must lose the update"
    monkeypatch.undo()
    answers_save(token=started.token, answers={"q1": "a"}, revision=None, client_at=None, now=clock.now())
    assert SessionAnswer.objects.get().value == "a"


@needs_real_rows
def test_save__when_another_save_holds_the_row__then_it_waits_and_wins():
    started = start_session()
    answers_save(token=started.token, answers={"q1": "a"}, revision=None, client_at=None, now=clock.now())
    holds, may_commit = threading.Event(), threading.Event()

    def first():
        with transaction.atomic():
            answers_save(token=started.token, answers={"q1": "b"}, revision=None, client_at=None, now=clock.now())
            holds.set()
            assert may_commit.wait(20)
        connections.close_all()

    def second():
        answers_save(token=started.token, answers={"q1": "a"}, revision=None, client_at=None, now=clock.now())
        connections.close_all()

    one, two = threading.Thread(target=first), threading.Thread(target=second)
    one.start()
    assert holds.wait(20)
    two.start()
    _wait_until_somebody_waits_for_a_lock()
    may_commit.set()
    one.join(20)
    two.join(20)
    assert SessionAnswer.objects.get().value == "a"


def _wait_until_somebody_waits_for_a_lock():
    with connection.cursor() as cursor:
        for _ in range(20_000):
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waited")


def _create(company, number):
    now = clock.now()
    window = participants.Window(now, now + timedelta(days=1))
    test = make_bank_test_once(company)
    return participants.participant_create(
        company_id=company.pk, name=f"P {number}", email=f"p{number}@example.com", test_ids=[test], window=window,
        now=now, actor=SYSTEM,
    )  # fmt: skip


_tests: dict[int, int] = {}


def make_bank_test_once(company):
    return _tests[company.pk]


def test_participants__when_twenty_on_a_quota_of_five__then_exactly_five():
    company = make_company(quota=5)
    _tests[company.pk] = make_bank_test().pk
    results = race(20, lambda number: _create(company, number))
    refused = [error for error in results if isinstance(error, DomainError)]
    assert [error.code for error in refused] == ["QUOTA_EXCEEDED"] * 15, results
    assert Participant.objects.count() == 5
    assert CompanySubscription.objects.get(company=company).used_quota == 5


@needs_real_rows
def test_participants__control__when_quota_is_read_then_written__then_it_is_oversold(monkeypatch):
    company = make_company(quota=5)
    _tests[company.pk] = make_bank_test().pk
    CompanySubscription.objects.filter(company=company).update(used_quota=4)
    meet = Meeting()

    def naive(*, company_id, count, now):
        row = CompanySubscription.objects.get(company_id=company_id)
        meet()
        if row.used_quota + count > row.user_quota:
            raise DomainError(ErrorCode.QUOTA_EXCEEDED, "full")
        CompanySubscription.objects.filter(pk=row.pk).update(used_quota=row.used_quota + count)

    monkeypatch.setattr(participants, "quota_take", naive)
    race(2, lambda number: _create(company, number))
    assert Participant.objects.count() == 2, "two people on one place"


def test_participants__when_same_address_in_other_case_at_once__then_one():
    company = make_company()
    _tests[company.pk] = make_bank_test().pk
    now = clock.now()
    window = participants.Window(now, now + timedelta(days=1))

    def act(index):
        return participants.participant_create(
            company_id=company.pk, name="Twin", email="Twin@Example.com" if index else "twin@example.com",
            test_ids=[_tests[company.pk]], window=window, now=now, actor=SYSTEM,
        )  # fmt: skip

    results = race(2, act)
    assert sorted(type(row).__name__ for row in results) == ["DomainError", "Participant"]
    assert Participant.objects.count() == 1
    assert CompanySubscription.objects.get(company=company).used_quota == 1


def test_ban_and_start__when_racing__then_no_open_session_of_a_banned_person():
    for _ in range(4):
        assignment, token = make_assignment()

        def act(index, token=token, person=assignment.participant_id):
            if index == 0:
                return participants.participant_ban(
                    participant_id=person, reason="x", now=clock.now(), actor=SYSTEM
                )  # fmt: skip
            return Api().post(f"/api/participant/session/start?token={token}")

        race(4, act)
        open_sessions = ExamSession.objects.filter(participant_id=assignment.participant_id, status="in_progress")
        assert open_sessions.count() == 0


def test_events__then_numbers_follow_each_other():
    started = start_session()
    race(
        8,
        lambda _: Api().post(f"/api/participant/session/start?token={assignment_token_of(started.session.assignment)}"),
    )
    last = SessionEvent.objects.aggregate(last=Max("seq"))["last"]
    assert last == SessionEvent.objects.count() == 9
