"""Quick passwords: usable at once, sealed with the server's key, wrapped by jobs while people sign in."""

import base64
import threading
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.hashers import check_password, make_password
from django.core.management import call_command
from django.db import connection

from accounts import hashers
from accounts.hashers import SealedHasher, WrappedHasher
from accounts.models import User
from accounts.services import login as login_service
from accounts.services import many_passwords as service
from accounts.services import passwords
from accounts.services.candidates import candidate_change
from accounts.states import Role
from accounts.tests.factories import make_user
from cbt.kernel import clock, jobs
from cbt.kernel.actor import Actor, ActorKind
from cbt.kernel.errors import DomainError
from cbt.kernel.models import Job
from tests.hashers import HOUSE
from tests.support import Api, race, run_jobs

RIGHT = "sandi-000001"


@pytest.fixture(autouse=True)
def _house(settings):
    settings.PASSWORD_HASHERS = HOUSE


def imported(count=1):
    """Candidates whose passwords are stored in the quick form."""
    hashed = service.passwords_hash([RIGHT] * 21)
    people = [make_user(Role.PARTICIPANT, participant_number=f"N-{n}") for n in range(count)]
    for user in people:
        User.objects.filter(pk=user.pk).update(password=hashed.pop())
        user.refresh_from_db()
    return people


def form_of(user):
    user.refresh_from_db()
    return user.password.partition("$")[0]


def sign_in(password=RIGHT, number="N-0"):
    return Api().post("/api/auth/login", {"nomor_peserta": number, "password": password}).status_code


# --- the two layers ----------------------------------------------------------------------------------
def test_hash__when_few_or_many__then_the_preferred_or_the_quick_form_in_the_order_given():
    few, many = [f"sandi-{n:04d}" for n in range(20)], [f"sandi-{n:04d}" for n in range(21)]
    for given, algorithm in ((few, "argon2"), (many, "sealed_pbkdf2")):
        made = service.passwords_hash(given)
        assert {one.partition("$")[0] for one in made} == {algorithm}
        assert all(check_password(password, one) for password, one in zip(given, made, strict=True))
    assert service.passwords_hash([]) == []


def test_wrap__then_owasp_argon2_over_the_digest_within_the_column():
    sealed = SealedHasher().encode("pässwörd-1", "a" * 22)
    wrapped = WrappedHasher().wrap(sealed)
    assert wrapped == WrappedHasher().encode("pässwörd-1", "a" * 22)
    assert wrapped.startswith("argon2_pbkdf2$argon2id$v=19$m=19456,t=2,p=1$")
    assert max(len(sealed), len(wrapped)) <= User._meta.get_field("password").max_length
    assert (check_password("pässwörd-1", wrapped), check_password("passwörd-1", wrapped)) == (True, False)


def test_seal__then_a_stolen_row_is_worth_nothing_without_the_key_and_the_key_may_rotate(settings):
    sealed = SealedHasher().encode(RIGHT, "b" * 22)
    digest = hashers.first_layer(RIGHT, "b" * 22)
    assert base64.b64decode(sealed.split("$")[3]) != digest
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another-key-of-sufficient-length-0123456789"
    assert SealedHasher().encode(RIGHT, "b" * 22) != sealed
    assert not check_password(RIGHT, sealed)
    with pytest.raises(hashers.SealKeyLostError):
        WrappedHasher().wrap(sealed)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert (check_password(RIGHT, sealed), check_password(RIGHT, WrappedHasher().wrap(sealed))) == (True, True)


