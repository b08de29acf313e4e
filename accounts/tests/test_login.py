"""POST /api/auth/login with its brake, GET me, POST logout."""

import pytest
import time_machine
from django.contrib.auth.hashers import make_password
from django.core.cache import cache

from accounts.hashers import ExamArgon2Hasher
from accounts.models import Login, PublicProfile, User
from accounts.services import login as service
from accounts.states import ROLE_PERMISSIONS, Role
from accounts.tests.factories import PASSWORD, make_user, token_of
from accounts.tests.mailbox import mails
from cbt.kernel.errors import DomainError, ErrorCode
from tests.support import Api, counted_queries, data_of, error_of

URL = "/api/auth/login"


def _try(api, user, password=PASSWORD, **headers):
    return api.post(URL, {"email": getattr(user, "email", user), "password": password}, headers=headers)


def test_login__when_right__then_both_documented_clients_find_what_they_read(api):
    user = make_user(name="Budi", email="budi@example.com")
    response = _try(api, user)
    data = data_of(response)
    body = response.json()
    assert set(body) == {"success", "message", "data", "status_code", "token", "user"}
    assert body["message"] == "Login successful"
    assert set(data) == {"token", "user"}
    assert data["user"] == {
        "id": user.pk, "name": "Budi", "email": "budi@example.com", "roles": ["public_user"],
        "permissions": [
            "view_dashboard", "view_tests", "view_cart", "manage_cart", "view_transactions", "purchase_tests",
            "take_tests", "view_own_results", "view_own_profile", "manage_own_profile",
        ],
    }  # fmt: skip
    assert body["token"] == data["token"]
    assert body["user"] == {"id": user.pk, "nomor_peserta": None, "nama": "Budi", "email": "budi@example.com"}
    assert data_of(Api(data["token"]).get("/api/auth/me"))["id"] == user.pk
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("email", ["BUDI@example.com", "  budi@EXAMPLE.com "])
def test_login__when_address_is_typed_in_another_case__then_found(api, email):
    make_user(email="Budi@Example.com")
    data_of(_try(api, email))


def test_login__when_unknown_wrong_or_inactive__then_one_answer(api):
    user = make_user()
    inactive = make_user(is_active=False)
    bodies = []
    for email, password in [("nobody@example.com", PASSWORD), (user.email, "wrong"), (inactive.email, PASSWORD)]:
        body = error_of(_try(api, email, password), 401, "INVALID_CREDENTIALS")
        assert body.pop("request_id")
        bodies.append(body)
    assert bodies[0]["message"] == "Invalid credentials"
    assert bodies[0] == bodies[1] == bodies[2]


def test_login__when_account_is_unknown__then_one_hash_is_computed_all_the_same(api, monkeypatch):
    hashed = []
    monkeypatch.setattr(service, "make_password", lambda raw: hashed.append(raw) or make_password(raw))
    _try(api, "nobody@example.com", "guess")
    assert hashed == ["guess"]


def test_login__when_locked__then_403_company_is_inactive(api):
    body = error_of(_try(api, make_user(Role.TENANT_ADMIN, company_id=1, is_locked=True)), 403, "COMPANY_INACTIVE")
    assert body["message"] == "Company is inactive"
    assert not Login.objects.exists()


def test_login__when_unverified_and_password_wrong__then_nothing_is_told(api):
    error_of(_try(api, make_user(is_verified=False), "wrong"), 401, "INVALID_CREDENTIALS")


def test_login__when_unverified_and_last_link_has_run_out__then_a_new_one_is_mailed_once(api):
    user = make_user(is_verified=False)
    for _ in range(3):
        error_of(_try(api, user), 401, "EMAIL_NOT_VERIFIED")
    assert len(mails()) == 1
    with time_machine.travel("2099-01-01T00:00:00Z"):
        error_of(_try(api, user), 401, "EMAIL_NOT_VERIFIED")
        assert len(mails()) == 2


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"email": ["The email field is required."], "password": ["The password field is required."]}),
        ({"email": "x", "password": "y"}, {"email": ["The email must be a valid email address."]}),
        ({"email": ["a@b.co"], "password": "y"}, {"email": ["The email must be a valid email address."]}),
        ({"email": "a@b.co", "password": {"$ne": 1}}, {"password": ["The password must be a string."]}),
    ],
)
def test_login__when_a_field_is_wrong__then_422(api, body, errors):
    assert error_of(api.post(URL, body), 422, "VALIDATION_ERROR")["errors"] == errors


def test_login__when_stored_hash_is_of_another_kind__then_renewed_and_signed_in(api, settings):
    user = make_user()
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    data_of(_try(api, user))
    assert User.objects.get().password.startswith("pbkdf2_sha256$")


# --- the brake ---------------------------------------------------------------------------------------


