"""Imports as jobs: killed in the middle, run twice, and two on one quota."""

import os
import signal
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, connections

from accounts.services.many_passwords import passwords_hash
from cbt.kernel import clock, jobs, leases
from cbt.kernel.actor import SYSTEM
from cbt.kernel.models import Job, JobState, OutgoingMail
from cbt.kernel.spreadsheets import SheetRow
from sessions_app.models import Participant, TestAssignment
from sessions_app.selectors.imports import import_state
from sessions_app.services import importing, participants
from sessions_app.services.participants import Window
from sessions_app.tests.factories import make_bank_test
from tenants.models import CompanySubscription
from tenants.services.quota import quota_take
from tenants.tests.factories import make_company
from tests.support import race, run_jobs


def sheet(count: int, *, first: int = 1) -> list[SheetRow]:
    return [SheetRow(n + 1, (f"Peserta {n}", f"peserta{n}@example.com")) for n in range(first, first + count)]


def submit(company, test, rows) -> importing.Imported:
    now = clock.now()
    return importing.import_submit(
        company_id=company.pk, file_name="peserta.xlsx", sheet=rows, test_ids=[test.pk],
        window=Window(now, now + timedelta(days=7)), now=now, actor=SYSTEM,
    )  # fmt: skip


def counts(company) -> tuple[int, int, int, int]:
    """Participants, assignments, mails, and quota used."""
    return (
        Participant.objects.filter(company=company).count(),
        TestAssignment.objects.filter(participant__company=company).count(),
        OutgoingMail.objects.filter(company_id=company.pk).count(),
        CompanySubscription.objects.get(company=company).used_quota,
    )


