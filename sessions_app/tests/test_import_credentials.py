"""Lists that also say what candidates sign in with."""

import pytest

from accounts.models import User
from cbt.kernel import clock
from cbt.kernel.actor import SYSTEM
from sessions_app.models import ImportBatch, Participant
from sessions_app.services.credentials import Wish, credentials_issue
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


def test_import__when_a_long_list_runs_as_a_job__then_everybody_signs_in_and_no_password_is_left(company):
    rows = [(f"P {n}", f"p{n}@example.com", f"N-{n}", f"sandi-{n:04d}") for n in range(201)]
    data = data_of(send(company, rows), 202)
    run_jobs()
    batch = ImportBatch.objects.get(pk=data["import_id"])
    assert (batch.state, batch.created_count, batch.rows) == ("done", 201, [])
    assert [sign_in(f"N-{n}", f"sandi-{n:04d}") for n in (0, 100, 200)] == [200, 200, 200]
    assert User.objects.filter(role="participant", company_id=company.pk, participant__isnull=False).count() == 201
