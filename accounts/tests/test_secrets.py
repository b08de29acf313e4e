"""Secrets that were planted must not turn up: not in logs, not in the database."""

import logging

from django.apps import apps
from django.db import connection

from accounts.tests.factories import make_user
from accounts.tests.mailbox import last_token, link_of, mails
from tests.support import Api, data_of


def _walk_through(api):
    """Register, verify, sign in, forget and reset; return every secret that was used on the way."""
    first, second, wrong = "planted-first-secret", "planted-second-secret", "planted-wrong-secret"
    email = "planted.address@example.com"
    body = {"name": "Planted", "email": email, "password": first, "password_confirmation": first}
    registered = data_of(api.post("/api/auth/register", body), 201)["token"]
    Api(registered).post("/api/auth/resend-verification")
    verification = last_token()
    api.post("/api/auth/verify-email", {"token": "planted-wrong-token"})
    data_of(api.post("/api/auth/verify-email", {"token": verification}))
    api.post("/api/auth/login", {"email": email, "password": wrong})
    bearer = data_of(api.post("/api/auth/login", {"email": email, "password": first}))["token"]
    api.post("/api/auth/forgot-password", {"email": email})
    reset = last_token()
    change = {"token": reset, "email": email, "password": second, "password_confirmation": second}
    data_of(api.post("/api/auth/reset-password", change))
    Api(bearer).get("/api/auth/me")
    return {first, second, wrong, registered, verification, bearer, reset, "planted-wrong-token"}, email


def test_logs__when_everything_is_logged__then_no_secret_and_no_address(api, caplog):
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("cbt").debug("control")
        secrets, email = _walk_through(api)
    assert "control" in caplog.text
    for secret in secrets:
        assert secret not in caplog.text
    assert email not in caplog.text


def _every_value():
    for model in apps.get_models():
        if model._meta.managed and not model._meta.proxy:
            with connection.cursor() as cursor:
                cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')
                for row in cursor.fetchall():
                    yield from (str(value) for value in row)


def test_database__then_holds_no_token_and_no_password_in_clear(api):
    secrets, email = _walk_through(api)
    stored = "\n".join(_every_value())
    assert email in stored  # the control: what is stored is found
    for secret in secrets:
        assert secret not in stored


def test_database__when_stolen__then_its_hashes_open_nothing(api):
    from accounts.models import EmailVerification
    from accounts.services.verification import verification_send

    verification_send(user=make_user(is_verified=False))
    row = EmailVerification.objects.get()
    for stolen in (row.token_hash, row.nonce):
        assert api.post("/api/auth/verify-email", {"token": stolen}).status_code == 400
    assert last_token() not in {row.token_hash, row.nonce}
    assert row.token_hash not in link_of(mails()[-1])
