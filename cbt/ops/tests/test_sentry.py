"""What a fault report carries: the traceback and the route, nothing a person typed or holds."""

import json

import pytest
import sentry_sdk
from django.core import signals
from django.db import close_old_connections
from django.test import RequestFactory
from sentry_sdk.transport import Transport

from accounts.tests.factories import make_user, token_of
from cbt.ops import sentry
from cbt.ops.views import Health
from cbt.wsgi import application

TOKEN = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
ADDRESS = "203.0.113.9"


class Kept(Transport):
    """Keeps what would be sent."""

    def __init__(self, options=None):
        super().__init__(options)
        self.events = []

    def capture_envelope(self, envelope):
        self.events += [event for event in (envelope.get_event(),) if event]


@pytest.fixture
def kept():
    transport = Kept()
    for signal in (signals.request_started, signals.request_finished):
        signal.disconnect(close_old_connections)  # as Django's test client does: the test's transaction is on it
    sentry.start("https://key@sentry.invalid/1", environment="test", transport=transport)
    yield transport
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)
    for signal in (signals.request_started, signals.request_finished):
        signal.connect(close_old_connections)


@pytest.mark.django_db
def test_fault__when_reported__then_nothing_private_is_in_it(kept, monkeypatch):
    def breaks(self, request):
        raise RuntimeError(f"no seat for person@private.example with {TOKEN}")

    monkeypatch.setattr(Health, "get", breaks)
    bearer = token_of(make_user())
    environ = RequestFactory()._base_environ(
        PATH_INFO="/health", QUERY_STRING=f"token={TOKEN}", REMOTE_ADDR=ADDRESS, HTTP_X_REQUEST_ID="request-0001",
        HTTP_AUTHORIZATION=f"Bearer {bearer}", HTTP_COOKIE="auth-token=cookie-secret",
    )  # fmt: skip
    statuses = []
    application(environ, lambda status, headers: statuses.append(status)).close()
    assert statuses == ["500 Internal Server Error"]
    assert len(kept.events) >= 1
    for event in kept.events:
        text = json.dumps(event, default=str)
        assert event["tags"]["request_id"] == "request-0001"
        assert event["request"] == {"method": "GET"}
        for secret in (TOKEN, bearer, "cookie-secret", ADDRESS, "person@private.example"):
            assert secret not in text
    raised = [value for event in kept.events for value in event.get("exception", {}).get("values", [])]
    assert {value["type"] for value in raised} == {"RuntimeError"}
    assert "no seat for [address] with" in raised[0]["value"]
    assert "vars" not in json.dumps(raised, default=str)


def test_start__when_no_dsn_is_set__then_nothing_is_sent(settings):
    assert settings.SENTRY_DSN == ""
    assert not sentry_sdk.get_client().is_active()
