"""Signing in by participant number or username; accounts without an address."""

import logging
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from accounts.models import Login, User
from accounts.services import login as service
from accounts.services.verification import verification_send
from accounts.states import ROLE_PERMISSIONS, Role
from accounts.tests.factories import PASSWORD, make_user, token_of
from accounts.tests.mailbox import mails
from cbt.http.rates import Rate, enforce
from cbt.kernel.errors import DomainError, ErrorCode
from cbt.kernel.models import AuditEvent
from cbt.kernel.permissions import Perm
from tests.support import Api, counted_queries, data_of, error_of

URL = "/api/auth/login"


def candidate(number="P-7001", **fields):
    return make_user(Role.PARTICIPANT, participant_number=number, is_verified=False, company_id=7, **fields)


def by_number(api, number, password=PASSWORD, **extra):
    return api.post(URL, {"nomor_peserta": number, "password": password}, **extra)


# --- what is answered ----------------------------------------------------------------------------------


def test_login__when_by_number__then_both_documented_clients_find_what_they_read(api):
    user = candidate(name="Siti")
    response = by_number(api, "P-7001")
    data, body = data_of(response), response.json()
    assert set(body) == {"success", "message", "data", "status_code", "token", "user"}
    assert body["user"] == {"id": user.pk, "nomor_peserta": "P-7001", "nama": "Siti"}
    assert body["token"] == data["token"]
    assert data["user"] == {
        "id": user.pk, "name": "Siti", "email": None, "roles": ["participant"], "permissions": ["take_tests"],
    }  # fmt: skip
    me = data_of(Api(data["token"]).get("/api/auth/me"))
    assert (me["email"], me["email_verified_at"], me["roles"], me["userable"]) == (None, None, ["participant"], None)


@pytest.mark.parametrize("typed", ["p-7001", "  P-7001 ", "P-7001"])
def test_login__when_the_number_is_typed_otherwise__then_found(api, typed):
    candidate("P-7001")
    data_of(by_number(api, typed))


@pytest.mark.parametrize("role", [Role.INSTRUCTOR, Role.STUDENT, Role.SUPER_ADMIN])
def test_login__when_by_username__then_signed_in(api, role):
    user = make_user(role, email=None, username="Budi", is_verified=False)
    body = api.post(URL, {"username": " budi", "password": PASSWORD}).json()
    assert body["user"] == {"id": user.pk, "nomor_peserta": None, "nama": user.name}


def test_login__when_by_username_of_an_unverified_address__then_refused(api):
    make_user(username="budi", is_verified=False)
    error_of(api.post(URL, {"username": "budi", "password": PASSWORD}), 401, "EMAIL_NOT_VERIFIED")


def test_login__when_number_or_password_is_wrong__then_one_answer_and_one_hash(api, monkeypatch):
    hashed, checked = [], []
    monkeypatch.setattr(service, "make_password", lambda raw: hashed.append(raw) or make_password(raw))
    original = service.check_password
    monkeypatch.setattr(service, "check_password", lambda *a, **k: checked.append(a[0]) or original(*a, **k))
    candidate("P-7001")
    candidate("P-7002", is_active=False)
    bodies = []
    for number, password in [("P-7009", "guess"), ("P-7001", "guess"), ("P-7002", PASSWORD), ("' OR 1=1", "guess")]:
        hashed.clear()
        checked.clear()
        body = error_of(by_number(api, number, password), 401, "INVALID_CREDENTIALS")
        assert body.pop("request_id")
        assert len(hashed) + len(checked) == 1
        bodies.append(body)
    assert bodies[0]["message"] == "Invalid credentials"
    assert all(body == bodies[0] for body in bodies)


def test_login__when_the_number_is_sent_as_an_address__then_nothing_is_found(api):
    candidate("P-7001")
    make_user(username="mallory", email="x@example.com")
    error_of(by_number(api, "x@example.com"), 401, "INVALID_CREDENTIALS")
    error_of(by_number(api, "mallory"), 401, "INVALID_CREDENTIALS")
    error_of(api.post(URL, {"username": "P-7001", "password": PASSWORD}), 401, "INVALID_CREDENTIALS")


