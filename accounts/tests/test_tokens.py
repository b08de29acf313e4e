"""Forged, worn-out and stolen bearer tokens: 401 in one shape where a user is needed, none at all elsewhere."""

import base64
import json
import uuid
from datetime import timedelta

import jwt
import pytest
import time_machine
from django.conf import settings

from accounts.models import Login, User
from accounts.services.login import logins_revoke, token_for
from accounts.services.users import users_lock, users_sign_out
from accounts.states import LoginScope
from accounts.tests.factories import PASSWORD, make_user, token_of
from cbt.kernel import clock
from cbt.kernel.actor import SYSTEM
from tests.support import Api, data_of, error_of


def _claims(**changes):
    now = clock.now()
    claims = {
        "token_type": "access", "jti": uuid.uuid4().hex, "iat": now, "exp": now + timedelta(hours=1),
        "aud": "cbt-api", "iss": "cbt-server", "sid": str(Login.objects.get().pk), **changes,
    }  # fmt: skip
    return {name: value for name, value in claims.items() if value is not ...}


def _signed(key=None, algorithm="HS256", headers=None, **changes):
    return jwt.encode(_claims(**changes), key or settings.SECRET_KEY, algorithm=algorithm, headers=headers)


def _segment(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _none_token(alg):
    claims = _claims()
    claims |= {name: int(claims[name].timestamp()) for name in ("iat", "exp")}
    return f"{_segment({'alg': alg, 'typ': 'JWT'})}.{_segment(claims)}."


def _tampered():
    head, payload, signature = _signed().split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return f"{head}.{_segment({**claims, 'sid': str(uuid.uuid4())})}.{signature}"


def test_key__when_rotated__then_tokens_of_the_former_one_hold_while_it_is_kept(api, settings):
    user = make_user()
    token_of(user)
    former = "a-former-key-of-quite-sufficient-length-0123456789"
    old = Api(_signed(former))
    error_of(old.get("/api/auth/me"), 401, "UNAUTHENTICATED")
    settings.SECRET_KEY_FALLBACKS = ["some-older-key-of-quite-sufficient-length-01234567", former]
    assert data_of(old.get("/api/auth/me"))["id"] == user.pk
    expired = clock.now() - timedelta(minutes=1)
    for forged in (_signed(former, aud="other"), _signed(former, iss="other"), _signed(former, exp=expired)):
        error_of(Api(forged).get("/api/auth/me"), 401, "UNAUTHENTICATED")


OTHER_KEY = "another-key-of-quite-sufficient-length-0123456789"
FORGED = {
    "alg none": lambda: _none_token("none"),
    "alg None": lambda: _none_token("None"),
    "alg empty": lambda: _none_token(""),
    "other key": lambda: _signed(OTHER_KEY),
    "other key named by kid": lambda: _signed(OTHER_KEY, headers={"kid": "../../dev/null"}),
    "jku header": lambda: _signed(OTHER_KEY, headers={"jku": "https://evil.example/keys"}),
    "jwk header": lambda: _signed(OTHER_KEY, headers={"jwk": {"kty": "oct", "k": "AAAA"}}),
    "HS512": lambda: _signed(algorithm="HS512", key=settings.SECRET_KEY + "x" * 40),
    "HS512 with our key": lambda: jwt.PyJWS().encode(
        json.dumps({}).encode(), settings.SECRET_KEY.encode() * 2, algorithm="HS512"
    ),
    "other aud": lambda: _signed(aud="someone-else"),
    "no aud": lambda: _signed(aud=...),
    "other iss": lambda: _signed(iss="someone-else"),
    "no iss": lambda: _signed(iss=...),
    "no sid": lambda: _signed(sid=...),
    "no exp": lambda: _signed(exp=...),
    "no jti": lambda: _signed(jti=...),
    "no type": lambda: _signed(token_type=...),
    "refresh type": lambda: _signed(token_type="refresh"),
    "sid number": lambda: _signed(sid=1),
    "sid null": lambda: _signed(sid=None),
    "sid list": lambda: _signed(sid=[str(Login.objects.get().pk)]),
    "sid object": lambda: _signed(sid={"pk": 1}),
    "sid of 36 characters": lambda: _signed(sid="x" * 36),
    "sid empty": lambda: _signed(sid=""),
    "sid unknown": lambda: _signed(sid=str(uuid.uuid4())),
    "sid with quote": lambda: _signed(sid="' OR 1=1 --"),
    "expired": lambda: _signed(exp=clock.now() - timedelta(hours=1)),
    "exp text": lambda: _none_token("HS256"),
    "exp far": lambda: _signed(OTHER_KEY, exp=10**20),
    "future nbf": lambda: _signed(nbf=clock.now() + timedelta(hours=1)),
    "future iat": lambda: _signed(iat=clock.now() + timedelta(days=2)),
    "tampered payload": _tampered,
    "no signature": lambda: _signed().rsplit(".", 1)[0] + ".",
    "two parts": lambda: _signed().rsplit(".", 1)[0],
    "cut": lambda: _signed()[:-4],
    "1 MB": lambda: "a" * 1_000_000,
    "1 MB with dots": lambda: ".".join(["a" * 333_000] * 3),
    "words": lambda: "1|abcdefghijklmnopqrstuvwxyz",
    "empty": lambda: "",
    "dots": lambda: "..",
    "payload is a list": lambda: jwt.PyJWS().encode(b"[1]", settings.SECRET_KEY.encode()),
    "payload is no JSON": lambda: jwt.PyJWS().encode(b"\xff", settings.SECRET_KEY.encode()),
    "latin-1": lambda: "tok\xe9n",
    "NUL": lambda: "abc\x00def",
}
ROUTES = [("get", "/api/auth/me"), ("post", "/api/auth/logout")]
PUBLIC = [
    ("post", "/api/auth/login", 422), ("post", "/api/auth/register", 422), ("post", "/api/auth/forgot-password", 422),
    ("get", "/api/tests/catalog", 200), ("get", "/api/participant/assignments?token=unknown", 404),
    ("get", "/storage/none.png?signature=x", 404), ("get", "/api/test-session/SESSION-X", 404),
]  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_forged_token__then_401_where_a_user_is_needed(api, name):
    token_of(make_user())
    token = FORGED[name]()
    for verb, path in ROUTES:
        response = getattr(api, verb)(path, headers={"Authorization": f"Bearer {token}"})
        body = error_of(response, 401, "UNAUTHENTICATED")
        assert body["message"] == "Unauthenticated"
        assert response["WWW-Authenticate"] == "Bearer"
    assert Login.objects.get().revoked_at is None


@pytest.mark.parametrize("name", FORGED)
def test_forged_token__when_no_user_is_needed__then_as_without(api, name):
    token_of(make_user())
    token = FORGED[name]()
    for verb, path, status in PUBLIC:
        response = getattr(api, verb)(path, headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == status, (path, response.content)
        assert response.status_code == getattr(api, verb)(path).status_code


def test_ended_login__then_its_owner_can_sign_in_with_the_old_token_along(api):
    user = make_user()
    token = token_of(user)
    logins_revoke(user_ids=[user.pk], reason="test")
    body = {"email": user.email, "password": PASSWORD}
    fresh = data_of(Api(token).post("/api/auth/login", body))["token"]
    assert data_of(Api(fresh).get("/api/auth/me"))["email"] == user.email


def test_corpus__control__an_unforged_one_opens(api):
    token_of(make_user())
    data_of(Api(_signed()).get("/api/auth/me"))
    data_of(api.get("/api/auth/me", headers={"Authorization": f"bearer   {_signed()} "}))


def test_other_scheme__then_not_read(api):
    token = token_of(make_user())
    for scheme in ("Basic", "Token", "JWT"):
        error_of(api.get("/api/auth/me", headers={"Authorization": f"{scheme} {token}"}), 401, "UNAUTHENTICATED")


def _revoke(user):
    logins_revoke(user_ids=[user.pk], reason="test")


def _inactive(user):
    User.objects.filter(pk=user.pk).update(is_active=False)


ENDED = {
    "revoked": _revoke,
    "locked": lambda user: users_lock(user_ids=[user.pk], locked=True),
    "locked without revoking": lambda user: User.objects.filter(pk=user.pk).update(is_locked=True),
    "inactive": _inactive,
    "signed out by staff": lambda user: users_sign_out(user_ids=[user.pk], actor=SYSTEM),
    "deleted": lambda user: user.delete(),
}


@pytest.mark.parametrize("name", ENDED)
def test_ended_login__then_401_at_once(api, name):
    user = make_user()
    token = token_of(user)
    data_of(Api(token).get("/api/auth/me"))
    ENDED[name](user)
    error_of(Api(token).get("/api/auth/me"), 401, "UNAUTHENTICATED")


def test_lock__when_opened_again__then_old_tokens_stay_dead(api):
    user = make_user()
    token = token_of(user)
    assert users_lock(user_ids=[user.pk], locked=True) == 1
    assert users_lock(user_ids=[user.pk], locked=True) == 0
    assert users_lock(user_ids=[user.pk], locked=False) == 1
    error_of(Api(token).get("/api/auth/me"), 401, "UNAUTHENTICATED")
    data_of(api.as_(User.objects.get()).get("/api/auth/me"))


def test_login__when_idle_for_30_days__then_over(api):
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False) as clock:
        token = token_of(make_user())
        clock.shift(timedelta(days=29))
        data_of(Api(token).get("/api/auth/me"))  # and this puts the end off
        clock.shift(timedelta(days=29))
        data_of(Api(token).get("/api/auth/me"))
        clock.shift(timedelta(days=30))
        error_of(Api(token).get("/api/auth/me"), 401, "UNAUTHENTICATED")


def test_login__when_a_year_old__then_over_whatever_the_activity(api):
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False) as clock:
        token = token_of(make_user())
        for _ in range(18):
            clock.shift(timedelta(days=20))
            data_of(Api(token).get("/api/auth/me"))
        clock.shift(timedelta(days=5))
        error_of(Api(token).get("/api/auth/me"), 401, "UNAUTHENTICATED")


def test_unverified_token__then_carries_no_company_role_or_permission(db):
    from accounts.selectors.logins import actor_of_token
    from accounts.services.login import login_open
    from accounts.states import Role

    user = make_user(Role.TENANT_ADMIN, company_id=7, is_verified=False)
    made = login_open(user=user, scope=LoginScope.UNVERIFIED, ip="", user_agent="")
    _, actor = actor_of_token(made.token)
    assert (actor.id, actor.role, actor.permissions, actor.company_id) == (user.pk, "", frozenset(), None)


def test_token__then_holds_nothing_but_the_logins_name(db):
    token_of(make_user())
    claims = jwt.decode(token_for(Login.objects.get()), options={"verify_signature": False})
    assert set(claims) == {"token_type", "exp", "iat", "jti", "sid", "aud", "iss"}
