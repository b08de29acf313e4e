"""POST /api/auth/register, and the way from there to a full login."""

import pytest
from django.core import mail

from accounts.models import EmailVerification, Login, PublicProfile, User
from accounts.states import LoginScope, Role
from accounts.tests.factories import make_user
from accounts.tests.mailbox import last_token, link_of, mails
from cbt.kernel.permissions import Perm
from tests.support import Api, data_of, error_of

BODY = {
    "name": "John Doe",
    "email": "john@example.com",
    "password": "password123",
    "password_confirmation": "password123",
}


def test_register__when_valid__then_contract_body(api):
    response = api.post("/api/auth/register", BODY)
    data = data_of(response, 201)
    assert set(response.json()) == {"success", "message", "data", "status_code"}
    assert response.json()["message"] == "Registration successful. Please verify your email."
    assert set(data) == {"user", "token"}
    user = User.objects.get()
    assert data["user"] == {
        "id": user.pk, "name": "John Doe", "email": "john@example.com", "email_verified_at": None,
        "roles": ["public_user"],
    }  # fmt: skip
    assert (user.role, user.company_id, user.check_password("password123")) == (Role.PUBLIC_USER, None, True)
    assert PublicProfile.objects.get().user_id == user.pk
    assert Login.objects.get().scope == LoginScope.UNVERIFIED


def test_register__then_login_works_only_after_the_mailed_link(api):
    token = data_of(api.post("/api/auth/register", BODY), 201)["token"]
    credentials = {"email": BODY["email"], "password": BODY["password"]}
    assert error_of(api.post("/api/auth/login", credentials), 401, "EMAIL_NOT_VERIFIED")["message"] == (
        "Email not verified"
    )
    (message,) = mails()
    assert message.subject == "Verifikasi Email - RuangTes"
    assert message.to == ["john@example.com"]
    assert link_of(message).startswith("http://localhost:3000/verify-email?token=")
    assert "24 jam" in message.body
    html = message.alternatives[0][0]
    assert link_of(message) in html
    assert "24 jam" in html
    data_of(api.post("/api/auth/verify-email", {"token": last_token()}))
    assert data_of(api.post("/api/auth/login", credentials))["user"]["roles"] == ["public_user"]
    # The login made at registration has become a full one.
    me = data_of(Api(token).get("/api/auth/me"))
    assert "take_tests" in me["permissions"]


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"name": ""}, {"name": ["The name field is required."]}),
        ({"name": None}, {"name": ["The name field is required."]}),
        ({"name": "x" * 256}, {"name": ["The name must not be greater than 255 characters."]}),
        ({"email": ""}, {"email": ["The email field is required."]}),
        ({"email": "john"}, {"email": ["The email must be a valid email address."]}),
        ({"email": "j@" + "a" * 250 + ".com"}, None),
        ({"password": ""}, {"password": ["The password field is required."]}),
        ({"password": 12345678}, {"password": ["The password must be a string."]}),
        ({"password_confirmation": "password124"}, {"password": ["The password confirmation does not match."]}),
        ({"password_confirmation": None}, {"password": ["The password confirmation does not match."]}),
        ({"password_confirmation": "password123 "}, {"password": ["The password confirmation does not match."]}),
        (
            {"password": "short"},
            {
                "password": [
                    "The password must be at least 8 characters.",
                    "The password confirmation does not match.",
                ]
            },
        ),
        (
            {"password": "x" * 129, "password_confirmation": "x" * 129},
            {"password": ["The password must not be greater than 128 characters."]},
        ),
        (
            {"email": "", "password": "short"},
            {
                "email": ["The email field is required."],
                "password": [
                    "The password must be at least 8 characters.",
                    "The password confirmation does not match.",
                ],
            },
        ),
    ],
)
def test_register__when_a_field_is_wrong__then_422_in_the_contracts_words(api, change, errors):
    body = error_of(api.post("/api/auth/register", {**BODY, **change}), 422, "VALIDATION_ERROR")
    assert body["message"] == "The given data was invalid."
    assert body["errors"] == errors if errors else set(body["errors"]) == {"email"}
    assert not User.objects.exists()
    assert mails() == []


def test_register__when_empty__then_every_field_is_named(api):
    body = error_of(api.post("/api/auth/register", {}), 422, "VALIDATION_ERROR")
    assert body["errors"] == {
        "name": ["The name field is required."],
        "email": ["The email field is required."],
        "password": ["The password field is required."],
    }


@pytest.mark.parametrize("email", ["john@example.com", "JOHN@Example.Com", "  john@example.com "])
def test_register__when_address_is_known_in_any_case__then_422(api, email):
    make_user(email="john@example.com")
    body = error_of(api.post("/api/auth/register", {**BODY, "email": email}), 422, "VALIDATION_ERROR")
    assert body["errors"] == {"email": ["The email has already been taken."]}
    assert User.objects.count() == 1
    assert (Login.objects.count(), EmailVerification.objects.count(), mails()) == (0, 0, [])


