"""Requests another site's page makes with our visitor's cookies, and what CORS lets it read."""

import pytest
from django.test import Client

from accounts.models import Login, PublicProfile
from accounts.tests.factories import PASSWORD, make_user
from cbt.http.origins import origin_of
from commerce.models import CartItem
from tests.support import data_of, error_of

OURS = "http://localhost:3000"
LOGIN = "/api/auth/login"
#: (name, Origin, Referer); None: the header is not sent.
FOREIGN = [
    ("another site", "https://evil.example", None),
    ("another site with a referer of ours", "https://evil.example", f"{OURS}/page"),
    ("a page in a sandbox", "null", None),
    ("a file", "file://", None),
    ("empty", "", None),
    ("nonsense", "]://[", None),
    ("subdomain of ours", "http://evil.testserver", None),
    ("our name as a prefix", "http://testserver.evil.example", None),
    ("our name as a suffix", "http://eviltestserver", None),
    ("our name as a user", "http://testserver@evil.example", None),
    ("another port", "http://testserver:8443", None),
    ("another scheme", "https://testserver", None),
    ("frontend with another port", "http://localhost:3001", None),
    ("frontend with another scheme", "https://localhost:3000", None),
    ("frontend by address", "http://127.0.0.1:3000", None),
    ("frontend as a prefix", "http://localhost:3000.evil.example", None),
    ("two origins", f"{OURS} https://evil.example", None),
    ("a list", f"{OURS}, https://evil.example", None),
    ("only a referer", None, "https://evil.example/attack?x=http://testserver"),
    ("a referer that begins like ours", None, "http://testserver.evil.example/"),
    ("a referer with our name as a user", None, "http://testserver:80@evil.example/"),
    ("an empty referer", None, ""),
    ("neither header", None, None),
]
HONEST = [
    ("frontend", OURS, None),
    ("angular frontend", "http://localhost:4200", None),
    ("our own page", "http://testserver", None),
    ("our own page, port said", "http://testserver:80", None),
    ("page named by referer", None, f"{OURS}/exam/7?x=1"),
    ("our own page by referer", None, "http://testserver/api/docs"),
]
BODIES = [
    ("json", b'{"phone": "stolen"}', "application/json"),
    ("text that is json", b'{"phone": "stolen"}', "text/plain"),
    ("form", b"phone=stolen", "application/x-www-form-urlencoded"),
    ("multipart", b'--B\r\nContent-Disposition: form-data; name="phone"\r\n\r\nstolen\r\n--B--\r\n',
     "multipart/form-data; boundary=B"),
]  # fmt: skip


def headers(origin, referer):
    return {name: value for name, value in (("Origin", origin), ("Referer", referer)) if value is not None}


@pytest.fixture
def victim(db):
    """A browser that carries a visitor's cookies."""
    user = make_user()
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    response = client.post(
        LOGIN, {"email": user.email, "password": PASSWORD}, "application/json", headers={"Origin": OURS}
    )
    assert response.status_code == 200
    client.user = user
    return client


@pytest.mark.parametrize(("name", "origin", "referer"), FOREIGN, ids=[row[0] for row in FOREIGN])
def test_write__when_another_site_sends_it__then_403_and_nothing_changes(victim, name, origin, referer):
    profile = list(PublicProfile.objects.values())
    for _, body, content_type in BODIES:
        response = victim.generic("PATCH", "/api/profile/update", body, content_type, headers=headers(origin, referer))
        error_of(response, 403, "CSRF_FAILED")
    for method, path in [("DELETE", "/api/cart/clear"), ("POST", "/api/cart/add"), ("POST", "/api/auth/logout")]:
        error_of(victim.generic(method, path, headers=headers(origin, referer)), 403, "CSRF_FAILED")
    assert list(PublicProfile.objects.values()) == profile
    assert not CartItem.objects.exists()
    assert Login.objects.get().revoked_at is None


