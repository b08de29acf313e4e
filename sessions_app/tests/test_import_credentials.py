"""Lists that also say what candidates sign in with."""

from datetime import timedelta
from importlib import import_module

import pytest
import time_machine
from django.apps import apps
from django.db import connection

from accounts.models import User
from cbt.kernel import clock
from cbt.kernel.actor import SYSTEM
from cbt.kernel.models import Job, JobState
from cbt.kernel.spreadsheets import SheetRow
from sessions_app.models import ImportBatch, Participant
from sessions_app.services import importing
from sessions_app.services.credentials import Wish, credentials_issue
from sessions_app.services.participants import Window
from sessions_app.tests.factories import make_bank_test, make_participant
from sessions_app.tests.lists import upload, xlsx_of
from tenants.tests.factories import make_company, make_tenant_admin
from tests.support import Api, data_of, run_jobs

pytestmark = pytest.mark.django_db


@pytest.fixture
def company():
    return make_company(quota=1000)


def send(company, rows, *, header=("Nama", "Email", "Nomor Peserta", "Kata Sandi"), path="import"):
    fields = {
        "file": upload(xlsx_of([header, *rows])), "test_ids": str(make_bank_test().pk),
        "schedule_start_date": "2026-01-01", "schedule_end_date": "2099-01-01",
    }  # fmt: skip
    return Api().as_(make_tenant_admin(company)).upload(f"/api/participants/{path}", fields)


def sign_in(number, password):
    return Api().post("/api/auth/login", {"nomor_peserta": number, "password": password}).status_code


@pytest.mark.parametrize(
    "header",
    [("Nama", "Email", "Nomor Peserta", "Kata Sandi"), ("Name", "Email", "Participant Number", "Password")],
)
def test_import__when_numbers_and_passwords_are_listed__then_those_people_sign_in(company, header):
    rows = [
        ("A", "a@example.com", "N-1", "sandi-0001"),
        ("B", "b@example.com", "", "sandi-0002"),
        ("C", "c@example.com"),
    ]
    data = data_of(send(company, rows, header=header))
    assert (data["created"], data["failed"]) == (3, 0)
    numbers = [person["participant_number"] for person in data["participants"]]
    assert numbers[0] == "N-1"
    assert numbers[1].startswith(f"{company.pk}-")
    assert numbers[2] is None
    assert [sign_in("n-1", "sandi-0001"), sign_in(numbers[1], "sandi-0002")] == [200, 200]
    batch = ImportBatch.objects.get()
    assert batch.rows == []
    assert "sandi-0001" not in str(batch.failures) + str(data) + str(list(User.objects.values_list("password")))


@pytest.mark.parametrize("path", ["import", "import-preview"])
def test_import__when_numbers_or_passwords_are_bad__then_those_rows_fail_alone(company, path):
    taken = make_participant()
    credentials_issue(
        company_id=taken.company_id, wishes={taken.pk: Wish("TAKEN", "sandi-0000")}, now=clock.now(), actor=SYSTEM
    )
    rows = [
        ("A", "a@example.com", "N-1", "sandi-0001"),
        ("B", "b@example.com", "n-1", "sandi-0002"),
        ("C", "c@example.com", "taken", "sandi-0003"),
        ("D", "d@example.com", "a b", "sandi-0004"),
        ("E", "e@example.com", "N-5", ""),
        ("F", "f@example.com", "N-6", "short"),
    ]
    data = data_of(send(company, rows, path=path))
    told = data["failures"] if path == "import" else [row for row in data["preview"] if not row["valid"]]
    assert {row["row"]: row["errors"] for row in told} == {
        3: ["Participant number already exists in row 2"],
        4: ["Participant number already exists"],
        5: ["Invalid participant number format"],
        6: ["Password is required with a participant number"],
        7: ["Password must have 8 to 128 characters"],
    }
    assert Participant.objects.filter(company=company).count() == (1 if path == "import" else 0)


@pytest.fixture
def written():
    """Every statement with its parameters: what the database is ever given to store."""
    seen: list[str] = []

    def wrapper(execute, sql, params, many, context):
        # PostgreSQL's driver wraps JSON in an object that does not show it.
        rows = params if many else [params or ()]
        seen.append(sql + str([getattr(one, "adapted", one) for row in rows for one in row]))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield seen


@pytest.fixture
def _jobs_from_25_rows(monkeypatch):
    monkeypatch.setattr(importing, "AT_ONCE_ROWS", 24)


def long_list():
    return [(f"P {n}", f"p{n}@example.com", f"N-{n}", f"sandi-{n:04d}") for n in range(25)]