def test_register__when_address_has_spaces_and_capitals__then_stored_trimmed_and_as_given(api):
    data_of(api.post("/api/auth/register", {**BODY, "email": "  John@Example.com "}), 201)
    assert User.objects.get().email == "John@Example.com"


def test_register__when_password_has_spaces__then_not_trimmed(api):
    secret = "  spaced  "
    data_of(api.post("/api/auth/register", {**BODY, "password": secret, "password_confirmation": secret}), 201)
    user = User.objects.get()
    assert user.check_password(secret)
    assert not user.check_password(secret.strip())


def test_register__when_body_is_multipart__then_read(api):
    data_of(api.upload("/api/auth/register", BODY), 201)


def test_register__when_61st_in_a_minute_from_one_address__then_429(api):
    for _ in range(60):
        assert api.post("/api/auth/register", {}).status_code == 422
    response = api.post("/api/auth/register", {}, headers={"X-Forwarded-For": "203.0.113.9"})
    error_of(response, 429, "RATE_LIMITED")
    assert int(response["Retry-After"]) >= 1


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("O'Brien & Söhne", "Halo O'Brien & Söhne,"),
        ("Win at http://evil.example now", "Halo,"),
        ("www.evil.example", "Halo,"),
        ("evil.example", "Halo evil.\u2060example,"),
        ("Dr. Budi", "Halo Dr. Budi,"),
        ("<b>x</b>", "Halo,"),
    ],
)
def test_verification_mail__when_the_name_was_chosen_by_a_stranger__then_no_link_rides_on_it(api, name, shown):
    data_of(api.post("/api/auth/register", {**BODY, "name": name}), 201)
    (message,) = mails()
    assert message.body.splitlines()[0] == shown


def test_verification_mail__when_name_has_markup_characters__then_html_is_escaped(api):
    data_of(api.post("/api/auth/register", {**BODY, "name": "A & B"}), 201)
    mails()
    assert "A &amp; B" in mail.outbox[0].alternatives[0][0]


def test_me__when_unverified__then_no_permissions(api):
    token = data_of(api.post("/api/auth/register", BODY), 201)["token"]
    me = data_of(Api(token).get("/api/auth/me"))
    assert me["permissions"] == []
    assert me["roles"] == ["public_user"]
    assert me["email_verified_at"] is None


def _house_routes():
    """Return every (verb, path, view) of a FaceView that wants a signed-in user."""
    from django.urls import URLPattern, get_resolver

    from cbt.http.views import Access, FaceView

    found = []

    def walk(patterns, prefix):
        for pattern in patterns:
            if not isinstance(pattern, URLPattern):
                walk(pattern.url_patterns, prefix + str(pattern.pattern))
                continue
            view = getattr(pattern.callback, "cls", None)
            if not (isinstance(view, type) and issubclass(view, FaceView)):
                continue
            path = prefix + str(pattern.pattern)
            for name in pattern.pattern.converters:
                path = path.replace(f"<int:{name}>", "1").replace(f"<str:{name}>", "x").replace(f"<{name}>", "x")
            found.extend(
                (verb, f"/{path}")
                for verb in view.verbs()
                if isinstance(view.declared("permission", verb), Perm | tuple)
                or view.declared("permission", verb) is Access.SIGNED_IN
            )

    walk(get_resolver().url_patterns, "")
    return found


OPEN = {("get", "/api/auth/me"), ("post", "/api/auth/logout"), ("post", "/api/auth/resend-verification")}


def test_unverified_token__when_walking_the_house__then_only_three_doors_open(api, monkeypatch):
    monkeypatch.setattr("cbt.http.views.enforce", lambda *args, **kwargs: None)
    user = make_user(is_verified=False)
    routes = _house_routes()
    assert set(routes) >= OPEN
    from accounts.services.login import login_open

    for verb, path in routes:
        token = login_open(user=user, scope=LoginScope.UNVERIFIED, ip="127.0.0.1", user_agent="").token
        response = getattr(Api(token), verb)(path)
        if (verb, path) in OPEN:
            assert response.status_code == 200, (verb, path, response.content)
        else:
            body = error_of(response, 403, "FORBIDDEN")
            assert body["message"] == "Unauthorized", (verb, path)


def test_signed_in_route__when_it_does_not_admit_unverified__then_403(rf):
    from rest_framework.exceptions import PermissionDenied

    from cbt.http.rates import Rate
    from cbt.http.views import Access, FaceView, Scope
    from cbt.kernel.actor import Actor, ActorKind

    class Shut(FaceView):
        permission = Access.SIGNED_IN
        rate = Rate.STAFF
        scope = Scope.SELF

    request = rf.get("/")
    request.actor = Actor(kind=ActorKind.USER, id=1)
    with pytest.raises(PermissionDenied):
        Shut().check_access(request, Access.SIGNED_IN)
    request.actor = Actor(kind=ActorKind.USER, id=1, role="public_user")
    Shut().check_access(request, Access.SIGNED_IN)