@pytest.mark.django_db
def test_wrong_password__when_unknown_quick_wrapped_or_shut__then_the_same_work(monkeypatch):
    """One first layer and one Argon2 each: counted, as clocks are too rough for a test."""
    plain, quick, wrapped, unusable = imported(4)
    for user, password in ((plain, make_password(RIGHT)), (unusable, make_password(None))):
        User.objects.filter(pk=user.pk).update(password=password)
    service.wrap_run([wrapped.pk])
    assert [form_of(user) for user in (plain, quick, wrapped)] == ["argon2", "sealed_pbkdf2", "argon2_pbkdf2"]
    work = []
    layer, argon2 = hashers.first_layer, hashers.ExamArgon2Hasher
    for module in (hashers, login_service):
        monkeypatch.setattr(module, "first_layer", lambda *what: work.append("layer") or layer(*what))
    for verb in ("encode", "verify"):
        real = getattr(argon2, verb)
        monkeypatch.setattr(argon2, verb, lambda *what, real=real: work.append("argon2") or real(*what))
    for number in ("N-0", "N-1", "N-2", "N-3", "nobody"):
        work.clear()
        assert sign_in("wrong-password", number) == 401
        assert sorted(work) == ["argon2", "layer"], number
    for number, right in (("N-0", ["argon2", "layer"]), ("N-1", ["argon2", "layer"])):
        work.clear()
        assert sign_in(RIGHT, number) == 200
        assert sorted(work) == right, number


# --- the jobs ----------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_sign_in__when_quick_or_wrapped__then_open_and_stored_as_the_house_does():
    quick, wrapped = imported(2)
    service.wrap_later([wrapped])
    assert list(Job.objects.values_list("payload", flat=True)) == [{"user_ids": [wrapped.pk]}]
    run_jobs()
    assert Job.objects.get().result == {"wrapped": 1, "changed": 0, "sealed": 0}
    assert (form_of(quick), form_of(wrapped)) == ("sealed_pbkdf2", "argon2_pbkdf2")
    for number in ("N-0", "N-1"):
        assert sign_in(number=number) == 200
    assert (form_of(quick), form_of(wrapped)) == ("argon2", "argon2")
    assert service.wrap_run([quick.pk, wrapped.pk]) == {"wrapped": 0, "changed": 0, "sealed": 0}
    assert sign_in() == 200


@pytest.mark.django_db
def test_later__then_in_jobs_of_two_hundred_and_only_the_quick_ones(monkeypatch):
    monkeypatch.setattr(service, "JOB_SIZE", 2)
    people = imported(4)
    people[1].password = make_password(RIGHT)
    service.wrap_later(people)
    ids = [user.pk for user in people]
    assert [job.payload for job in Job.objects.order_by("pk")] == [
        {"user_ids": [ids[0], ids[2]]}, {"user_ids": [ids[3]]},
    ]  # fmt: skip


@pytest.mark.django_db
def test_sweep__then_takes_up_what_no_job_waits_for(capsys):
    left, fresh = imported(2)
    User.objects.filter(pk=left.pk).update(updated_at=clock.now() - timedelta(minutes=11))
    jobs.enqueue("accounts.wrap_left_passwords")
    run_jobs()
    assert (form_of(left), form_of(fresh)) == ("argon2_pbkdf2", "sealed_pbkdf2")
    with time_machine.travel(clock.now() + timedelta(minutes=11)):
        assert [service.wrap_sweep(), service.wrap_sweep()] == [{"found": 1}, {"found": 0}]
    call_command("wrap_passwords", dry_run=True)
    assert form_of(fresh) == "sealed_pbkdf2"
    call_command("wrap_passwords")
    assert form_of(fresh) == "argon2_pbkdf2"
    assert capsys.readouterr().out == "wrapped: 1 (dry run, nothing changed)\nwrapped: 1\n"


@pytest.mark.django_db
def test_wrap__when_the_key_is_gone__then_told_and_the_rest_goes_on(settings, caplog):
    lost, kept = imported(2)
    settings.SECRET_KEY = "another-key-of-sufficient-length-0123456789"
    User.objects.filter(pk=kept.pk).update(password=SealedHasher().encode(RIGHT, "c" * 22))
    assert service.wrap_run([lost.pk, kept.pk]) == {"wrapped": 1, "changed": 0, "sealed": 1}
    assert "SECRET_KEY_FALLBACKS" in caplog.text
    assert (sign_in(number="N-0"), sign_in(number="N-1")) == (401, 200)


@pytest.mark.django_db
def test_wrap__then_the_waiting_are_found_by_an_index():
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
        assert "user_quick_password" in service._waiting().order_by("pk").explain()