ONE = "Give exactly one of email, nomor_peserta and username."


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"password": "x"}, {"email": ["The email field is required."]}),
        ({"nomor_peserta": "", "password": "x"}, {"nomor_peserta": ["The nomor peserta field is required."]}),
        ({"nomor_peserta": "P-1"}, {"password": ["The password field is required."]}),
        ({"nomor_peserta": "P-1", "email": "a@b.co", "password": "x"}, {"nomor_peserta": [ONE], "email": [ONE]}),
        ({"nomor_peserta": "P-1", "username": "a", "password": "x"}, {"nomor_peserta": [ONE], "username": [ONE]}),
        ({"nomor_peserta": {"$ne": 1}, "password": "x"}, {"nomor_peserta": ["The nomor peserta must be a string."]}),
        (
            {"nomor_peserta": "9" * 101, "password": "x"},
            {"nomor_peserta": ["The nomor peserta must not be greater than 100 characters."]},
        ),
    ],
)
def test_login__when_not_exactly_one_name_is_given__then_422(api, body, errors):
    assert error_of(api.post(URL, body), 422, "VALIDATION_ERROR")["errors"] == errors


def test_login__when_other_names_are_null__then_they_count_as_absent(api):
    candidate("P-7001")
    data_of(api.post(URL, {"nomor_peserta": "P-7001", "email": None, "username": "", "password": PASSWORD}))


@pytest.mark.parametrize(
    ("fields", "status", "code", "message"),
    [
        ({"is_banned": True}, 403, "BANNED", "You have been banned from taking tests"),
        ({"is_locked": True}, 403, "COMPANY_INACTIVE", "Company is inactive"),
    ],
)
def test_login__when_shut__then_told_to_who_knows_the_password_only(api, fields, status, code, message):
    candidate("P-7001", **fields)
    assert error_of(by_number(api, "P-7001"), status, code)["message"] == message
    error_of(by_number(api, "P-7001", "wrong"), 401, "INVALID_CREDENTIALS")
    assert not Login.objects.exists()


@pytest.mark.parametrize("field", ["is_banned", "is_locked"])
def test_token__when_the_account_is_shut__then_401_at_once(api, field):
    user = candidate()
    token = token_of(user)
    data_of(Api(token).get("/api/auth/me"))
    User.objects.update(**{field: True})
    error_of(Api(token).get("/api/auth/me"), 401, "UNAUTHENTICATED")
    with pytest.raises(DomainError):
        service.login_open(user=user, scope="full", ip="", user_agent="")


# --- how long a candidate's login lasts ---------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "status"), [(7199, 200), (7200, 401)])
def test_candidate_login__when_no_exam_runs__then_two_hours(api, seconds, status):
    candidate()
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False) as clock:
        token = data_of(by_number(api, "P-7001"))["token"]
        clock.shift(seconds)
        assert Api(token).get("/api/auth/me").status_code == status


@pytest.mark.parametrize("is_before", [True, False])
def test_candidate_login__when_an_exam_runs__then_until_its_end_and_never_shorter(api, is_before):
    user = candidate()
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False) as clock:
        end = service.clock.now() + timedelta(hours=3)
        if is_before:
            token = data_of(by_number(api, "P-7001"))["token"]
        service.logins_last_until(user_id=user.pk, until=end)
        if not is_before:
            token = data_of(by_number(api, "P-7001"))["token"]
        service.logins_last_until(user_id=user.pk, until=service.clock.now() + timedelta(minutes=5))
        clock.shift(3 * 3600 - 1)
        assert Api(token).get("/api/auth/me").status_code == 200
        clock.shift(1)
        assert Api(token).get("/api/auth/me").status_code == 401


def test_candidate_login__when_it_has_ended__then_a_later_exam_does_not_wake_it(api):
    user = candidate()
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False) as clock:
        token = data_of(by_number(api, "P-7001"))["token"]
        clock.shift(7201)
        service.logins_last_until(user_id=user.pk, until=service.clock.now() + timedelta(hours=1))
        assert Api(token).get("/api/auth/me").status_code == 401


def test_candidate_login__then_it_is_told_with_address_and_device(api):
    user = candidate()
    by_number(api, "P-7001", headers={"User-Agent": "Exam room 3"}, REMOTE_ADDR="203.0.113.7")
    event = AuditEvent.objects.get(action="accounts.login.opened")
    login = Login.objects.get()
    assert (event.object_id, event.ip, event.company_id) == (str(user.pk), "203.0.113.7", 7)
    assert event.data == {"login_id": str(login.pk), "user_agent": "Exam room 3"}
    assert (login.ip, login.user_agent) == ("203.0.113.7", "Exam room 3")


