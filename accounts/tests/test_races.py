"""What happens when it happens at once. Each guard has a control that shows the race without it."""

import threading

import pytest
from django.core.cache import cache

from accounts.models import EmailVerification, Login, PasswordReset, PublicProfile, User
from accounts.services import login as login_service
from accounts.services.passwords import password_forgot, password_reset
from accounts.services.verification import email_verify, verification_send
from accounts.states import LoginScope
from accounts.tests.factories import make_user
from accounts.tests.mailbox import last_token, mails
from cbt.http.rates import FailureCounter
from cbt.kernel import clock, events, ids
from cbt.kernel.errors import DomainError, ErrorCode
from tests.support import Api, race

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def _refusals(results):
    """Return the codes of the refused; anything but a refusal or a result is a fault."""
    faults = [one for one in results if isinstance(one, Exception) and not isinstance(one, DomainError)]
    assert faults == []
    return [one.code for one in results if isinstance(one, DomainError)]


def _spelling(index):
    return "Twin@Example.com" if index % 2 else "twin@example.com"


def test_register__when_twins_differ_in_case__then_one_user():
    def act(index):
        body = {"name": "T", "email": _spelling(index), "password": "password123"}
        return Api().post("/api/auth/register", {**body, "password_confirmation": "password123"})

    answers = race(6, act)
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422, 422, 422]
    for answer in answers:
        if answer.status_code == 422:
            assert answer.json()["errors"] == {"email": ["The email has already been taken."]}
    assert (User.objects.count(), PublicProfile.objects.count(), Login.objects.count()) == (1, 1, 1)
    assert EmailVerification.objects.count() == 1
    assert len(mails()) == 1


def test_register__control__looking_first_would_let_both_in():
    looked = threading.Barrier(2)

    def act(index):
        is_free = not User.objects.filter(email__iexact=_spelling(index)).exists()
        looked.wait(timeout=30)
        return is_free

    assert race(2, act) == [True, True]


def test_guesses__when_16_at_once__then_five_are_admitted():
    user = make_user()

    def act(index):
        return Api().post("/api/auth/login", {"email": user.email, "password": f"wrong{index}"}).status_code

    assert sorted(race(16, act)) == [401] * 5 + [429] * 11


def test_guesses__control__reading_then_writing_admits_all_sixteen(monkeypatch):
    user = make_user()
    together = threading.Barrier(16)

    def naive(self, identity):
        count = cache.get(identity, 0)
        if self.name == "login-account":
            together.wait(timeout=30)
        if count >= self.limit:
            raise DomainError(ErrorCode.RATE_LIMITED, "no")
        cache.set(identity, count + 1)

    monkeypatch.setattr(FailureCounter, "begin", naive)

    def act(index):
        return Api().post("/api/auth/login", {"email": user.email, "password": f"wrong{index}"}).status_code

    assert race(16, act) == [401] * 16


@pytest.fixture
def heard():
    received = []
    events._subscribers[events.UserEmailVerified].append(received.append)
    yield received
    events._subscribers[events.UserEmailVerified].remove(received.append)


def test_verify__when_one_token_is_used_eight_times_at_once__then_once(heard):
    user = make_user(is_verified=False)
    verification_send(user=user)
    token = last_token()
    results = race(8, lambda _: email_verify(token=token))
    assert _refusals(results) == [ErrorCode.TOKEN_REJECTED] * 7
    assert heard == [events.UserEmailVerified(user_id=user.pk)]


def test_verify__control__reading_then_writing_takes_one_token_twice():
    user = make_user(is_verified=False)
    row = verification_send(user=user)
    looked = threading.Barrier(2)

    def act(_):
        is_open = EmailVerification.objects.get(pk=row.pk).used_at is None
        looked.wait(timeout=30)
        if is_open:
            EmailVerification.objects.filter(pk=row.pk).update(used_at=clock.now())
        return is_open

    assert race(2, act) == [True, True]


def test_send__when_six_at_once__then_one_link_is_open():
    user = make_user(is_verified=False)
    results = race(6, lambda _: verification_send(user=user))
    assert _refusals(results) == []
    assert EmailVerification.objects.filter(used_at__isnull=True).count() == 1
    assert EmailVerification.objects.count() == 6


def test_send__control__the_database_refuses_a_second_open_link():
    from django.db import IntegrityError

    user = make_user(is_verified=False)

    def act(_):
        nonce = ids.new_nonce()
        now = clock.now()
        return EmailVerification.objects.create(
            user=user, email=user.email, nonce=nonce, token_hash=ids.hash_token(nonce), created_at=now, expires_at=now
        )

    results = race(4, act)
    assert sum(isinstance(one, IntegrityError) for one in results) == 3


def test_reset__when_one_token_is_used_six_times_at_once__then_one_password_holds():
    user = make_user()
    password_forgot(email=user.email)
    token = last_token()
    results = race(6, lambda index: password_reset(token=token, email=user.email, password=f"newpassword{index}"))
    assert _refusals(results) == [ErrorCode.TOKEN_REJECTED] * 5
    user.refresh_from_db()
    winner = next(index for index, one in enumerate(results) if one is None)
    assert user.check_password(f"newpassword{winner}")


def test_login__when_it_races_a_reset__then_no_login_of_the_old_password_survives():
    user = make_user()
    password_forgot(email=user.email)
    token = last_token()
    checked, reset = threading.Event(), threading.Event()

    def act(index):
        if index == 0:
            assert checked.wait(timeout=30)
            password_reset(token=token, email=user.email, password="newpassword123")
            reset.set()
            return None
        found = login_service.password_matches(email=user.email, password="password123", ip="127.0.0.1")
        checked.set()
        assert reset.wait(timeout=30)
        return login_service.login_open(user=found, scope=LoginScope.FULL, ip="", user_agent="")

    assert _refusals(race(2, act)) == [ErrorCode.INVALID_CREDENTIALS]
    assert Login.objects.filter(revoked_at__isnull=True).count() == 0
    assert PasswordReset.objects.filter(used_at__isnull=True).count() == 0
