"""Participants as a table, and by company for staff. Contract 7.5, details 1."""

import io
import re
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from accounts.states import Role
from accounts.tests.factories import make_user
from cbt.kernel import clock, sheets, spreadsheets
from sessions_app.api.participant_lists import HEADER
from sessions_app.engine.import_rows import EMAIL_HEADERS, NAME_HEADERS
from sessions_app.models import Participant
from sessions_app.tests.factories import make_assignment, make_bank_test, make_participant
from sessions_app.tests.lists import upload
from tenants.tests.factories import make_company, make_tenant_admin
from tests.support import PAGE_KEYS, counted_queries, data_of, error_of

EXPORT = "/api/participants/export"
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x.example","x")', "＝cmd", "'=1+1"]  # noqa: RUF001


@pytest.fixture
def tenant(db):
    return make_tenant_admin(make_company(quota=500))


def company_of(tenant):
    return tenant.company_admin.company


# --- companies/{company}/participants ------------------------------------------------------------------
def test_company_participants__then_the_list_of_that_company(api, tenant):
    staff, company = make_user(Role.SUPER_ADMIN), company_of(tenant)
    first = make_participant(company=company)
    banned = make_participant(company=company, banned_at=clock.now(), name="Budi")
    make_participant()
    client, path = api.as_(staff), f"/api/companies/{company.pk}/participants"
    page = data_of(client.get(path))
    assert set(page) == PAGE_KEYS
    assert [row["id"] for row in page["data"]] == [banned.pk, first.pk]
    assert page["data"] == data_of(client.get("/api/participants", {"company_id": company.pk}))["data"]
    assert [row["id"] for row in data_of(client.get(path, {"status": "banned"}))["data"]] == [banned.pk]
    assert [row["id"] for row in data_of(client.get(path, {"search": "budi"}))["data"]] == [banned.pk]
    assert data_of(client.get(path, {"company_id": company.pk + 1}))["total"] == 0


def test_company_participant__then_its_detail(api, tenant):
    client, company = api.as_(make_user(Role.SUPER_ADMIN)), company_of(tenant)
    person, other = make_participant(company=company), make_participant()
    path = f"/api/companies/{company.pk}/participants"
    assert data_of(client.get(f"{path}/{person.pk}")) == data_of(client.get(f"/api/participants/{person.pk}"))
    assert error_of(client.get(f"{path}/{other.pk}"), 404, "NOT_FOUND")["message"] == "Participant not found"
    error_of(client.get(f"{path}/999999"), 404, "NOT_FOUND")
    error_of(client.get("/api/companies/999999/participants"), 404, "NOT_FOUND")
    error_of(client.get(f"/api/companies/999999/participants/{person.pk}"), 404, "NOT_FOUND")


def test_company_participants__when_not_staff__then_403(api, tenant):
    person = make_participant(company=company_of(tenant))
    path = f"/api/companies/{tenant.company_id}/participants"
    for user in (tenant, make_user(Role.PUBLIC_USER)):
        error_of(api.as_(user).get(path), 403, "FORBIDDEN")
        error_of(api.as_(user).get(f"{path}/{person.pk}"), 403, "FORBIDDEN")
    error_of(api.get(path), 401, "UNAUTHENTICATED")


# --- export -------------------------------------------------------------------------------------------
def sheet_of(answer):
    return [[cell.value for cell in row] for row in load_workbook(io.BytesIO(answer.content)).worksheets[0]]


def test_export__then_own_participants_with_state_and_counts(api, tenant):
    with time_machine.travel(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), tick=False):
        person = make_participant(company=company_of(tenant), name="Siti", email="siti@example.com")
        make_participant(company=company_of(tenant), deleted_at=clock.now())
    make_participant()
    test = make_bank_test()
    make_assignment(participant=person, test=test)
    make_assignment(participant=person, test=test, completed_at=clock.now())
    row = ["Siti", "siti@example.com", "active", company_of(tenant).name, 2, 1, "2026-01-02 03:04:05"]
    with time_machine.travel(datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC), tick=False):
        answer = api.as_(tenant).get(EXPORT)
        table = api.as_(tenant).get(EXPORT, {"format": "csv"})
    assert sheet_of(answer) == [HEADER, row]
    assert answer["Content-Disposition"] == 'attachment; filename="participants-20260203-040506.xlsx"'
    assert answer["Content-Type"] == sheets.XLSX_TYPE
    assert answer["Cache-Control"] == "private, no-store"
    assert table.content.decode("utf-8-sig").splitlines() == [",".join(HEADER), ",".join(map(str, row))]