@pytest.mark.parametrize(("name", "origin", "referer"), HONEST, ids=[row[0] for row in HONEST])
def test_write__when_a_page_of_ours_sends_it__then_done(victim, name, origin, referer):
    data_of(victim.patch(
        "/api/profile/update", {"phone": "0812"}, "application/json", headers=headers(origin, referer)
    ))  # fmt: skip
    assert PublicProfile.objects.get().phone == "0812"


def test_write__when_no_origin_is_named__then_the_csrf_token_decides(victim):
    token = victim.cookies["csrftoken"].value

    def send(value):
        return victim.patch(
            "/api/profile/update", {"phone": "0812"}, "application/json", headers={"X-CSRFToken": value}
        )

    error_of(send("x" * len(token)), 403, "CSRF_FAILED")
    error_of(send(""), 403, "CSRF_FAILED")
    data_of(send(token))


def test_write__when_the_origin_is_foreign__then_no_token_helps(victim):
    token = victim.cookies["csrftoken"].value
    response = victim.patch(
        "/api/profile/update", {"phone": "stolen"}, "application/json",
        headers={"X-CSRFToken": token, "Origin": "https://evil.example"},
    )  # fmt: skip
    body = error_of(response, 403, "CSRF_FAILED")
    assert body["message"] == "CSRF verification failed."


def test_read__when_another_site_asks__then_answered_but_not_readable_there(victim):
    response = victim.get("/api/auth/me", headers={"Origin": "https://evil.example"})
    data_of(response)
    assert "Access-Control-Allow-Origin" not in response
    assert "Access-Control-Allow-Credentials" not in response


def test_write__when_the_host_is_rebound__then_400(victim):
    """A name of the attacker's that points to our address: the browser then calls the request same-origin."""
    response = victim.patch(
        "/api/profile/update", {"phone": "stolen"}, "application/json",
        headers={"Host": "rebound.example", "Origin": "http://rebound.example"},
    )  # fmt: skip
    assert response.status_code == 400
    assert PublicProfile.objects.get().phone != "stolen"


SIGN_INS = [row for row in FOREIGN if row[0] != "neither header"]


@pytest.mark.parametrize(("name", "origin", "referer"), SIGN_INS, ids=[row[0] for row in SIGN_INS])
def test_login__when_another_site_signs_its_visitor_in__then_403_and_no_cookie(db, name, origin, referer):
    attacker = make_user()
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    form = f"email={attacker.email}&password={PASSWORD}"
    bodies = [
        (f'{{"email": "{attacker.email}", "password": "{PASSWORD}"}}', "application/json"),
        (form, "application/x-www-form-urlencoded"),
    ]
    for body, content_type in bodies:
        response = client.generic("POST", LOGIN, body, content_type, headers=headers(origin, referer))
        error_of(response, 403, "CSRF_FAILED")
        assert response.cookies == {}
    assert not Login.objects.exists()


@pytest.mark.parametrize(("name", "origin", "referer"), [*HONEST, FOREIGN[-1]], ids=lambda value: str(value)[:30])
def test_login__when_by_our_pages_or_by_no_browser__then_200(db, name, origin, referer):
    user = make_user()
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    body = {"email": user.email, "password": PASSWORD}
    data_of(client.post(LOGIN, body, "application/json", headers=headers(origin, referer)))
    # A program that keeps cookies but names no origin may sign in again.
    data_of(client.post(LOGIN, body, "application/json", headers=headers(origin, referer)))


def test_admin_form__when_a_browser_sends_it__then_our_own_referrer_policy_does_not_hide_its_origin(client, db):
    """With "no-referrer" browsers send our own forms with Origin: null, and the admin could not be signed in to."""
    assert client.get("/admin/login/")["Referrer-Policy"] == "same-origin"


# --- CORS ----------------------------------------------------------------------------------------------

