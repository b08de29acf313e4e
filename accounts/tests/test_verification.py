"""POST verify-email and resend-verification."""

from datetime import timedelta

import pytest
import time_machine

from accounts.models import EmailVerification, Login, User
from accounts.services.login import login_open
from accounts.services.verification import email_verify, verification_send
from accounts.states import LoginScope
from accounts.tests.factories import make_user, token_of
from accounts.tests.mailbox import last_token, mails
from cbt.kernel import events
from cbt.kernel.errors import DomainError, ErrorCode
from cbt.kernel.models import AuditEvent, Job, OutgoingMail
from tests.support import Api, data_of, error_of

VERIFY = "/api/auth/verify-email"
RESEND = "/api/auth/resend-verification"


@pytest.fixture
def heard():
    """Collect the events that are published in the test."""
    received = []
    events._subscribers[events.UserEmailVerified].append(received.append)
    yield received
    events._subscribers[events.UserEmailVerified].remove(received.append)


def _unverified():
    user = make_user(is_verified=False, name="Budi", email="budi@example.com")
    return user, login_open(user=user, scope=LoginScope.UNVERIFIED, ip="127.0.0.1", user_agent="").token


def test_verify__when_valid__then_user_shape(api, heard):
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False) as clock:
        user, _ = _unverified()
        verification_send(user=user)
        clock.shift(60)
        response = api.post(VERIFY, {"token": last_token()})
    assert data_of(response) == {
        "user": {
            "id": user.pk, "name": "Budi", "email": "budi@example.com", "email_verified_at": "2026-03-01T08:01:00Z",
            "roles": ["public_user"], "created_at": "2026-03-01T08:00:00Z", "updated_at": "2026-03-01T08:01:00Z",
        }
    }  # fmt: skip
    assert response.json()["message"] == "Email verified successfully"
    assert heard == [events.UserEmailVerified(user_id=user.pk)]
    assert Login.objects.get().scope == LoginScope.FULL
    assert AuditEvent.objects.get().action == "accounts.user.email_verified"


def test_verify__when_login_of_registration_was_ended__then_stays_ended(db):
    user, token = _unverified()
    Api(token).post("/api/auth/logout")
    verification_send(user=user)
    email_verify(token=last_token())
    assert Login.objects.get().scope == LoginScope.UNVERIFIED
    error_of(Api(token).get("/api/auth/me"), 401, "UNAUTHENTICATED")


def _expect_rejected(api, token):
    body = error_of(api.post(VERIFY, {"token": token}), 400, "TOKEN_REJECTED")
    assert body["message"] == "Invalid or expired verification token"


def test_verify__when_unknown_used_replaced_or_inactive__then_400(api, heard):
    user, _ = _unverified()
    _expect_rejected(api, "x" * 32)
    verification_send(user=user)
    replaced = last_token()
    verification_send(user=user)
    _expect_rejected(api, replaced)
    good = last_token()
    User.objects.update(is_active=False)
    _expect_rejected(api, good)
    User.objects.update(is_active=True)
    data_of(api.post(VERIFY, {"token": good}))
    _expect_rejected(api, good)
    assert len(heard) == 1


@pytest.mark.parametrize(("seconds", "status"), [(86_399, 200), (86_400, 400)])
def test_verify__when_24_hours_old__then_400(api, seconds, status):
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False) as clock:
        user, _ = _unverified()
        verification_send(user=user)
        token = last_token()
        clock.shift(seconds)
        assert api.post(VERIFY, {"token": token}).status_code == status
    assert User.objects.get().is_verified == (status == 200)


def test_verify__when_verified_otherwise_meanwhile__then_400_already(api, heard):
    user, _ = _unverified()
    verification_send(user=user)
    User.objects.update(email_verified_at=user.created_at)
    body = error_of(api.post(VERIFY, {"token": last_token()}), 400, "ALREADY_VERIFIED")
    assert body["message"] == "Email already verified"
    assert heard == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "The token field is required."),
        ({"token": ""}, "The token field is required."),
        ({"token": None}, "The token field is required."),
        ({"token": ["x"]}, "The token must be a string."),
        ({"token": "x" * 201}, "The token must not be greater than 200 characters."),
    ],
)
def test_verify__when_token_is_no_text__then_422(api, body, message):
    assert error_of(api.post(VERIFY, body), 422, "VALIDATION_ERROR")["errors"] == {"token": [message]}