# --- races -------------------------------------------------------------------------------------------
def _signed_in_while_wrapped(monkeypatch):
    """Sign in; between the check of the password and the storing of its new form the job wraps the old one."""
    user = imported()[0]
    checked, wrapped = threading.Event(), threading.Event()
    real = make_password

    def late(password):
        checked.set()
        assert wrapped.wait(timeout=30)
        return real(password)

    monkeypatch.setattr(login_service, "make_password", late)

    def act(index):
        if index == 0:
            return sign_in()
        assert checked.wait(timeout=30)
        count = service.wrap_run([user.pk])
        wrapped.set()
        return count["wrapped"]

    return race(2, act), form_of(user)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_race__when_the_job_wraps_during_a_sign_in__then_the_right_password_opens(monkeypatch):
    assert _signed_in_while_wrapped(monkeypatch) == ([200, 1], "argon2")


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_race__control__storing_without_looking_again_refuses_the_right_password(monkeypatch):
    def naive(user, raw):
        hashed = login_service.make_password(raw)
        if login_service._exchange(user, hashed):
            user.password = hashed

    monkeypatch.setattr(login_service, "password_rehash", naive)
    assert _signed_in_while_wrapped(monkeypatch) == ([401, 1], "argon2_pbkdf2")


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_race__when_twins_sign_in_with_a_quick_password__then_both_are_in(monkeypatch):
    user = imported()[0]
    together = threading.Barrier(2)
    real = make_password
    monkeypatch.setattr(login_service, "make_password", lambda raw: (together.wait(timeout=30) and None) or real(raw))
    assert race(2, lambda _: sign_in()) == [200, 200]
    assert form_of(user) == "argon2"


def _changed_while_wrapped(monkeypatch):
    """Issue another password; the job has read the old one before and stores its work after."""
    user = imported()[0]
    read, changed = threading.Event(), threading.Event()
    real = service._wrapped

    def late(sealed):
        read.set()
        assert changed.wait(timeout=30)
        return real(sealed)

    monkeypatch.setattr(service, "_wrapped", late)

    def act(index):
        if index == 0:
            return service.wrap_run([user.pk])
        assert read.wait(timeout=30)
        candidate_change(user_id=user.pk, hashed=make_password("new-password"), now=clock.now())
        changed.set()
        return None

    return race(2, act)[0], [sign_in("new-password"), sign_in()]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_race__when_the_password_changes_under_the_job__then_the_new_one_holds(monkeypatch):
    assert _changed_while_wrapped(monkeypatch) == ({"wrapped": 0, "changed": 1, "sealed": 0}, [200, 401])


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_race__control__storing_whatever_stands_there_brings_the_old_password_back(monkeypatch):
    monkeypatch.setattr(
        service, "_exchange", lambda pk, sealed, wrapped: User.objects.filter(pk=pk).update(password=wrapped) == 1
    )
    assert _changed_while_wrapped(monkeypatch) == ({"wrapped": 1, "changed": 0, "sealed": 0}, [401, 200])


@pytest.mark.django_db
@pytest.mark.parametrize("is_hashed_anew", [True, False])
def test_change__when_the_job_wraps_in_the_middle__then_done_and_control(monkeypatch, is_hashed_anew):
    user = imported()[0]
    if not is_hashed_anew:
        monkeypatch.setattr(passwords, "password_rehash", lambda user, raw: None)

    def during(raw):
        service.wrap_run([user.pk])
        return make_password(raw)

    monkeypatch.setattr(passwords, "make_password", during)
    actor = Actor(kind=ActorKind.USER, id=user.pk, role=user.role)
    if is_hashed_anew:
        passwords.password_change(actor=actor, current_password=RIGHT, password="new-password")
    else:
        with pytest.raises(DomainError, match="Current password is incorrect"):
            passwords.password_change(actor=actor, current_password=RIGHT, password="new-password")
    user.refresh_from_db()
    assert check_password("new-password", user.password) is is_hashed_anew


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_race__when_two_workers_wrap_the_same_people__then_each_is_wrapped_once():
    people = imported(6)
    made = race(2, lambda _: service.wrap_run([user.pk for user in people]))
    assert sum(one["wrapped"] for one in made) == 6
    assert {form_of(user) for user in people} == {"argon2_pbkdf2"}
    assert sign_in() == 200