LISTED = ["http://localhost:3000", "http://localhost:4200", "http://localhost:5173"]
PATHS = ["/api/auth/me", "/api/tests/catalog", "/api/nowhere"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("origin", LISTED)
def test_cors__when_listed__then_named_exactly_with_credentials(client, db, origin, path):
    response = client.get(path, headers={"Origin": origin})
    assert response["Access-Control-Allow-Origin"] == origin
    assert response["Access-Control-Allow-Credentials"] == "true"
    assert "origin" in response["Vary"].lower()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("origin", [origin for _, origin, _ in FOREIGN if origin is not None])
def test_cors__when_not_listed__then_no_permission_but_vary(client, db, origin, path):
    for response in (
        client.get(path, headers={"Origin": origin}),
        client.options(path, headers={"Origin": origin, "Access-Control-Request-Method": "PUT"}),
    ):
        assert [name for name in response.headers if name.lower().startswith("access-control")] == []
        assert "origin" in response["Vary"].lower()


def test_cors__when_no_origin__then_vary_all_the_same(client, db):
    assert "origin" in client.get("/api/tests/catalog")["Vary"].lower()


def test_preflight__then_lists_what_is_allowed_and_never_a_star(client):
    response = client.options("/api/profile/update", headers={
        "Origin": OURS, "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "content-type,x-csrftoken",
    })  # fmt: skip
    assert response.status_code == 200
    allowed = {name: value for name, value in response.headers.items() if name.lower().startswith("access-control")}
    assert len(allowed) >= 4
    assert "*" not in str(allowed)
    assert response["Access-Control-Allow-Origin"] == OURS
    assert response["Access-Control-Allow-Credentials"] == "true"
    assert {"DELETE", "GET", "PATCH", "POST", "PUT"} <= set(response["Access-Control-Allow-Methods"].split(", "))
    assert {"authorization", "content-type", "x-csrftoken"} <= set(response["Access-Control-Allow-Headers"].split(", "))


def test_preflight__when_a_frontend_sends_headers_of_its_own__then_granted_to_listed_origins_only(client):
    """The cookie frontend's `allow_headers=["*"]`, which browsers do not read as "all" where cookies are sent."""
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-xsrf-token, X-Client-Version,baggage,*,bad name,x-\u00e9," + "x" * 101,
    }
    response = client.options("/api/auth/login", headers={"Origin": OURS, **asked})
    granted = response["Access-Control-Allow-Headers"].split(", ")
    assert granted[-3:] == ["x-xsrf-token", "x-client-version", "baggage"]
    assert "content-type" in granted
    many = {**asked, "Access-Control-Request-Headers": ",".join(f"x-{number}" for number in range(1000))}
    assert client.options("/api/x", headers={"Origin": OURS, **many})["Access-Control-Allow-Headers"].endswith("x-49")
    refused = client.options("/api/auth/login", headers={"Origin": "https://evil.example", **asked})
    assert "Access-Control-Allow-Headers" not in refused
    assert "Access-Control-Allow-Headers" not in client.get("/api/auth/me", headers={"Origin": OURS, **asked})


def test_cors__when_a_request_is_refused_before_any_view__then_the_frontend_can_read_why(client):
    response = client.post(
        "/api/auth/login", b"{}", "application/json", headers={"Origin": OURS, "Content-Encoding": "gzip"}
    )
    error_of(response, 415, "UNSUPPORTED_MEDIA_TYPE")
    assert response["Access-Control-Allow-Origin"] == OURS


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://A.example/", "https://a.example"), ("http://a.example:80/x", "http://a.example"),
        ("https://a.example:8443", "https://a.example:8443"), ("http://[::1]:3000/", "http://[::1]:3000"),
        ("http://a.example:99999", ""), ("ftp://a.example", ""), ("a.example", ""), ("http://", ""),
        ("http://u@a.example", ""), ("null", ""), ("javascript:alert(1)", ""),
    ],
)  # fmt: skip
def test_origin_of__then_scheme_host_and_unusual_port(address, origin):
    assert origin_of(address) == origin