def test_verify__when_a_subscriber_fails__then_nothing_is_stored(db):
    def fails(event):
        raise DomainError(ErrorCode.BUSINESS_RULE, "no")

    user, _ = _unverified()
    verification_send(user=user)
    token = last_token()
    events._subscribers[events.UserEmailVerified].append(fails)
    try:
        with pytest.raises(DomainError, match="no"):
            email_verify(token=token)
    finally:
        events._subscribers[events.UserEmailVerified].remove(fails)
    assert not User.objects.get().is_verified
    assert EmailVerification.objects.get().used_at is None
    email_verify(token=token)


def test_verify__when_link_was_for_a_new_address__then_it_becomes_the_users(db, heard):
    user = make_user(email="old@example.com")
    verification_send(user=user, email=" new@example.com")
    assert mails()[-1].to == ["new@example.com"]
    assert User.objects.get().email == "old@example.com"
    assert email_verify(token=last_token()).email == "new@example.com"
    assert User.objects.get().email == "new@example.com"
    assert heard == []  # the account had been proved before: nothing is opened a second time


def test_verify__when_new_address_was_taken_meanwhile__then_400_and_the_link_stays_open(db):
    user = make_user(email="old@example.com")
    verification_send(user=user, email="new@example.com")
    token = last_token()
    make_user(email="NEW@example.com")
    with pytest.raises(DomainError) as caught:
        email_verify(token=token)
    assert caught.value.code == ErrorCode.EMAIL_TAKEN
    assert User.objects.get(pk=user.pk).email == "old@example.com"


def test_resend__when_unverified__then_a_new_mail_and_the_old_link_is_void(api):
    user, token = _unverified()
    verification_send(user=user)
    old = last_token()
    response = Api(token).post(RESEND)
    assert data_of(response) is None
    assert response.json()["message"] == "Verification email sent successfully"
    assert len(mails()) == 2
    _expect_rejected(api, old)
    data_of(api.post(VERIFY, {"token": last_token()}))


def test_resend__when_verified__then_400(api):
    body = error_of(Api(token_of(make_user())).post(RESEND), 400, "ALREADY_VERIFIED")
    assert body["message"] == "Email already verified"
    assert mails() == []


def test_resend__when_sixth_within_an_hour__then_429_and_the_mailbox_is_spared(api):
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False) as clock:
        _, token = _unverified()
        for _ in range(5):
            data_of(Api(token).post(RESEND))
            mails()
            clock.shift(60)
        response = Api(token).post(RESEND)
        error_of(response, 429, "RATE_LIMITED")
        assert response["Retry-After"] == str(3600 - 300)
        assert len(mails()) == 5
        clock.shift(timedelta(seconds=3300))
        data_of(Api(token).post(RESEND))


def test_mail__when_link_is_replaced_before_sending__then_only_the_new_one_leaves(db):
    user, _ = _unverified()
    verification_send(user=user)
    verification_send(user=user)
    assert len(mails()) == 1
    assert sorted(OutgoingMail.objects.values_list("status", flat=True)) == ["cancelled", "sent"]


def test_mail__when_secret_key_was_rotated_before_sending__then_the_link_still_opens(db, settings):
    user, _ = _unverified()
    verification_send(user=user)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a-new-key-of-quite-sufficient-length-0123456789"
    email_verify(token=last_token())
    assert User.objects.get().is_verified


def test_mail__then_shown_with_its_object_and_without_personal_data_in_the_job(db):
    user, _ = _unverified()
    row = verification_send(user=user)
    stored = OutgoingMail.objects.get()
    assert (stored.object_type, stored.object_id) == ("accounts.user", user.pk)
    assert stored.context == {"verification_id": row.pk}
    assert Job.objects.get().payload == {"mail_id": stored.pk}
