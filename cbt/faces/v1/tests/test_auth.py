"""Signing in, rotating tokens and signing out, and what attackers would send instead of a token."""

import base64
import json
import threading
from datetime import timedelta

import jwt
import pytest
import time_machine
from django.conf import settings
from django.db import IntegrityError, connection

from accounts.models import Login, RefreshToken, User
from accounts.services import refresh as refresh_service
from accounts.services.refresh import tokens_open, tokens_refresh
from accounts.states import Role
from accounts.tests.factories import PASSWORD, make_user
from cbt.kernel import clock
from cbt.kernel.models import AuditEvent
from tests.support import Api, error_of, race

pytestmark = pytest.mark.django_db


def make_named(role=Role.STUDENT, username="siti", **fields):
    return make_user(role, email=None, username=username, **fields)


def sign_in(api, username="siti", password=PASSWORD):
    return api.post("/v1/auth/login", {"username": username, "password": password})


def refresh(api, token):
    return api.post("/v1/auth/refresh", {"refresh_token": token})


def test_login__then_the_documented_shape_and_a_token_for_15_minutes(api):
    make_named(Role.SUPER_ADMIN)
    response = sign_in(api)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    body = response.json()
    assert set(body) == {"access_token", "refresh_token", "token_type"}
    assert body["token_type"] == "bearer"
    assert Api(body["access_token"]).get("/v1/users").status_code == 200
    with time_machine.travel(clock.now() + timedelta(minutes=14), tick=False):
        assert Api(body["access_token"]).get("/v1/users").status_code == 200
    with time_machine.travel(clock.now() + timedelta(minutes=16), tick=False):
        error_of(Api(body["access_token"]).get("/v1/users"), 401, "UNAUTHENTICATED")


def test_login__when_name_or_password_is_wrong__then_alike(api):
    make_named()
    answers = [sign_in(api, "siti", "wrongwrong"), sign_in(api, "nobody", PASSWORD)]
    bodies = [error_of(answer, 401, "INVALID_CREDENTIALS") for answer in answers]
    assert {body["message"] for body in bodies} == {"Invalid credentials"}


def test_login__when_the_case_differs__then_the_same_account(api):
    make_named()
    assert sign_in(api, "SITI").status_code == 200


def test_login__when_an_admin_has_only_an_address__then_by_it(api):
    admin = make_user(Role.SUPER_ADMIN)
    assert sign_in(api, admin.email).status_code == 200


@pytest.mark.parametrize("role", [Role.PUBLIC_USER, Role.TENANT_ADMIN])
def test_login__when_the_role_is_of_another_contract__then_refused(api, role):
    user = make_user(role)
    error_of(sign_in(api, user.email), 401, "INVALID_CREDENTIALS")
    assert Login.objects.count() == 0


@pytest.mark.parametrize("body", [{}, {"username": "siti"}, {"password": "x"}, {"username": 5, "password": []}])
def test_login__when_fields_are_missing__then_422(api, body):
    error_of(api.post("/v1/auth/login", body), 422, "VALIDATION_ERROR")


def test_refresh__then_a_new_pair_and_hashes_only(api):
    make_named(Role.SUPER_ADMIN)
    first = sign_in(api).json()
    second = refresh(api, first["refresh_token"]).json()
    assert set(second) == {"access_token", "refresh_token"}
    assert second["refresh_token"] != first["refresh_token"]
    assert Api(second["access_token"]).get("/v1/users").status_code == 200
    stored = str(list(RefreshToken.objects.values()))
    assert first["refresh_token"] not in stored
    assert second["refresh_token"] not in stored
    assert [(row.number, row.spent_at is None) for row in RefreshToken.objects.all()] == [(1, False), (2, True)]


def test_refresh__when_an_old_access_token_is_sent_along__then_it_does_not_matter(api):
    make_named()
    pair = sign_in(api).json()
    with time_machine.travel(clock.now() + timedelta(hours=1), tick=False):
        assert refresh(Api(pair["access_token"]), pair["refresh_token"]).status_code == 200


def test_refresh__when_repeated_within_20_seconds__then_the_same_successor(api):
    make_named()
    first = sign_in(api).json()["refresh_token"]
    now = clock.now()
    with time_machine.travel(now, tick=False):
        one = refresh(api, first).json()["refresh_token"]
    with time_machine.travel(now + timedelta(seconds=20), tick=False):
        assert refresh(api, first).json()["refresh_token"] == one
    assert RefreshToken.objects.count() == 2


def test_refresh__when_reused_later__then_the_family_ends_and_it_is_noted(api):
    make_named(Role.SUPER_ADMIN)
    first = sign_in(api).json()
    second = refresh(api, first["refresh_token"]).json()
    with time_machine.travel(clock.now() + timedelta(seconds=21), tick=False):
        error_of(refresh(api, first["refresh_token"]), 401, "UNAUTHENTICATED")
        error_of(refresh(api, second["refresh_token"]), 401, "UNAUTHENTICATED")
        error_of(Api(second["access_token"]).get("/v1/users"), 401, "UNAUTHENTICATED")
    assert Login.objects.get().revoke_reason == "refresh token reused"
    assert AuditEvent.objects.filter(action="accounts.login.refresh_reused").count() == 1


def test_refresh__when_reused_later__then_other_logins_go_on(api):
    make_named()
    stolen, other = sign_in(api).json(), sign_in(api).json()
    refresh(api, stolen["refresh_token"])
    with time_machine.travel(clock.now() + timedelta(seconds=21), tick=False):
        refresh(api, stolen["refresh_token"])
        assert refresh(api, other["refresh_token"]).status_code == 200


