"""Other windows and extra time: what moves, what does not, and who may."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail as mailbox

from accounts.models import Login
from accounts.states import Role
from accounts.tests.factories import make_user, token_of
from cbt.kernel import clock
from cbt.kernel.actor import SYSTEM
from cbt.kernel.dates import local_id
from cbt.kernel.models import AuditEvent, FeedEvent, OutgoingMail
from commerce.tests.factories import make_purchase
from sessions_app.models import ExamSession, SessionEvent, TestAssignment
from sessions_app.services import closing, rescheduling
from sessions_app.services.closing import session_continue, session_pause, session_submit
from sessions_app.services.mails import assignment_mail_enqueue
from sessions_app.services.rescheduling import session_give_time
from sessions_app.services.sessions import Origin, session_start_purchase
from sessions_app.tests.factories import make_assignment, make_bank_test, make_participant, start_session
from tenants.models import Company
from tenants.tests.factories import make_company, make_tenant_admin
from tests.support import Api, data_of, error_of, race, run_jobs

HOUR = timedelta(hours=1)


@pytest.fixture
def tenant(db):
    return make_tenant_admin(make_company(quota=5))


@pytest.fixture
def person(tenant):
    return make_participant(company=Company.objects.get(pk=tenant.company_id))


def route(assignment):
    return f"/api/test-assignments/{assignment.pk}"


def changes(session):
    return list(SessionEvent.objects.filter(session=session, kind="time_changed").values_list("payload", flat=True))


@time_machine.travel("2026-03-02T08:00:00Z", tick=False)
def test_extra_time__when_given_before_the_start__then_the_sitting_is_longer(api, tenant, person):
    assignment, link = make_assignment(participant=person)
    staff = api.as_(tenant)
    data = data_of(staff.patch(route(assignment), {"extra_minutes": 15, "reason": "Needs a reader"}))
    assert (data["id"], data["extra_minutes"]) == (assignment.pk, 15)
    assert data_of(staff.get(route(assignment)))["extra_minutes"] == 15
    session = start_session(link).session
    assert (session.deadline_at - session.started_at, session.extra_seconds) == (timedelta(minutes=75), 900)
    assert data_of(staff.get(f"/api/test-sessions/{session.pk}"))["extra_minutes"] == 15
    assert not OutgoingMail.objects.exists()
    kept = AuditEvent.objects.get(action="sessions_app.assignment.rescheduled")
    assert (kept.data["before"]["extra_seconds"], kept.data["after"]["extra_seconds"]) == (0, 900)
    assert kept.data["reason"] == "Needs a reader"


@time_machine.travel("2026-03-02T08:00:00Z", tick=False)
def test_extra_time__when_the_test_is_running__then_deadline_log_and_news_follow_and_saves_are_taken(
    api, tenant, person
):
    assignment, link = make_assignment(participant=person)
    started = start_session(link)
    staff, path = api.as_(tenant), f"/api/test-sessions/{started.session.pk}/extra-time"
    answer = staff.put(path, {"extra_minutes": 10, "reason": "Fire alarm"})
    data = data_of(answer)
    assert answer.json()["message"] == "Session time changed successfully"
    assert (data["deadline_at"], data["remaining_seconds"]) == ("2026-03-02T09:10:00Z", 4200)
    assert changes(started.session) == [
        {"extra_seconds": 600, "deadline_at": "2026-03-02T09:10:00Z", "reason": "Fire alarm"}
    ]
    told = FeedEvent.objects.filter(event="session.time_changed").order_by("topic")
    assert [row.topic for row in told] == [f"monitor/{tenant.company_id}", f"session/{started.session.pk}"]
    assert told[1].payload["deadline_at"] == "2026-03-02T09:10:00Z"
    assert told[1].payload["extra_seconds"] == 600
    assert TestAssignment.objects.get(pk=assignment.pk).extra_seconds == 600
    with time_machine.travel(clock.now() + timedelta(minutes=69), tick=False):
        data_of(api.post(f"/api/test-session/{started.token}/save-answers", {"answers": {"q1": "a"}}))


@time_machine.travel("2026-03-02T08:00:00Z", tick=False)
def test_extra_time__when_sent_twice__then_one_change(api, tenant, person):
    assignment, link = make_assignment(participant=person)
    session = start_session(link).session
    staff = api.as_(tenant)
    for _ in range(2):
        data_of(staff.put(f"/api/test-sessions/{session.pk}/extra-time", {"extra_minutes": 10}))
        data_of(staff.patch(route(assignment), {"extra_minutes": 10}))
    assert len(changes(session)) == 1
    assert AuditEvent.objects.filter(action="sessions_app.assignment.rescheduled").count() == 1


@time_machine.travel("2026-03-02T08:00:00Z", tick=False)
def test_extra_time__when_the_window_ends_first__then_the_window_wins_until_it_is_moved(api, tenant, person):
    now = clock.now()
    assignment, link = make_assignment(participant=person, end_at=now + timedelta(minutes=50))
    session = start_session(link).session
    staff = api.as_(tenant)
    data_of(staff.patch(route(assignment), {"extra_minutes": 30}))
    session.refresh_from_db()
    assert (session.deadline_at, session.extra_seconds) == (now + timedelta(minutes=50), 1800)
    data_of(staff.put(route(assignment), {"end_date": "2026-03-02T12:00:00Z"}))
    session.refresh_from_db()
    assert session.deadline_at == now + timedelta(minutes=90)


@time_machine.travel("2026-03-02T08:00:00Z", tick=False)
def test_extra_time__when_there_was_a_pause__then_both_count(tenant, person):
    _, link = make_assignment(participant=person)
    session, now = start_session(link).session, clock.now()
    session_pause(session=session, reason="r", now=now + timedelta(minutes=10))
    session_give_time(
        session_id=session.pk, extra_seconds=600, reason="", now=now + timedelta(minutes=70), actor=SYSTEM
    )
    session_continue(session_id=session.pk, now=now + timedelta(minutes=80), actor=SYSTEM)
    session_give_time(
        session_id=session.pk, extra_seconds=900, reason="", now=now + timedelta(minutes=90), actor=SYSTEM
    )
    session.refresh_from_db()
    assert session.deadline_at == now + timedelta(minutes=60 + 70 + 15)


@time_machine.travel("2026-03-02T08:00:00Z", tick=False)
def test_extra_time__when_taken_back_beyond_the_time_used__then_422_and_nothing_moves(api, tenant, person):
    assignment, link = make_assignment(participant=person, extra_seconds=3600)
    session, staff = start_session(link).session, api.as_(tenant)
    with time_machine.travel(clock.now() + timedelta(minutes=61), tick=False):
        errors = error_of(staff.patch(route(assignment), {"extra_minutes": 1}), 422, "VALIDATION_ERROR")["errors"]
        assert errors == {"extra_minutes": ["The test has been running for longer than the time that would be left."]}
    assert TestAssignment.objects.get(pk=assignment.pk).extra_seconds == 3600
    session.refresh_from_db()
    assert session.deadline_at == session.started_at + 2 * HOUR


@time_machine.travel("2026-03-02T08:00:00Z", tick=False)
def test_extra_time__when_the_time_had_run_out__then_the_session_is_closed_and_stays_so(api, tenant, person):
    assignment, link = make_assignment(participant=person)
    session, staff = start_session(link).session, api.as_(tenant)
    with time_machine.travel(clock.now() + timedelta(minutes=60, seconds=31), tick=False):
        path = f"/api/test-sessions/{session.pk}/extra-time"
        error_of(staff.put(path, {"extra_minutes": 10}), 400, "SESSION_NOT_IN_PROGRESS")
        error_of(staff.patch(route(assignment), {"extra_minutes": 10}), 403, "ASSIGNMENT_COMPLETED")
    session.refresh_from_db()
    assert (session.status, session.submitted_by, session.extra_seconds) == ("completed", "timer", 0)


@time_machine.travel("2026-03-02T08:00:00Z", tick=False)
def test_extra_time__when_the_candidate_signed_in__then_the_login_lasts_as_long(tenant, person):
    person.user = make_user(role=Role.PARTICIPANT, participant_number="N-1")
    person.save()
    token_of(person.user)
    login, (_, link) = Login.objects.get(user=person.user), make_assignment(participant=person)
    session = start_session(link).session
    Login.objects.filter(pk=login.pk).update(expires_at=session.deadline_at)
    session_give_time(session_id=session.pk, extra_seconds=3600, reason="", now=clock.now(), actor=SYSTEM)
    login.refresh_from_db()
    assert login.expires_at == session.started_at + 2 * HOUR + timedelta(seconds=30)


@time_machine.travel("2026-03-02T08:00:00Z", tick=False)
def test_extra_time__when_it_is_a_bought_test__then_the_house_gives_it(api, tenant):
    buyer = make_user(role=Role.PUBLIC_USER)
    purchase = make_purchase(user=buyer, test=make_bank_test(type="public"))
    session = session_start_purchase(purchase=purchase, now=clock.now(), origin=Origin()).session
    path = f"/api/test-sessions/{session.pk}/extra-time"
    error_of(api.as_(tenant).put(path, {"extra_minutes": 10}), 404, "NOT_FOUND")
    house = api.as_(make_user(role=Role.SUPER_ADMIN))
    assert data_of(house.put(path, {"extra_minutes": 10}))["deadline_at"] == "2026-03-02T09:10:00Z"
    assert data_of(house.put(path, {"extra_minutes": 0}))["deadline_at"] == "2026-03-02T09:00:00Z"
    assert AuditEvent.objects.filter(action="sessions_app.session.time_changed").count() == 2


def test_extra_time__when_there_is_no_limit__then_400(api, db):
    purchase = make_purchase(user=make_user(role=Role.PUBLIC_USER), test=make_bank_test(duration_minutes=0))
    session = session_start_purchase(purchase=purchase, now=clock.now(), origin=Origin()).session
    house = api.as_(make_user(role=Role.SUPER_ADMIN))
    answer = error_of(
        house.put(f"/api/test-sessions/{session.pk}/extra-time", {"extra_minutes": 1}), 400, "BUSINESS_RULE"
    )
    assert answer["message"] == "The test has no time limit"


@pytest.mark.parametrize("minutes", [-1, 1441, "x", None, 1.5, True])
def test_extra_time__when_no_number_of_minutes__then_422(api, tenant, person, minutes):
    assignment, _ = make_assignment(participant=person)
    errors = error_of(api.as_(tenant).patch(route(assignment), {"extra_minutes": minutes}), 422, "VALIDATION_ERROR")
    assert list(errors["errors"]) == ["extra_minutes"]


@time_machine.travel("2026-03-02T08:00:00Z", tick=False)
@pytest.mark.parametrize(("more", "mails"), [({}, 1), ({"notify": False}, 0)])
def test_reschedule__when_the_window_moves__then_the_same_link_is_sent_again_unless_unwanted(
    api, tenant, person, more, mails
):
    assignment, link = make_assignment(participant=person, end_at=clock.now() - timedelta(minutes=1))
    error_of(api.post(f"/api/participant/session/start?token={link}"), 403, "ASSIGNMENT_EXPIRED")
    window = {"schedule_start_date": "2026-03-02T07:00:00Z", "schedule_end_date": "2026-03-03", **more}
    data = data_of(api.as_(tenant).put(route(assignment), window))
    assert (data["start_date"], data["end_date"]) == ("2026-03-02T07:00:00Z", "2026-03-03T23:59:59Z")
    assert data["is_expired"] is False
    assert OutgoingMail.objects.filter(object_id=assignment.pk).count() == mails
    data_of(api.post(f"/api/participant/session/start?token={link}"))


@time_machine.travel("2026-03-02T08:00:00Z", tick=False)
def test_reschedule__when_the_window_makes_no_sense__then_422_by_field(api, tenant, person):
    assignment, _ = make_assignment(participant=person)
    put = api.as_(tenant).put
    for body, message in (
        ({"end_date": "2026-03-02T06:59:00Z"}, "The schedule end date must be a date after schedule start date."),
        ({"end_date": "2026-03-02T07:59:00Z"}, "The schedule end date must be a date after now."),
        ({"start_date": "2027-01-01"}, "The schedule end date must be a date after schedule start date."),
    ):
        errors = error_of(put(route(assignment), body), 422, "VALIDATION_ERROR")["errors"]
        assert errors == {"schedule_end_date": [message]}


@time_machine.travel("2026-03-02T08:00:00Z", tick=False)
def test_reschedule__when_started_or_over_or_done__then_refused(api, tenant, person):
    staff = api.as_(tenant)
    begun, link = make_assignment(participant=person)
    started = start_session(link)
    refused = error_of(staff.put(route(begun), {"start_date": "2026-03-02T07:30:00Z"}), 400, "BUSINESS_RULE")
    assert refused["message"] == "The test has been started. Its start date cannot be changed."
    session_submit(token=started.token, now=clock.now())
    error_of(staff.put(route(begun), {"end_date": "2026-04-01"}), 403, "ASSIGNMENT_COMPLETED")
    over, _ = make_assignment(participant=person, end_at=clock.now() - timedelta(seconds=1))
    error_of(staff.patch(route(over), {"extra_minutes": 5}), 403, "ASSIGNMENT_EXPIRED")


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_race__when_extra_time_meets_the_timer__then_either_the_time_or_the_end_never_both():
    company = make_company()
    tenant = make_tenant_admin(company)
    for _ in range(4):
        _, link = make_assignment(participant=make_participant(company=company))
        session = start_session(link).session
        late = session.deadline_at + timedelta(seconds=31)
        answers = _race_with_timer(session, tenant, late)
        session.refresh_from_db()
        moved = session.deadline_at > late
        assert (session.status, moved) in {("completed", False), ("in_progress", True)}
        assert answers == ([200] if moved else [400])
        assert len(changes(session)) == int(moved)


def _race_with_timer(session, tenant, late):
    """Close late sessions as of ``late`` while staff, whose request came a second before, gives an hour."""
    staff, path = Api(token_of(tenant)), f"/api/test-sessions/{session.pk}/extra-time"

    def act(number):
        if number == 0:
            closing._close(session.token_hash, late)
            return None
        return staff.put(path, {"extra_minutes": 120}).status_code

    return [status for status in race(2, act) if status is not None]


@pytest.mark.django_db
def test_extra_time__control__when_the_row_is_not_locked__then_a_closed_session_gets_time(monkeypatch):
    """What the lock stands against: the timer closes the session between the look at it and the write."""
    purchase = make_purchase(user=make_user(role=Role.PUBLIC_USER), test=make_bank_test())
    session = session_start_purchase(purchase=purchase, now=clock.now(), origin=Origin()).session
    late = session.deadline_at + timedelta(seconds=31)

    def only_look(pk):
        found = ExamSession.objects.get(pk=pk)
        closing._close(found.token_hash, late)
        return found

    monkeypatch.setattr(rescheduling, "lock_session", only_look)
    session_give_time(session_id=session.pk, extra_seconds=7200, reason="", now=clock.now(), actor=SYSTEM)
    session.refresh_from_db()
    assert (session.status, session.extra_seconds, len(changes(session))) == ("completed", 7200, 1)


@time_machine.travel("2026-03-02T18:30:00Z", tick=False)
def test_invitation__then_the_window_by_local_clocks_too_and_the_extra_time(tenant, person, settings):
    now = clock.now()
    assignment, _ = make_assignment(
        participant=person, start_at=now, end_at=now + HOUR, extra_seconds=900, test=make_bank_test(duration_minutes=60)
    )
    assignment_mail_enqueue(assignment=assignment, participant=person)
    run_jobs()
    text = mailbox.outbox[0].body
    assert "Dibuka : 02 March 2026 18:30 UTC (3 Maret 2026 01.30 WIB)" in text
    assert "Ditutup: 02 March 2026 19:30 UTC (3 Maret 2026 02.30 WIB)" in text
    assert "Durasi : 60 menit, ditambah 15 menit" in text
    assert "3 Maret 2026 01.30 WIB" in mailbox.outbox[0].alternatives[0].content
    settings.LOCAL_TIME_ZONE = "Asia/Jayapura"
    assert local_id(now) == "3 Maret 2026 03.30 WIT"


@time_machine.travel("2026-03-02T08:00:00Z", tick=False)
def test_duration__when_there_is_extra_time__then_a_frontends_own_timer_knows_it(api, tenant, person):
    assignment, link = make_assignment(participant=person, extra_seconds=900)
    shown = [
        data_of(api.get(f"/api/participant/{path}"))["test"]["duration_minutes"]
        for path in (f"assignment/{link}", f"instructions?token={link}")
    ]
    started = data_of(api.post(f"/api/participant/session/start?token={link}"))["session"]
    assert [*shown, started["test"]["duration_minutes"]] == [75, 75, 75]
    path = f"/api/test-session/{started['session_token']}"
    assignment.test.duration_minutes = 10
    assignment.test.save()
    assert data_of(api.as_(tenant).put(route(assignment), {"extra_minutes": 20}))["test"]["duration_minutes"] == 10
    seen = data_of(api.get(path))
    assert (seen["test"]["duration_minutes"], seen["deadline_at"]) == (80, "2026-03-02T09:20:00Z")


@pytest.mark.parametrize("nothing", [None, ""])
def test_window__when_a_form_sends_what_was_not_filled_in__then_it_stays(api, tenant, person, nothing):
    assignment, _ = make_assignment(participant=person, extra_seconds=600)
    empty = {"schedule_start_date": nothing, "schedule_end_date": nothing, "end_date": nothing, "reason": ""}
    data = data_of(api.as_(tenant).put(route(assignment), {**empty, "extra_minutes": 5}))
    assert (data["start_date"], data["end_date"]) == (clock.iso(assignment.start_at), clock.iso(assignment.end_at))
    assert data["extra_minutes"] == 5


def test_extra_time__when_only_the_window_ends_the_sitting__then_refused(api, tenant, person):
    assignment, link = make_assignment(participant=person, test=make_bank_test(duration_minutes=0))
    session = start_session(link).session
    staff, path = api.as_(tenant), f"/api/test-sessions/{session.pk}/extra-time"
    refused = error_of(staff.put(path, {"extra_minutes": 5}), 400, "BUSINESS_RULE")
    assert refused["message"] == "The test has no time limit of its own. Give the assignment a later end instead."
    assert TestAssignment.objects.get(pk=assignment.pk).extra_seconds == 0