def test_brake__when_sixth_wrong_password__then_429_whatever_the_header_says(api):
    user = make_user()
    for number in range(5):
        error_of(_try(api, user, "wrong", **{"X-Forwarded-For": f"203.0.113.{number}"}), 401, "INVALID_CREDENTIALS")
    response = _try(api, user, "wrong", **{"X-Forwarded-For": "198.51.100.1"})
    error_of(response, 429, "RATE_LIMITED")
    assert 1 <= int(response["Retry-After"]) <= 900
    # The right one is refused too: otherwise the answer would tell which guess was right.
    error_of(_try(api, user, PASSWORD), 429, "RATE_LIMITED")


@pytest.mark.parametrize("variant", ["{0} ", "  {0}", "{1}"])
def test_brake__when_address_is_spelled_otherwise__then_still_one_account(api, variant):
    user = make_user()
    for _ in range(5):
        _try(api, user, "wrong")
    error_of(_try(api, variant.format(user.email, user.email.upper()), "wrong"), 429, "RATE_LIMITED")


def test_brake__when_account_is_unknown__then_the_same(api):
    for _ in range(5):
        error_of(_try(api, "nobody@example.com", "wrong"), 401, "INVALID_CREDENTIALS")
    error_of(_try(api, "nobody@example.com", "wrong"), 429, "RATE_LIMITED")


def test_brake__when_passwords_are_right__then_never(api):
    user = make_user()
    for _ in range(20):
        data_of(_try(api, user))


def test_brake__when_four_wrong_then_right__then_the_success_takes_only_itself_back(api):
    user = make_user()
    for _ in range(4):
        error_of(_try(api, user, "wrong"), 401, "INVALID_CREDENTIALS")
    data_of(_try(api, user))
    error_of(_try(api, user, "wrong"), 401, "INVALID_CREDENTIALS")
    error_of(_try(api, user, "wrong"), 429, "RATE_LIMITED")


def _expire_in_redis(user):
    """Redis has a clock of its own: see that the counter would run out, then let it."""
    key = service.BY_ACCOUNT._key(f"{user.email}|127.0.0.1")
    if hasattr(cache, "_cache") and hasattr(cache._cache, "get_client"):
        assert 0 < cache._cache.get_client().ttl(cache.make_key(key)) <= 900
        cache.delete(key)


def test_brake__when_15_minutes_have_passed__then_open_again(api):
    user = make_user()
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False) as clock:
        for _ in range(6):
            last = _try(api, user, "wrong")
        assert last.status_code == 429
        clock.shift(901)
        _expire_in_redis(user)
        data_of(_try(api, user))


def test_brake__when_someone_elses_account_is_under_attack__then_other_networks_sign_in(api):
    user = make_user()
    for _ in range(6):
        _try(api, user, "wrong")
    response = api.post(URL, {"email": user.email, "password": PASSWORD}, REMOTE_ADDR="203.0.113.7")
    data_of(response)


def test_brake__when_ipv6_host_part_rotates__then_one_network(db):
    for number in range(5):
        service.password_matches(email="a@example.com", password="x", ip=f"2001:db8::{number + 1}")
    with pytest.raises(DomainError) as caught:
        service.password_matches(email="a@example.com", password="x", ip="2001:db8::ffff:1")
    assert caught.value.code == ErrorCode.RATE_LIMITED


def test_brake__when_300_failures_from_one_address__then_the_address_is_closed(api):
    for number in range(300):
        assert service.password_matches(email=f"u{number}@example.com", password="x", ip="127.0.0.1") is None
    user = make_user()
    error_of(_try(api, user), 429, "RATE_LIMITED")
    data_of(api.post(URL, {"email": user.email, "password": PASSWORD}, REMOTE_ADDR="203.0.113.7"))


def test_brake__when_one_account_hammers__then_refused_tries_do_not_close_the_address(api):
    for _ in range(320):
        _try(api, "nobody@example.com", "wrong")
    data_of(_try(api, make_user()))


def test_brake__when_address_refuses__then_no_try_is_charged_to_the_account(db, monkeypatch):
    monkeypatch.setattr(service.BY_ADDRESS, "limit", 0)
    for _ in range(9):
        with pytest.raises(DomainError):
            service.password_matches(email="a@example.com", password="x", ip="127.0.0.1")
    monkeypatch.setattr(service.BY_ADDRESS, "limit", 300)
    assert service.password_matches(email="a@example.com", password="x", ip="127.0.0.1") is None


def test_brake__when_counters_cannot_be_reached__then_503_and_no_guess(api, monkeypatch):
    def broken(*args, **kwargs):
        raise ConnectionError

    user = make_user()
    monkeypatch.setattr("cbt.http.rates.cache.add", broken)
    response = _try(api, user)
    error_of(response, 503, "UNAVAILABLE")
    assert response["Retry-After"] == "5"


# --- logins ------------------------------------------------------------------------------------------


