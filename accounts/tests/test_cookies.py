"""Signing in by cookie: what is set, what it opens, what ends it. Source: cookie frontend contract."""

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.api.cookies import AUTH_COOKIE
from accounts.models import Login
from accounts.services.login import logins_revoke
from accounts.states import Role
from accounts.tests.browsers import FOREIGN, browser
from accounts.tests.factories import PASSWORD, make_user, token_of
from tests.support import Api, data_of, error_of


def sign_in(user, **extra):
    api = browser()
    return api, api.post("/api/auth/login", {"email": user.email, "password": PASSWORD}, **extra)


def test_login__then_the_cookie_is_as_the_contract_shows(db):
    user = make_user()
    _, response = sign_in(user)
    cookie = response.cookies[AUTH_COOKIE]
    assert cookie.value == response.json()["token"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert (cookie["max-age"], cookie["domain"], cookie["secure"]) == (86400, "", "")


def test_login__when_https__then_all_its_cookies_are_secure(db, settings):
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    _, response = sign_in(make_user())
    assert {name: cookie["secure"] for name, cookie in response.cookies.items()} == {
        AUTH_COOKIE: True, "sessionid": True, "csrftoken": True,
    }  # fmt: skip


def test_login__then_a_session_names_user_and_login_and_lasts_as_long(db):
    user = make_user()
    api, response = sign_in(user)
    session = api.client.session
    assert session["userId"] == user.pk
    assert session["login"] == str(Login.objects.get().pk)
    assert session.get_expiry_age() == 86400
    assert "_auth_user_id" not in session, "signing in to the API is not signing in to the admin"
    assert response.cookies["sessionid"]["httponly"] is True


def test_login__when_refused__then_no_cookie(db):
    api = browser()
    response = api.post("/api/auth/login", {"email": make_user().email, "password": "wrong"})
    error_of(response, 401, "INVALID_CREDENTIALS")
    assert response.cookies == {}
    assert not Session.objects.exists()


def test_login__when_a_session_was_planted__then_its_key_and_content_are_gone(db):
    api = browser()
    session = api.client.session
    session["planted"] = True
    session.save()
    old = session.session_key
    api.client.cookies["sessionid"] = old
    data_of(api.post("/api/auth/login", {"email": make_user().email, "password": PASSWORD}))
    assert api.client.session.session_key != old
    assert "planted" not in api.client.session
    assert not Session.objects.filter(session_key=old).exists()


def test_login__when_the_admin_is_open_in_the_same_browser__then_it_stays_open_under_a_new_key(db):
    boss = make_user(Role.SUPER_ADMIN)
    api = browser()
    api.client.force_login(boss)
    old = api.client.session.session_key
    data_of(api.post("/api/auth/login", {"email": boss.email, "password": PASSWORD}))
    assert api.client.session["_auth_user_id"] == str(boss.pk)
    assert api.client.session.session_key != old


def test_cookie__then_opens_what_the_bearer_token_opens(db):
    user = make_user()
    api = browser(user)
    assert data_of(api.get("/api/auth/me"))["id"] == user.pk
    assert data_of(api.patch("/api/profile/update", {"phone": "0812"}))


def test_cookie__when_there_is_an_authorization_header__then_only_that_counts(db):
    cookie_user, bearer_user = make_user(), make_user()
    api = browser(cookie_user)
    api.token = token_of(bearer_user)
    assert data_of(api.get("/api/auth/me"))["id"] == bearer_user.pk
    api.token = "wrong"
    error_of(api.get("/api/auth/me"), 401, "UNAUTHENTICATED")
    api.token = ""
    error_of(api.get("/api/auth/me", headers={"Authorization": "Basic eDp5"}), 401, "UNAUTHENTICATED")


def test_bearer__when_no_cookie_and_no_origin__then_no_csrf_is_asked_for(db):
    api = Api(token_of(make_user()))
    api.client = Client(enforce_csrf_checks=True)
    data_of(api.patch("/api/profile/update", {"phone": "0812"}))
    data_of(api.patch("/api/profile/update", {"phone": "0813"}, headers={"Origin": FOREIGN}))


def test_logout__then_both_cookies_and_the_login_end(db):
    api = browser(make_user())
    stolen = api.client.cookies[AUTH_COOKIE].value
    key = api.client.session.session_key
    response = api.post("/api/auth/logout")
    data_of(response)
    assert {name: (cookie.value, cookie["max-age"]) for name, cookie in response.cookies.items()} == {
        AUTH_COOKIE: ("", 0), "sessionid": ("", 0),
    }  # fmt: skip
    assert not Session.objects.filter(session_key=key).exists()
    api.client.cookies[AUTH_COOKIE] = stolen
    error_of(api.get("/api/auth/me"), 401, "UNAUTHENTICATED")


@pytest.mark.parametrize("end", ["revoked", "inactive", "locked", "password"])
def test_cookie__when_the_login_has_ended_elsewhere__then_401_at_once(db, end):
    user = make_user()
    api = browser(user)
    data_of(api.get("/api/auth/me"))
    if end == "revoked":
        logins_revoke(user_ids=[user.pk], reason="tests")
    elif end == "password":
        other = Api(token_of(user))
        data_of(other.post("/api/profile/change-password", {
            "current_password": PASSWORD, "password": "password456", "password_confirmation": "password456",
        }))  # fmt: skip
    else:
        setattr(user, {"inactive": "is_active", "locked": "is_locked"}[end], end == "locked")
        user.save()
    error_of(api.get("/api/auth/me"), 401, "UNAUTHENTICATED")


def test_cookie__when_dead__then_signing_in_again_and_public_pages_still_work(db):
    user = make_user()
    api = browser(user)
    logins_revoke(user_ids=[user.pk], reason="tests")
    data_of(api.get("/api/tests/catalog"))
    data_of(api.post("/api/auth/login", {"email": user.email, "password": PASSWORD}))
    assert data_of(api.get("/api/auth/me"))["id"] == user.pk


def test_cookie__when_forged_or_absurd__then_401(db):
    api = browser()
    for value in ("", "x", "a.b.c", "x" * 5000, "eyJhbGciOiJub25lIn0.e30."):
        api.client.cookies[AUTH_COOKIE] = value
        error_of(api.get("/api/auth/me"), 401, "UNAUTHENTICATED")


def test_admin_session__when_alone__then_opens_nothing_of_the_api(db):
    api = browser()
    api.client.force_login(make_user(Role.SUPER_ADMIN))
    error_of(api.get("/api/auth/me"), 401, "UNAUTHENTICATED")
