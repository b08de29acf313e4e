"""The command that makes the first super admin, and what is forgotten over time."""

from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from accounts.models import EmailVerification, Login, PasswordReset, PublicProfile, RefreshToken, User
from accounts.services.cleaning import logins_forget, proofs_forget, refresh_tokens_forget
from accounts.services.passwords import password_forgot
from accounts.services.refresh import tokens_open, tokens_refresh
from accounts.services.users import user_create, user_delete
from accounts.services.verification import verification_send
from accounts.states import Role
from accounts.tests.factories import PASSWORD, make_user, token_of
from cbt.kernel import clock, jobs
from cbt.kernel.actor import SYSTEM, Actor, ActorKind
from cbt.kernel.errors import DomainError, ErrorCode
from cbt.kernel.ids import hash_token
from tests.support import data_of, run_jobs


def _command(email="root@example.com", name="Root"):
    out = StringIO()
    call_command("create_super_admin", email=email, name=name, stdout=out)
    return out.getvalue()


def test_create_super_admin__when_run_twice__then_one_account_with_the_first_password(api, monkeypatch):
    monkeypatch.setenv("SUPER_ADMIN_PASSWORD", "first-password")
    assert "made" in _command()
    monkeypatch.setenv("SUPER_ADMIN_PASSWORD", "second-password")
    assert "exists already" in _command(email="ROOT@example.com")
    user = User.objects.get()
    assert (user.role, user.name, user.is_verified) == (Role.SUPER_ADMIN, "Root", True)
    credentials = {"email": "root@example.com", "password": "first-password"}
    assert data_of(api.post("/api/auth/login", credentials))["user"]["roles"] == ["super_admin"]


def test_create_super_admin__when_no_variable__then_asks_twice(db, monkeypatch):
    monkeypatch.delenv("SUPER_ADMIN_PASSWORD", raising=False)
    answers = iter(["typed-password", "typed-password", "one-password", "two-password"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(answers))
    _command()
    assert User.objects.get().check_password("typed-password")
    with pytest.raises(CommandError, match="differ"):
        _command(email="other@example.com")


@pytest.mark.parametrize(
    ("email", "password", "message"),
    [
        ("root", "long-enough", "not an e-mail"),
        ("root@example.com", "short", "at least 8"),
        ("taken@example.com", "long-enough", "another role"),
    ],
)
def test_create_super_admin__when_wrong__then_says_so(db, monkeypatch, email, password, message):
    make_user(email="taken@example.com")
    monkeypatch.setenv("SUPER_ADMIN_PASSWORD", password)
    with pytest.raises(CommandError, match=message):
        _command(email=email)
    assert User.objects.count() == 1


def test_user_create__when_for_a_company__then_no_profile_and_no_mail(db):
    user = user_create(
        name=" Ani ", email=" ani@example.com ", password="password123", role=Role.TENANT_ADMIN, company_id=7,
        is_verified=True,
    )  # fmt: skip
    assert (user.name, user.email, user.company_id, user.is_verified) == ("Ani", "ani@example.com", 7, True)
    assert not PublicProfile.objects.exists()
    assert not jobs.Job.objects.exists()


def test_user_create__when_taken_inside_a_callers_transaction__then_the_caller_can_go_on(db):
    make_user(email="ani@example.com")
    with pytest.raises(DomainError) as caught:
        user_create(name="A", email="ANI@example.com", password="password123", role=Role.PUBLIC_USER)
    assert caught.value.fields == {"email": ["The email has already been taken."]}
    assert User.objects.count() == 1


def test_user_delete__then_gone_with_logins_and_proofs_but_never_oneself(db):
    user = make_user()
    token_of(user)
    verification_send(user=user)
    with pytest.raises(DomainError) as caught:
        user_delete(user_id=user.pk, actor=Actor(kind=ActorKind.USER, id=user.pk))
    assert caught.value.code == ErrorCode.BUSINESS_RULE
    user_delete(user_id=user.pk, actor=SYSTEM)
    assert (User.objects.count(), Login.objects.count(), EmailVerification.objects.count()) == (0, 0, 0)
    with pytest.raises(DomainError) as caught:
        user_delete(user_id=user.pk, actor=SYSTEM)
    assert caught.value.code == ErrorCode.NOT_FOUND


def _login(user, **fields):
    token_of(user)
    Login.objects.filter(pk=Login.objects.order_by("-created_at").first().pk).update(**fields)


def test_logins_forget__then_only_those_ended_over_a_year_ago(db):
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False) as machine:
        user, now = make_user(), clock.now()
        for number, fields in enumerate(
            [
                {"revoked_at": now - timedelta(days=366)},
                {"expires_at": now - timedelta(days=366)},
                {"last_seen_at": now - timedelta(days=397)},
                {"revoked_at": now - timedelta(days=364)},
                {"last_seen_at": now - timedelta(days=390)},
                {},
            ]
        ):
            machine.shift(1)
            _login(user, user_agent=str(number), **fields)
        assert logins_forget() == 3
        assert sorted(Login.objects.values_list("user_agent", flat=True)) == ["3", "4", "5"]


