"""A private buyer's attempts, and what ends and does not end them. Contract 2.7."""

from datetime import timedelta

import pytest
import time_machine
from django.db import transaction

from accounts.tests.factories import make_user
from catalog.models import Test
from cbt.kernel import clock
from cbt.kernel.actor import SYSTEM
from cbt.kernel.errors import DomainError
from commerce.models import Purchase
from commerce.services.purchases import purchase_grant
from sessions_app.models import ExamSession
from sessions_app.selectors.sessions import may_try_again
from sessions_app.services.sessions import (
    Origin,
    session_abandon,
    session_ban,
    session_lock_open,
    session_start_file,
    session_start_purchase,
)
from sessions_app.tests.factories import make_assignment, make_bank_test, start_session
from tests.support import data_of, error_of


@pytest.fixture
def buyer(db):
    return make_user()


def bought(buyer, **test) -> Purchase:
    return purchase_grant(user_id=buyer.pk, test_id=make_bank_test(**test).pk, now=clock.now(), actor=SYSTEM)


def start(purchase):
    return session_start_purchase(purchase=purchase, now=clock.now(), origin=Origin("127.0.0.1", "tests"))


def ban(started):
    now = clock.now()
    with transaction.atomic():
        session_ban(session=session_lock_open(started.token, now=now, may_ban=True), reason="x", now=now, actor=SYSTEM)


def test_start__when_banned__then_the_purchase_is_used_up(api, buyer):
    purchase = bought(buyer)
    ban(start(purchase))
    me = api.as_(buyer)
    error_of(me.post(f"/api/my-tests/{purchase.test_id}/start"), 400, "ATTEMPTS_USED_UP")
    assert list(ExamSession.objects.values_list("status", flat=True)) == ["banned"]


def test_start__when_banned_once_and_two_attempts_bought__then_one_more(buyer):
    purchase = bought(buyer, settings={"max_attempts": 2})
    first = start(purchase)
    ban(first)
    assert may_try_again(first.session) is True
    second = start(purchase)
    assert second.session.attempt_number == 2
    ban(second)
    assert may_try_again(second.session) is False
    with pytest.raises(DomainError, match="Test already completed"):
        start(purchase)


def test_start__when_given_up_by_staff__then_not_held_against_the_buyer(buyer):
    purchase = bought(buyer)
    session_abandon(session_id=start(purchase).session.pk, reason="power cut", now=clock.now(), actor=SYSTEM)
    assert start(purchase).session.attempt_number == 2


def test_start__when_an_exam_file_and_banned__then_used_up(buyer):
    test, now = make_bank_test(), clock.now()
    begin = {"user_id": buyer.pk, "exam_file": "exam1", "test": test, "now": now, "origin": Origin("", "")}
    ban(session_start_file(**begin))
    with pytest.raises(DomainError, match="Test already completed"):
        session_start_file(**begin)


WITHDRAWN = [{"is_active": False}, {"deleted_at": clock.now()}]


@pytest.mark.parametrize("change", WITHDRAWN)
def test_start__when_the_test_was_withdrawn_in_the_middle__then_the_open_session_goes_on(api, buyer, change):
    purchase = bought(buyer)
    running = start(purchase)
    Test.objects.filter(pk=purchase.test_id).update(**change)
    me = api.as_(buyer)
    (row,) = data_of(me.get("/api/my-tests"))
    assert (row["id"], row["has_active_session"]) == (purchase.test_id, True)
    data_of(me.get(f"/api/my-tests/{purchase.test_id}/instructions"))
    again = data_of(me.post(f"/api/my-tests/{purchase.test_id}/start"))["session"]
    assert again["session_token"] == running.token
    session_abandon(session_id=running.session.pk, reason="power cut", now=clock.now(), actor=SYSTEM)
    assert data_of(me.get("/api/my-tests")) == []
    error_of(me.get(f"/api/my-tests/{purchase.test_id}/instructions"), 400, "TEST_NOT_AVAILABLE")
    error_of(me.post(f"/api/my-tests/{purchase.test_id}/start"), 400, "TEST_NOT_AVAILABLE")


@pytest.mark.parametrize("change", WITHDRAWN)
def test_start__when_the_assigned_test_was_withdrawn__then_only_what_is_open_goes_on(api, db, change):
    test = make_bank_test()
    token, fresh = (make_assignment(test=test)[1] for _ in range(2))
    running = start_session(token)
    Test.objects.filter(pk=test.pk).update(**change)
    again = data_of(api.post(f"/api/participant/session/start?token={token}"))["session"]
    assert again["session_token"] == running.token
    error_of(api.post(f"/api/participant/session/start?token={fresh}"), 400, "TEST_NOT_AVAILABLE")


def test_reads__when_the_time_is_up_and_nobody_closed_it_yet__then_completed(api, buyer):
    purchase = bought(buyer, duration_minutes=60)
    session, me = start(purchase).session, api.as_(buyer)
    for late_by, is_open in ((30, True), (31, False)):
        with time_machine.travel(session.deadline_at + timedelta(seconds=late_by), tick=False):
            (row,) = data_of(me.get("/api/my-tests"))
            assert (row["has_active_session"], row["is_completed"]) == (is_open, not is_open)
            told = data_of(me.get(f"/api/my-tests/{purchase.test_id}/instructions"))
            assert told["is_completed"] is not is_open
    assert ExamSession.objects.get().status == "in_progress", "a read stays a read"


def test_reads__when_a_late_session_is_paused__then_still_open(api, buyer):
    session = start(bought(buyer, duration_minutes=60)).session
    ExamSession.objects.update(paused_at=session.started_at)
    me = api.as_(buyer)
    with time_machine.travel(session.deadline_at + timedelta(hours=1), tick=False):
        assert data_of(me.get("/api/my-tests"))[0]["has_active_session"] is True


def test_my_tests__when_the_pages_are_the_frontends__then_told_where(api, buyer):
    routes = {"instruction_route": "/tests/kraepelin/instruction", "test_route": "/tests/kraepelin/start"}
    purchase, me = bought(buyer), api.as_(buyer)
    Test.objects.filter(pk=purchase.test_id).update(**routes)
    (row,) = data_of(me.get("/api/my-tests"))
    told = data_of(me.get(f"/api/my-tests/{purchase.test_id}/instructions"))["test"]
    assert {key: row[key] for key in routes} == {key: told[key] for key in routes} == routes