def test_candidate_logout__then_it_is_told_once(api):
    user = candidate()
    token = data_of(by_number(api, "P-7001"))["token"]
    statuses = [Api(token).post("/api/auth/logout", REMOTE_ADDR="203.0.113.7").status_code for _ in range(2)]
    assert statuses == [200, 401]
    event = AuditEvent.objects.get(action="accounts.login.closed")
    assert (event.object_id, event.actor_id, event.ip, event.company_id) == (str(user.pk), user.pk, "203.0.113.7", 7)
    assert event.data == {"login_id": str(Login.objects.get().pk)}


def test_login__when_refused__then_the_log_tells_of_it_without_a_name(api, caplog):
    with caplog.at_level(logging.INFO, logger="cbt.login"):
        by_number(api, "P-SECRET", "wrong")
        by_number(api, "p-secret", "wrong")
    lines = [record.getMessage() for record in caplog.records if record.name == "cbt.login"]
    assert len(lines) == 2
    assert lines[0] == lines[1]
    assert lines[0].startswith("login refused door=number pair=")
    assert "secret" not in lines[0].lower()


# --- the brake ---------------------------------------------------------------------------------------


def test_brake__when_sixth_wrong_password__then_429_whatever_the_header_says(api):
    candidate()
    for number in range(5):
        headers = {"X-Forwarded-For": f"203.0.113.{number}"}
        error_of(
            by_number(api, ("P-7001", " p-7001")[number % 2], "wrong", headers=headers), 401, "INVALID_CREDENTIALS"
        )
    response = by_number(api, "P-7001", "wrong", headers={"X-Forwarded-For": "198.51.100.1"})
    error_of(response, 429, "RATE_LIMITED")
    assert 1 <= int(response["Retry-After"]) <= 900
    error_of(by_number(api, "P-7001"), 429, "RATE_LIMITED")


def test_brake__when_one_number_is_shut__then_the_neighbour_and_equal_names_of_other_doors_are_not(api):
    candidate("P-7001")
    candidate("P-7002")
    make_user(username="P-7001")
    for _ in range(6):
        by_number(api, "P-7001", "wrong")
    data_of(by_number(api, "P-7002"))
    data_of(api.post(URL, {"username": "P-7001", "password": PASSWORD}))


def test_brake__when_a_school_of_500_errs_five_times_each_within_a_minute__then_no_429(api, rf):
    """At the documented rate and behind one address. The first four tries are counted as the route counts them."""
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False):
        for number in [number for number in range(500) for _ in range(4)]:
            enforce(Rate.LOGIN, rf.post(URL))
            service._begin(service._NUMBER, f"number s-{number}|127.0.0.1", "127.0.0.1")
        assert {by_number(api, f"S-{number}", "wrong").status_code for number in range(500)} == {401}
        error_of(by_number(api, "S-0", "wrong"), 429, "RATE_LIMITED")


def test_brake__when_3000_failures_from_one_address__then_numbers_are_closed_there_and_addresses_are_not(api):
    for number in range(3000):
        service._begin(service._NUMBER, f"number s{number}|127.0.0.1", "127.0.0.1")
    candidate()
    error_of(by_number(api, "P-7001"), 429, "RATE_LIMITED")
    data_of(by_number(api, "P-7001", REMOTE_ADDR="203.0.113.7"))
    data_of(api.post(URL, {"email": make_user().email, "password": PASSWORD}))


# --- rows --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"username": "Budi"}, {"username": "bUDI"}),
        ({"participant_number": "P-1a"}, {"participant_number": "p-1A"}),
        ({}, {"email": None}),
    ],
)
def test_user__when_a_name_is_taken_or_none_is_left__then_the_database_refuses(db, first, second):
    make_user(**first)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_user(**{"email": None, **second})


def test_user__when_many_have_no_address__then_they_do_not_collide(db):
    for number in range(3):
        candidate(f"P-{number}")
    assert User.objects.filter(email=None).count() == 3