@pytest.mark.usefixtures("_jobs_from_25_rows")
def test_import__when_a_long_list_runs_as_a_job__then_everybody_signs_in_and_no_password_is_ever_stored(
    company, written, caplog
):
    rows = [*long_list(), ("X", "x@example.com", "N-X", "sandi-7"), ("Y", "y@example", "N-Y", "sandi-bad")]
    assert b"sandi-" not in send(company, rows, path="import-preview").content
    data = data_of(send(company, rows), 202)
    batch = ImportBatch.objects.get(pk=data["import_id"])
    assert [row[5] for row in batch.rows] == [""] * 27
    assert [row[6].partition("$")[0] for row in batch.rows] == ["sealed_pbkdf2"] * 25 + [""] * 2
    importing.import_run(batch.pk)
    mine = User.objects.filter(role="participant", company_id=company.pk, participant__isnull=False)
    assert mine.filter(password__startswith="sealed_pbkdf2$").count() == 25
    numbers = [0, 10, 24]
    assert [sign_in(f"N-{n}", f"sandi-{n:04d}") for n in numbers] == [200] * 3
    run_jobs()
    assert mine.filter(password__startswith="argon2_pbkdf2$").count() == 22
    assert [sign_in(f"N-{n}", f"sandi-{n:04d}") for n in (*numbers, 1, 23)] == [200] * 5
    assert [sign_in("N-2", "sandi-0003"), sign_in("N-X", "sandi-7")] == [401, 401]
    batch.refresh_from_db()
    assert (batch.state, batch.created_count, batch.rows, len(batch.failures)) == ("done", 25, [], 2)
    assert "sandi-" not in "".join(written) + caplog.text
    stored = next(one for one in written if one.startswith('INSERT INTO "sessions_app_importbatch"'))
    assert "p24@example.com" in stored  # the watch sees rows


def queued(company, rows):
    """Submit a list that is long enough for a job."""
    now = clock.now()
    return importing.import_submit(
        company_id=company.pk, file_name="x.xlsx", sheet=[SheetRow(n, row) for n, row in enumerate(rows, 2)],
        test_ids=[make_bank_test().pk], window=Window(now, now + timedelta(days=400)), now=now, actor=SYSTEM,
    ).batch  # fmt: skip


def in_the_old_form(batch):
    """Store the rows of an import as the release before did: with passwords in plain."""
    given = {row[2]: row[3] for row in long_list()}
    batch.rows = [[*row[:5], given.get(row[4], "")] for row in batch.rows]
    batch.save(update_fields=["rows"])


@pytest.mark.usefixtures("_jobs_from_25_rows")
def test_job__when_its_rows_hold_passwords_of_the_release_before__then_hashed_before_anything_else(
    company, monkeypatch
):
    batch = queued(company, long_list())
    in_the_old_form(batch)
    chunk = importing.import_chunk

    def fall(**what):
        raise OSError("no disk")

    monkeypatch.setattr(importing, "import_chunk", fall)
    with pytest.raises(OSError, match="no disk"):
        importing.import_run(batch.pk)
    batch.refresh_from_db()
    assert "sandi-" not in str(batch.rows)
    monkeypatch.setattr(importing, "import_chunk", chunk)
    assert importing.import_run(batch.pk) == {"created": 25, "failed": 0}
    assert [sign_in("N-0", "sandi-0000"), sign_in("N-24", "sandi-0024")] == [200, 200]


@pytest.mark.usefixtures("_jobs_from_25_rows")
def test_migration__then_waiting_passwords_are_hashed_and_the_way_back_tells_those_rows(company):
    migration = import_module("sessions_app.migrations.0009_hash_waiting_passwords")
    rows = [*long_list(), ("X", "x@example.com", "", ""), ("Y", "y@example", "N-Y", "sandi-bad")]
    batch = queued(company, rows)
    in_the_old_form(batch)
    Job.objects.filter(pk=batch.job_id).update(state=JobState.FAILED)  # given up: they would stand there for good
    for _ in range(2):
        migration.hash_passwords(apps, None)
        batch.refresh_from_db()
        assert "sandi-" not in str(batch.rows)
        assert [len(row) for row in batch.rows].count(7) == 25
    migration.report_passwords(apps, None)
    batch.refresh_from_db()
    assert {len(row) for row in batch.rows} == {6}
    importing.import_run(batch.pk)
    batch.refresh_from_db()
    assert (batch.created_count, batch.failed_count) == (1, 26)
    assert batch.failures[0]["errors"] == ["Password is required with a participant number"]


@pytest.mark.usefixtures("_jobs_from_25_rows")
def test_forget__when_an_import_was_given_up_thirty_days_ago__then_its_hashes_go_and_it_can_be_tried_again(company):
    rows = [*long_list(), ("X", "x@example.com", "", "")]
    batch = queued(company, rows)
    Job.objects.filter(pk=batch.job_id).update(state=JobState.FAILED)
    for days, kept in ((29, 25), (31, 0)):
        with time_machine.travel(clock.now() + timedelta(days=days)):
            importing.forget_failures()
        batch.refresh_from_db()
        assert str(batch.rows).count("sealed_pbkdf2") == kept
    assert importing.import_run(batch.pk) == {"created": 1, "failed": 25}