def test_export__then_the_filters_of_the_list(api, tenant):
    make_participant(company=company_of(tenant), name="Siti")
    make_participant(company=company_of(tenant), name="Budi", banned_at=clock.now())
    client = api.as_(tenant)
    assert [row[0] for row in sheet_of(client.get(EXPORT, {"status": "banned"}))[1:]] == ["Budi"]
    assert [row[0] for row in sheet_of(client.get(EXPORT, {"search": "siti"}))[1:]] == ["Siti"]
    error_of(client.get(EXPORT, {"format": "pdf"}), 422, "VALIDATION_ERROR")


def test_export__when_staff__then_all_companies_or_one(api, tenant):
    make_participant(company=company_of(tenant))
    make_participant()
    client = api.as_(make_user(Role.SUPER_ADMIN))
    assert len(sheet_of(client.get(EXPORT))) == 3
    assert len(sheet_of(client.get(EXPORT, {"company_id": tenant.company_id}))) == 2


def test_export__when_not_allowed__then_refused(api, db):
    error_of(api.get(EXPORT), 401, "UNAUTHENTICATED")
    error_of(api.as_(make_user(Role.PUBLIC_USER)).get(EXPORT), 403, "FORBIDDEN")
    poor = make_tenant_admin(make_company(with_subscription=False))
    error_of(api.as_(poor).get(EXPORT), 403, "SUBSCRIPTION_REQUIRED")


def test_export__when_too_many__then_400(api, tenant, monkeypatch):
    monkeypatch.setattr("sessions_app.api.participant_lists.EXPORT_ROWS", 1)
    for _ in range(2):
        make_participant(company=company_of(tenant))
    error_of(api.as_(tenant).get(EXPORT), 400, "BUSINESS_RULE")


def test_export__then_queries_do_not_grow_with_rows(api, tenant):
    counts = []
    for _ in range(2):
        for _ in range(10):
            make_assignment(participant=make_participant(company=company_of(tenant)))
        client = api.as_(tenant)
        with counted_queries() as queries:
            assert client.get(EXPORT).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 6


def test_export__then_no_cell_is_a_formula_or_a_link(api, tenant):
    for number, name in enumerate(FORMULAS):
        make_participant(company=company_of(tenant), name=name, email=f"=p{number}@example.com")
    answer = api.as_(tenant).get(EXPORT)
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert not [name for name in archive.namelist() if re.search(rb"<f>|<hyperlink", archive.read(name))]
    table = api.as_(tenant).get(EXPORT, {"format": "csv"}).content.decode("utf-8-sig")
    cells = [cell.strip('"') for line in table.splitlines() for cell in line.split(",")]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "＝"))]  # noqa: RUF001


# --- export and import --------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_export_then_import__then_the_same_people(api, tenant, kind):
    names = [*FORMULAS, "Siti Nur'aini", 'Budi "Bu" B', "a;b,c", "多い", "O\u2019Neil"]
    for number, name in enumerate(names):
        make_participant(company=company_of(tenant), name=name, email=f"+p{number}@example.com")
    exported = api.as_(tenant).get(EXPORT, {"format": kind}).content
    other = make_tenant_admin(make_company(quota=500))
    now = clock.now()
    data = data_of(
        api.as_(other).upload(
            "/api/participants/import",
            {
                "file": upload(exported, f"p.{kind}"), "test_ids": str([make_bank_test().pk]),
                "schedule_start_date": clock.iso(now), "schedule_end_date": clock.iso(now + timedelta(days=1)),
            },
        )
    )  # fmt: skip
    assert (data["created"], data["failed"]) == (len(names), 0)
    pairs = [
        set(Participant.objects.filter(company_id=user.company_id).values_list("name", "email"))
        for user in (tenant, other)
    ]
    assert pairs[0] == pairs[1]


_signs = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co", "Zl", "Zp"))
_names = (st.sampled_from(["", "=", "'", "''=", "+", "@"]), st.text(_signs, min_size=1, max_size=20))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    names=st.lists(st.builds(str.__add__, *_names).map(str.strip).filter(bool), min_size=1, max_size=20),
    kind=st.sampled_from(["xlsx", "csv"]),
)
def test_tables__then_what_was_written_is_read(names, kind):
    rows = [(name, f"p{number}@example.com") for number, name in enumerate(names)]
    header = ["Name", "Email"]
    content = sheets.csv_bytes(header, rows) if kind == "csv" else sheets.xlsx("x", header, rows)
    table = spreadsheets.read_table(upload(content, f"p.{kind}"), [NAME_HEADERS, EMAIL_HEADERS])
    assert [row.cells for row in table] == rows