def run_and_die(job_id: int, chunks: int) -> int:
    """Run the job in a process of its own that kills itself in the middle of a chunk; return its exit signal."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        real, seen = importing.first_mails_enqueue, []

        def last_words(**what):
            real(**what)
            seen.append(1)
            if len(seen) > chunks:
                os.kill(os.getpid(), signal.SIGKILL)

        importing.first_mails_enqueue = last_words
        try:
            jobs.run(jobs.claim(job_id))
        finally:
            os._exit(7)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


@pytest.mark.django_db(transaction=True)
def test_job__when_killed_in_the_middle__then_goes_on_behind_the_last_whole_chunk(monkeypatch):
    monkeypatch.setattr(importing, "CHUNK_ROWS", 100)
    company = make_company(quota=1000)
    batch = submit(company, make_bank_test(), sheet(450)).batch
    assert run_and_die(batch.job_id, chunks=2) == signal.SIGKILL
    batch.refresh_from_db()
    assert (batch.state, batch.rows_done, batch.created_count) == ("running", 200, 200)
    assert counts(company) == (200, 200, 200, 200)
    job = Job.objects.get(pk=batch.job_id)
    assert (job.state, job.progress_done, job.progress_total) == (JobState.RUNNING, 200, 450)
    assert jobs.claim(job.pk) is None
    with time_machine.travel(clock.now() + leases.UNATTENDED + timedelta(seconds=1)):
        jobs.run(jobs.claim(job.pk))
    batch.refresh_from_db()
    assert (batch.state, batch.rows_done, batch.created_count, batch.failed_count) == ("done", 450, 450, 0)
    assert counts(company) == (450, 450, 450, 450)
    assert Job.objects.get(pk=job.pk).result == {"created": 450, "failed": 0}


@pytest.mark.django_db
def test_job__when_run_again__then_nothing_changes():
    company = make_company(quota=1000)
    batch = submit(company, make_bank_test(), sheet(201)).batch
    for _ in range(2):
        assert importing.import_run(batch.pk) == {"created": 201, "failed": 0}
    assert counts(company) == (201, 201, 201, 201)


@pytest.mark.django_db
def test_job__when_the_subscription_ends_meanwhile__then_the_rest_is_told(monkeypatch):
    monkeypatch.setattr(importing, "CHUNK_ROWS", 150)
    company = make_company(quota=1000)
    batch = submit(company, make_bank_test(), sheet(201)).batch
    rows = [importing.ImportRow(*row[:3]) for row in batch.rows]
    importing.import_chunk(import_id=batch.pk, rows=rows, size=150)
    with time_machine.travel(clock.now() + timedelta(days=91)):
        importing.import_run(batch.pk)
    batch.refresh_from_db()
    assert (batch.state, batch.created_count, batch.failed_count) == ("done", 150, 51)
    assert batch.failures[0] == {
        "row": 152, "name": "Peserta 151", "email": "peserta151@example.com",
        "errors": ["No active subscription found"],
    }  # fmt: skip


@pytest.mark.django_db
def test_job__when_it_has_given_up__then_shown_as_failed_and_another_try_continues():
    company = make_company(quota=1000)
    batch = submit(company, make_bank_test(), sheet(201)).batch
    Job.objects.filter(pk=batch.job_id).update(state=JobState.FAILED)
    assert import_state(batch) == "failed"
    Job.objects.filter(pk=batch.job_id).update(state=JobState.QUEUED)
    assert import_state(batch) == "queued"
    run_jobs()
    batch.refresh_from_db()
    assert import_state(batch) == "done"


@pytest.mark.django_db
def test_job__when_its_import_is_gone__then_given_up():
    with pytest.raises(jobs.GiveUp):
        importing.import_run(999_999)


@pytest.mark.django_db
def test_chunk__when_somebody_is_stored_in_the_same_moment__then_the_place_goes_to_the_next(monkeypatch):
    """The look at who is there already finds nobody: what the database then skips is told, and costs no quota."""
    company, test = make_company(quota=4), make_bank_test()
    submit(company, test, [SheetRow(2, ("A", "Peserta2@example.com"))])
    monkeypatch.setattr(importing, "taken_addresses", lambda company_id, addresses: set())
    batch = submit(company, test, sheet(5)).batch
    assert [(failure["row"], failure["errors"]) for failure in batch.failures] == [
        (3, ["Email already exists"]), (6, ["User quota exceeded"]),
    ]  # fmt: skip
    assert counts(company) == (4, 4, 4, 4)


@pytest.mark.django_db
def test_forget_failures__then_names_go_after_thirty_days_and_counts_stay():
    batch = submit(make_company(quota=1), make_bank_test(), sheet(2)).batch
    assert len(batch.failures) == 1
    with time_machine.travel(clock.now() + timedelta(days=29)):
        assert importing.forget_failures() == {"emptied": 0}
    with time_machine.travel(clock.now() + timedelta(days=31)):
        assert importing.forget_failures() == {"emptied": 1}
        assert importing.forget_failures() == {"emptied": 0}
    batch.refresh_from_db()
    assert (batch.failures, batch.failed_count) == ([], 1)


# --- races ------------------------------------------------------------------------------------------
@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_imports_on_one_quota__then_every_place_is_taken_once():
    company, test = make_company(quota=150), make_bank_test()
    made = race(2, lambda i: submit(company, test, sheet(100, first=1 + 100 * i)).batch)
    assert sorted(batch.created_count for batch in made) == [50, 100]
    assert sum(batch.failed_count for batch in made) == 50
    assert counts(company) == (150, 150, 150, 150)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_imports_on_one_quota__control__when_the_places_are_not_locked__then_one_import_is_lost(monkeypatch):
    """Both see 150 places; the second finds them gone only when it takes them, and nothing of it is stored."""
    company, test = make_company(quota=150), make_bank_test()
    monkeypatch.setattr(importing, "lock_places", lambda company_id, now: 150)
    made = race(2, lambda i: submit(company, test, sheet(100, first=1 + 100 * i)).batch)
    assert sorted(type(outcome).__name__ for outcome in made) == ["DomainError", "ImportBatch"]
    assert counts(company) == (100, 100, 100, 100)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_imports_of_the_same_people__then_each_is_invited_once():
    company, test = make_company(quota=500), make_bank_test()
    made = race(2, lambda i: submit(company, test, sheet(100)).batch)
    assert sorted((batch.created_count, batch.failed_count) for batch in made) == [(0, 100), (100, 0)]
    assert counts(company) == (100, 100, 100, 100)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_workers_on_one_import__then_each_row_is_settled_once(monkeypatch):
    monkeypatch.setattr(importing, "CHUNK_ROWS", 20)
    company = make_company(quota=500)
    batch = submit(company, make_bank_test(), sheet(300)).batch
    outcomes = race(2, lambda i: importing.import_run(batch.pk))
    assert outcomes == [{"created": 300, "failed": 0}] * 2
    assert counts(company) == (300, 300, 300, 300)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_import_and_single_invitations__then_the_quota_is_kept():
    company, test = make_company(quota=60), make_bank_test()

    def act(i: int):
        if i == 0:
            return submit(company, test, sheet(50)).batch
        now = clock.now()
        return [
            participants.participant_create(
                company_id=company.pk, name="x", email=f"single{n}@example.com", test_ids=[test.pk],
                window=Window(now, now + timedelta(days=7)), now=now, actor=SYSTEM,
            )
            for n in range(10)
        ]  # fmt: skip

    race(2, act)
    assert counts(company) == (60, 60, 60, 60)
    with pytest.raises(Exception, match="quota"), importing.transaction.atomic():
        quota_take(company_id=company.pk, count=1, now=clock.now())


@pytest.mark.django_db(transaction=True)
def test_import__then_passwords_are_hashed_before_any_transaction(monkeypatch):
    company, test, inside = make_company(quota=1000), make_bank_test(), []

    def watched(given):
        inside.append(connection.in_atomic_block)
        return passwords_hash(given)

    monkeypatch.setattr(importing, "passwords_hash", watched)
    for count in (1, 201):
        rows = [SheetRow(n, (f"P {n}", f"{count}-{n}@example.com", "", "sandi-000001")) for n in range(count)]
        batch = submit(company, test, rows).batch
    assert importing.import_run(batch.pk) == {"created": 201, "failed": 0}
    assert inside == [False, False]