@pytest.mark.parametrize("name", ["user_by_number", "user_by_username"])
def test_look_up__then_the_index_answers(db, name):
    from django.db import connection

    from accounts.selectors import users

    with counted_queries() as statements:
        getattr(users, name)("P-1")
    assert len(statements) == 1
    assert "LOWER" in statements[0].upper()
    assert connection.vendor in {"postgresql", "sqlite"}


# --- who has no address is mailed nothing and breaks nothing ------------------------------------------


def test_mail__when_there_is_no_address__then_refused_in_words(db):
    user = candidate()
    with pytest.raises(DomainError) as caught:
        verification_send(user=user)
    assert (caught.value.code, caught.value.message) == (ErrorCode.BUSINESS_RULE, "This account has no email address.")
    error_of(Api().as_(user).post("/api/auth/resend-verification"), 400, "BUSINESS_RULE")
    assert mails() == []


def test_users__when_candidates_and_other_dialects_have_accounts__then_the_contract_routes_do_not_know_them(api):
    admin = make_user(Role.SUPER_ADMIN)
    others = [candidate(), *(make_user(role, email=None, username=role) for role in (Role.INSTRUCTOR, Role.STUDENT))]
    client = api.as_(admin)
    assert [row["id"] for row in data_of(client.get("/api/users"))["data"]] == [admin.pk]
    error_of(client.get("/api/users", {"role": "participant"}), 422, "VALIDATION_ERROR")
    body = {"name": "A", "email": "a@example.com", "password": PASSWORD, "role": "participant"}
    error_of(client.post("/api/users", body), 422, "VALIDATION_ERROR")
    for user in others:
        error_of(client.get(f"/api/users/{user.pk}"), 404, "NOT_FOUND")
        error_of(client.put(f"/api/users/{user.pk}", {"name": "Changed"}), 404, "NOT_FOUND")
        error_of(client.put(f"/api/users/{user.pk}", {"password": "changed-it"}), 404, "NOT_FOUND")
        error_of(client.delete(f"/api/users/{user.pk}"), 404, "NOT_FOUND")
    assert (
        User.objects.filter(pk__in=[user.pk for user in others], password__in=[u.password for u in others]).count() == 3
    )
    error_of(client.put(f"/api/users/{admin.pk}", {"role": "instructor"}), 422, "VALIDATION_ERROR")


def test_dashboard__when_candidates_have_accounts__then_they_are_no_users_of_the_contract(api):
    admin = make_user(Role.SUPER_ADMIN)
    candidate()
    users = data_of(api.as_(admin).get("/api/dashboard"))["users"]
    assert (users["total_users"], users["unverified_users"]) == (1, 0)


def test_roles__then_a_candidate_takes_tests_and_nothing_else():
    assert ROLE_PERMISSIONS[Role.PARTICIPANT] == ROLE_PERMISSIONS[Role.STUDENT] == frozenset({Perm.TAKE_TESTS})
    assert ROLE_PERMISSIONS[Role.INSTRUCTOR] == frozenset()


def test_actor__when_a_candidate__then_it_stands_for_no_company(db):
    from accounts.selectors.logins import actor_of_token

    found = actor_of_token(token_of(candidate()))
    assert found is not None
    assert (found[1].company_id, found[1].email, found[1].role) == (None, "", "participant")


def test_admin__when_accounts_have_no_address__then_lists_forms_and_actions_work(client, db):
    admin = make_user(Role.SUPER_ADMIN)
    user = candidate(name="No address")
    token_of(user)
    client.force_login(admin, backend="accounts.backends.EmailBackend")
    page = client.get("/admin/accounts/user/")
    assert b"P-7001" in page.content
    assert client.get("/admin/accounts/user/", {"q": "7001"}).status_code == 200
    assert client.get(f"/admin/accounts/user/{user.pk}/change/").status_code == 200
    assert client.get("/admin/accounts/login/", {"q": "P-7001"}).status_code == 200
    assert (
        b"participant"
        not in client.get("/admin/accounts/user/add/").content.split(b"id_role")[1].split(b"</select>")[0]
    )
    response = client.post(
        "/admin/accounts/user/", {"action": "send_verification", "_selected_action": [user.pk]}, follow=True
    )
    assert b"0 mails are on their way" in response.content


def test_admin__when_a_candidate_signs_in__then_closed(client, db):
    candidate()
    assert client.login(username="P-7001", password=PASSWORD) is False
    assert client.login(username="", password=PASSWORD) is False