def test_login__when_password_changes_between_check_and_login__then_refused(api, monkeypatch):
    user = make_user()

    def meanwhile(**kwargs):
        found = original(**kwargs)
        User.objects.filter(pk=user.pk).update(password=make_password("changed-meanwhile"))
        return found

    original = service.password_matches
    monkeypatch.setattr(service, "password_matches", meanwhile)
    error_of(_try(api, user), 401, "INVALID_CREDENTIALS")
    assert not Login.objects.exists()


def test_login__when_account_is_locked_between_check_and_login__then_refused(db):
    user = make_user()
    User.objects.update(is_locked=True)
    with pytest.raises(DomainError):
        service.login_open(user=user, scope="full", ip="", user_agent="")


def test_login__when_maximum_is_set__then_oldest_gives_way(api, settings):
    settings.MAX_LOGINS_PER_USER = 2
    user = make_user()
    tokens = [data_of(_try(api, user))["token"] for _ in range(3)]
    assert [Api(token).get("/api/auth/me").status_code for token in tokens] == [401, 200, 200]


def test_login__when_others_are_logged_out__then_one_is_left(api, settings):
    settings.LOGOUT_OTHERS_ON_LOGIN = True
    user = make_user()
    tokens = [data_of(_try(api, user))["token"] for _ in range(3)]
    assert [Api(token).get("/api/auth/me").status_code for token in tokens] == [401, 401, 200]


def test_logout__then_only_this_login_ends(api):
    user = make_user()
    first, second = token_of(user), token_of(user)
    response = Api(first).post("/api/auth/logout")
    assert data_of(response) is None
    assert response.json()["message"] == "Logout successful"
    assert error_of(Api(first).get("/api/auth/me"), 401, "UNAUTHENTICATED")["message"] == "Unauthenticated"
    error_of(Api(first).post("/api/auth/logout"), 401, "UNAUTHENTICATED")
    data_of(Api(second).get("/api/auth/me"))


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", "/api/auth/me"), ("post", "/api/auth/logout"), ("post", "/api/auth/resend-verification")],
)
def test_signed_in_routes__when_no_token__then_401(api, method, path):
    response = getattr(api, method)(path)
    assert error_of(response, 401, "UNAUTHENTICATED")["message"] == "Unauthenticated"
    assert response["WWW-Authenticate"] == "Bearer"


def test_me__when_public_user__then_contract_body(api):
    user = make_user(name="Budi", email="budi@example.com")
    profile = PublicProfile.objects.get()
    with time_machine.travel("2026-01-01T00:00:00Z", tick=False):
        User.objects.update(email_verified_at=service.clock.now())
    PublicProfile.objects.update(phone="081234567890", date_of_birth="1990-01-01", address="Jl. Contoh No. 123")
    response = api.as_(user).get("/api/auth/me")
    assert data_of(response) == {
        "id": user.pk, "name": "Budi", "email": "budi@example.com", "email_verified_at": "2026-01-01T00:00:00Z",
        "roles": ["public_user"],
        "permissions": _ordered(Role.PUBLIC_USER),
        "userable": {
            "id": profile.pk, "phone": "081234567890", "date_of_birth": "1990-01-01", "address": "Jl. Contoh No. 123",
        },
    }  # fmt: skip
    assert response.json()["message"] == "User data retrieved successfully"


def _ordered(role):
    from cbt.kernel.permissions import Perm

    return [perm.value for perm in Perm if perm in ROLE_PERMISSIONS[role]]


def test_me__when_profile_is_empty__then_nulls(api):
    user = make_user()
    userable = data_of(api.as_(user).get("/api/auth/me"))["userable"]
    assert userable == {"id": user.profile.pk, "phone": None, "date_of_birth": None, "address": None}


@pytest.mark.parametrize(("role", "company_id"), [(Role.TENANT_ADMIN, 7), (Role.SUPER_ADMIN, None)])
def test_me__when_not_a_public_user__then_userable_is_null(api, role, company_id):
    data = data_of(api.as_(make_user(role, company_id=company_id)).get("/api/auth/me"))
    assert data["userable"] is None
    assert data["roles"] == [role.value]
    assert data["permissions"] == _ordered(role)


def test_authentication__then_costs_one_query(api):
    client = api.as_(make_user(Role.TENANT_ADMIN, company_id=7))
    with counted_queries() as statements:
        data_of(client.get("/api/auth/me"))
    assert len(statements) == 1
    client = api.as_(make_user())
    with counted_queries() as statements:
        data_of(client.get("/api/auth/me"))
    assert len(statements) == 2  # and one for the profile


def test_argon2__then_owasp_profile():
    encoded = ExamArgon2Hasher().encode("password123", "somesalt")
    assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


def test_settings__then_argon2_comes_first():
    from cbt import settings as project

    assert project.PASSWORD_HASHERS[0] == "accounts.hashers.ExamArgon2Hasher"


@pytest.mark.parametrize("verb", ["get", "put", "patch", "delete"])
def test_login__when_other_verb__then_405(api, verb):
    error_of(getattr(api, verb)(URL), 405, "METHOD_NOT_ALLOWED")