def test_proofs_forget__then_only_those_spent_over_30_days_ago(db):
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False) as machine:
        user = make_user(is_verified=False)
        verification_send(user=user)
        password_forgot(email=user.email)
        run_jobs()
        machine.shift(timedelta(days=31))
        assert proofs_forget() == 1  # the reset ended after an hour, the verification after a day
        machine.shift(timedelta(seconds=1))
        assert proofs_forget() == 1
    assert (EmailVerification.objects.count(), PasswordReset.objects.count()) == (0, 0)


def test_refresh_tokens_forget__then_only_those_that_are_good_for_nothing(db):
    make_user(Role.STUDENT, email=None, username="siti")

    def signed_in():
        return tokens_open(username="siti", password=PASSWORD, ip="127.0.0.1", user_agent="tests").refresh

    with time_machine.travel("2026-03-01T08:00:00Z", tick=False) as machine:
        ended, open_login = signed_in(), signed_in()
        Login.objects.filter(refresh_tokens__token_hash=hash_token(ended)).update(revoked_at=clock.now())
        second = tokens_refresh(token=open_login).refresh
        machine.shift(timedelta(days=29))
        third = tokens_refresh(token=second).refresh
        Login.objects.update(last_seen_at=clock.now())  # its access token is used
        assert refresh_tokens_forget() == 0, "a spent one that has not run out still gives a thief away"
        machine.shift(timedelta(days=1))
        assert refresh_tokens_forget() == 0, "it may be asked for once more because the answer was lost"
        machine.shift(timedelta(days=1, seconds=1))
        assert _said("forget_refresh_tokens", "--dry-run") == "3 refresh tokens would be removed\n"
        assert RefreshToken.objects.count() == 4
        assert _said("forget_refresh_tokens") == "3 refresh tokens removed\n"
        assert RefreshToken.objects.get().token_hash == hash_token(third)
        assert tokens_refresh(token=third).refresh
        assert Login.objects.count() == 2


def test_refresh_tokens_forget__when_a_login_ended_lately__then_its_last_one_stays(db):
    make_user(Role.STUDENT, email=None, username="siti")
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False) as machine:
        tokens_open(username="siti", password=PASSWORD, ip="127.0.0.1", user_agent="tests")
        Login.objects.update(revoked_at=clock.now())
        machine.shift(timedelta(days=30))
        assert refresh_tokens_forget() == 0
        machine.shift(timedelta(seconds=1))
        assert refresh_tokens_forget() == 1


def _said(*words):
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_periodic_table__then_names_them(db):
    names = {row.name: row.every_seconds for row in jobs.periodic_table()}
    daily = ("accounts.forget_old_logins", "accounts.forget_spent_proofs", "accounts.forget_refresh_tokens")
    for name in daily:
        assert names[name] == 86_400
        jobs.enqueue(name)
    run_jobs()
    assert list(jobs.Job.objects.values_list("state", flat=True)) == ["done"] * 3
