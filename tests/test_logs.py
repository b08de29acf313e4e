"""Log lines for machines: one JSON object each, with request id, without secrets."""

import io
import json
import logging

import pytest

from accounts.tests.factories import make_user, token_of
from cbt.kernel.ids import derive_token, new_nonce, new_token
from cbt.kernel.logs import JsonLine, RedactSecrets
from sessions_app.tests.factories import make_assignment, start_session
from tests.support import Api


@pytest.fixture
def lines():
    """Everything logged below the root, as the JSON handler writes it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLine())
    handler.addFilter(RedactSecrets())
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.django_db
def test_request__when_logged__then_route_status_time_and_id(lines, settings):
    settings.LOG_REQUESTS = True
    started = start_session(make_assignment()[1])
    Api(token_of(make_user()), **{"X-Request-ID": "request-0002"}).get("/api/auth/me?token=zzz")
    Api().get(f"/api/test-session/{started.token}")
    first, second = (line for line in lines() if line["logger"] == "cbt.access")
    assert {key: first[key] for key in ("level", "request_id", "message", "method", "route", "status")} == {
        "level": "INFO", "request_id": "request-0002", "message": "GET /api/auth/me 200", "method": "GET",
        "route": "/api/auth/me", "status": 200,
    }  # fmt: skip
    assert first["duration_ms"] > 0
    assert second["route"] == "/api/test-session/<str:token>"
    assert started.token not in json.dumps(lines())
    assert "zzz" not in json.dumps(lines())


def test_traceback__when_it_quotes_secrets__then_redacted(lines):
    try:
        raise ValueError("token=SECRETTOKEN of somebody@private.example")
    except ValueError:
        logging.getLogger("cbt.x").exception("failed for %s", "SESSION-ABCDEFGHIJKL")
    line = lines()[-1]
    assert line["message"] == "failed for SESSION-[token]"
    assert "ValueError: token=[redacted] of [address]" in line["exc_info"]


@pytest.mark.django_db
def test_secrets__when_logged_in_any_form__then_redacted(lines):
    """Every kind of secret the server gives out or takes, in every form in which a message could quote it."""
    password, reset = "planted-Secret-1", derive_token("accounts.password_reset", new_nonce())
    session, refresh = new_token("SESSION-"), new_token("REFRESH-")
    for secret in (token_of(make_user()), session, refresh, new_token(), reset, password):
        is_password = secret == password
        for form in (
            "Authorization: Bearer {}", "Cookie: auth-token={}; other=1", "sessionid={}", "GET /x?token={}&y=1",
            "signature={}", '{{"token": "{}"}}', "{{'password': '{}', 'x': 1}}", "password_confirmation={}",
            "/api/test-session/{}/submit", "/api/participant/assignment/{}", *(() if is_password else ("got {} here",)),
        ):  # fmt: skip
            logging.getLogger("cbt.x").warning("%s", form.format(secret))
            assert secret not in json.dumps(lines()[-1]), form
    logging.getLogger("cbt.x").warning("%s", "login refused door=email pair=0a1b2c; tokens: none")
    assert lines()[-1]["message"] == "login refused door=email pair=0a1b2c; tokens: none"