def test_refresh__when_30_days_old__then_refused(api):
    make_named()
    pair = sign_in(api).json()
    Login.objects.update(last_seen_at=clock.now() + timedelta(days=29))
    with time_machine.travel(clock.now() + timedelta(days=30), tick=False):
        error_of(refresh(api, pair["refresh_token"]), 401, "UNAUTHENTICATED")


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_locked": True}, {"is_banned": True}])
def test_refresh__when_the_account_is_shut__then_refused(api, change):
    user = make_named()
    pair = sign_in(api).json()
    User.objects.filter(pk=user.pk).update(**change)
    error_of(refresh(api, pair["refresh_token"]), 401, "UNAUTHENTICATED")


def test_logout__then_access_and_refresh_end_at_once(api):
    make_named(Role.SUPER_ADMIN)
    pair, other = sign_in(api).json(), sign_in(api).json()
    assert Api(pair["access_token"]).post("/v1/auth/logout").status_code == 200
    error_of(Api(pair["access_token"]).get("/v1/users"), 401, "UNAUTHENTICATED")
    error_of(refresh(api, pair["refresh_token"]), 401, "UNAUTHENTICATED")
    assert Api(other["access_token"]).get("/v1/users").status_code == 200


def test_tokens__when_one_is_used_as_the_other__then_refused(api):
    make_named(Role.SUPER_ADMIN)
    pair = sign_in(api).json()
    error_of(refresh(api, pair["access_token"]), 401, "UNAUTHENTICATED")
    error_of(Api(pair["refresh_token"]).get("/v1/users"), 401, "UNAUTHENTICATED")


def _part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _forged(token):
    """Return {name: forged token} made of a real one."""
    head, body, signature = token.split(".")
    claims = jwt.decode(token, options={"verify_signature": False})
    signed = lambda **more: jwt.encode({**claims, **more}, settings.SECRET_KEY, algorithm="HS256")  # noqa: E731
    return {
        "alg none": f"{_part({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        "alg None": f"{_part({'alg': 'None'})}.{body}.{signature}",
        "alg HS512": jwt.encode(claims, settings.SECRET_KEY * 2, algorithm="HS512"),
        "other key": jwt.encode(claims, "x" * 40, algorithm="HS256"),
        "empty key": f"{head}.{body}.{_part('')}",
        "kid path": jwt.encode(claims, "x" * 40, algorithm="HS256", headers={"kid": "../../dev/null"}),
        "jku": jwt.encode(claims, "x" * 40, algorithm="HS256", headers={"jku": "http://127.0.0.1/k"}),
        "jwk": jwt.encode(claims, "x" * 40, algorithm="HS256", headers={"jwk": {"kty": "oct", "k": "eA"}}),
        "no signature": f"{head}.{body}.",
        "cut signature": f"{head}.{body}.{signature[:-3]}",
        "other body": f"{head}.{_part({**claims, 'sid': '0' * 8})}.{signature}",
        "expired": signed(exp=1),
        "not yet": signed(nbf=4_000_000_000),
        "other audience": signed(aud="someone-else"),
        "other issuer": signed(iss="someone-else"),
        "other kind": signed(token_type="refresh"),
        "no login": signed(sid=None),
        "unknown login": signed(sid="00000000-0000-4000-8000-000000000000"),
        "login a list": signed(sid=[claims["sid"]]),
        "long": "a" * 100_000,
        "one part": head,
        "five parts": f"{token}.x.y",
    }


def test_access_token__when_forged__then_401_alike(api):
    make_named(Role.SUPER_ADMIN)
    token = sign_in(api).json()["access_token"]
    assert Api(token).get("/v1/users").status_code == 200
    seen = {}
    for name, forged in _forged(token).items():
        for path in ("/v1/users", "/v1/users/1", "/api/auth/me"):
            response = Api(forged).get(path)
            assert response.status_code == 401, (name, path)
            seen[name] = error_of(response, 401, "UNAUTHENTICATED")["message"]
    assert set(seen.values()) == {"Unauthenticated"}


@pytest.mark.parametrize("token", ["", "x" * 4001, None, [], {"a": 1}])
def test_refresh__when_not_a_token__then_422(api, token):
    error_of(api.post("/v1/auth/refresh", {"refresh_token": token}), 422, "VALIDATION_ERROR")


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_refresh__when_sixteen_at_once__then_one_successor_for_all():
    make_named()
    pair = tokens_open(username="siti", password=PASSWORD, ip="127.0.0.1", user_agent="tests")
    results = race(16, lambda _: tokens_refresh(token=pair.refresh))
    assert [one for one in results if isinstance(one, Exception)] == []
    successors = {one.refresh for one in results}
    assert len(successors) == 1
    assert RefreshToken.objects.filter(spent_at=None).count() == 1
    assert tokens_refresh(token=successors.pop()).refresh


@pytest.mark.race
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_refresh__control__without_the_lock_two_meet_and_only_the_constraint_stands(monkeypatch):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets one writer in at a time")
    make_named()
    pair = tokens_open(username="siti", password=PASSWORD, ip="127.0.0.1", user_agent="tests")
    monkeypatch.setattr(
        refresh_service, "login_locked", lambda pk: Login.objects.select_related("user").filter(pk=pk).first()
    )
    looked = threading.Barrier(2)
    # Each has seen the token unspent before either writes: both would make a successor.
    monkeypatch.setattr(refresh_service, "_is_good", lambda row, now: looked.wait(timeout=30) is not None)
    results = race(2, lambda _: tokens_refresh(token=pair.refresh))
    assert RefreshToken.objects.filter(spent_at=None).count() == 1
    faults = [one for one in results if isinstance(one, Exception)]
    assert len(faults) == 1
    assert isinstance(faults[0], IntegrityError)
