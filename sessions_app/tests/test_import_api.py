"""Importing participants through HTTP. Contract 8.6, details 2.14 and 6."""

import io
from datetime import timedelta

import pytest
from django.core import mail as mailbox
from openpyxl import load_workbook

from accounts.states import Role
from accounts.tests.factories import make_user
from cbt.kernel import clock
from cbt.kernel.models import AuditEvent, Job, OutgoingMail
from sessions_app.models import ImportBatch, Participant, TestAssignment
from sessions_app.tests.factories import make_bank_test, make_participant
from sessions_app.tests.lists import csv_of, list_of, people, upload
from tenants.models import CompanySubscription
from tenants.tests.factories import make_company, make_tenant_admin
from tests.support import counted_queries, data_of, error_of, run_jobs

PREVIEW, IMPORT = "/api/participants/import-preview", "/api/participants/import"
STATUS_KEYS = {
    "import_id", "status_url", "state", "rows_done", "rows_total", "created", "failed", "failed_rows", "failures",
    "created_at", "finished_at",
}  # fmt: skip
ROW_KEYS = {
    "id", "name", "email", "unique_token", "participant_number", "is_banned", "banned_at", "company",
    "test_assignments",
    "created_at", "updated_at",
}  # fmt: skip


@pytest.fixture
def tenant(db):
    return make_tenant_admin(make_company(quota=500))


def form(data: bytes, *tests, name: str = "peserta.xlsx", **more):
    now = clock.now()
    return {
        "file": upload(data, name),
        "schedule_start_date": clock.iso(now),
        "schedule_end_date": clock.iso(now + timedelta(days=30)),
        **({"test_ids": [test.pk for test in tests]} if tests else {}),
        **more,
    }


def used(tenant) -> int:
    return CompanySubscription.objects.get(company_id=tenant.company_id).used_quota


# --- preview ----------------------------------------------------------------------------------------
def test_preview__then_the_contracts_shape_and_nothing_is_stored(api, tenant):
    test = make_bank_test()
    data = list_of(("Participant 1", "participant1@example.com"), ("Participant 2", "invalid-email"))
    answer = api.as_(tenant).upload(PREVIEW, form(data, test))
    assert data_of(answer) == {
        "preview": [
            {"row": 2, "name": "Participant 1", "email": "participant1@example.com", "valid": True},
            {"row": 3, "name": "Participant 2", "email": "invalid-email", "valid": False,
             "errors": ["Invalid email format"]},
        ],
        "total_rows": 2, "valid_rows": 1, "invalid_rows": 1,
    }  # fmt: skip
    assert answer.json()["message"] == "Success"
    assert (Participant.objects.count(), ImportBatch.objects.count(), used(tenant)) == (0, 0, 0)


def test_preview__when_the_file_comes_alone__then_every_fault_is_shown(api):
    tenant = make_tenant_admin(company := make_company(quota=2))
    make_participant(company=company, email="known@example.com")
    make_participant(company=company, email="gone@example.com", deleted_at=clock.now())
    make_participant(email="elsewhere@example.com")
    rows = [
        ("", ""), ("Known", "KNOWN@example.com"), ("Gone", "gone@example.com"), (" ", " "),
        ("Else", "elsewhere@example.com"), ("Again", "Elsewhere@example.com"), ("Over", "over@example.com"),
        ("Noname", ""),
    ]  # fmt: skip
    shown = data_of(api.as_(tenant).upload(PREVIEW, {"file": upload(list_of(*rows))}))
    assert [(row["row"], row.get("errors")) for row in shown["preview"]] == [
        (3, ["Email already exists"]), (4, None), (6, None), (7, ["Email already exists in row 6"]),
        (8, ["User quota exceeded"]), (9, ["Email is required"]),
    ]  # fmt: skip
    assert (shown["total_rows"], shown["valid_rows"], shown["invalid_rows"]) == (6, 2, 4)


def test_preview__when_staff_has_no_company__then_only_what_the_file_says(api, db):
    make_participant(email="known@example.com")
    staff = make_user(Role.SUPER_ADMIN)
    data = list_of(("A", "known@example.com"), ("B", "x"))
    shown = data_of(api.as_(staff).upload(PREVIEW, {"file": upload(data)}))
    assert [row["valid"] for row in shown["preview"]] == [True, False]


def test_preview__when_only_a_header__then_422(api, tenant):
    body = error_of(api.as_(tenant).upload(PREVIEW, {"file": upload(list_of())}), 422, "FILE_REJECTED")
    assert body["message"] == "File is empty or invalid format."


def test_preview__when_a_header_is_missing__then_every_row_fails(api, tenant):
    data = csv_of([("nama", "telepon"), ("Siti", "0812"), ("Budi", "0813")])
    shown = data_of(api.as_(tenant).upload(PREVIEW, {"file": upload(data, "a.csv")}))
    assert [row["errors"] for row in shown["preview"]] == [["Email is required"]] * 2


def test_preview__when_fields_are_wrong__then_422(api, tenant):
    client = api.as_(tenant)
    answers = [client.upload(PREVIEW, {}), client.upload(PREVIEW, {"file": ""}), client.post(PREVIEW, {})]
    for answer in answers:
        assert error_of(answer, 422, "VALIDATION_ERROR")["errors"] == {"file": ["The file field is required."]}
    wrong = form(list_of(("A", "a@example.com")), schedule_end_date="2020-01-01", test_ids="x")
    assert set(error_of(client.upload(PREVIEW, wrong), 422, "VALIDATION_ERROR")["errors"]) == {"test_ids"}
    past = form(list_of(("A", "a@example.com")), schedule_start_date="2019-01-01", schedule_end_date="2020-01-01")
    assert set(error_of(client.upload(PREVIEW, past), 422, "VALIDATION_ERROR")["errors"]) == {"schedule_end_date"}


def test_preview__then_queries_do_not_grow_with_rows(api, tenant):
    client = api.as_(tenant)
    counts = []
    for size in (2, 200):
        file = upload(list_of(*people(size)))
        with counted_queries() as queries:
            data_of(client.upload(PREVIEW, {"file": file}))
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 6


# --- import -----------------------------------------------------------------------------------------
def test_import__then_people_assignments_mails_quota_and_the_contracts_shape(api, tenant):
    first, second = make_bank_test(), make_bank_test(type="company")
    make_participant(company=tenant_company(tenant), email="known@example.com")
    rows = [("Siti", "siti@example.com"), ("Budi", "x"), ("Known", "Known@example.com"), ("Budi", "budi@example.com")]
    answer = api.as_(tenant).upload(IMPORT, form(list_of(*rows), first, second))
    data = data_of(answer)
    assert answer.json()["message"] == "Import completed. 2 participants created, 2 failed."
    assert set(data) == STATUS_KEYS | {"participants"}
    assert (data["created"], data["failed"], data["failed_rows"]) == (2, 2, [3, 4])
    assert data["failures"] == [
        {"row": 3, "name": "Budi", "email": "x", "errors": ["Invalid email format"]},
        {"row": 4, "name": "Known", "email": "Known@example.com", "errors": ["Email already exists"]},
    ]
    assert (data["state"], data["rows_done"], data["rows_total"]) == ("done", 4, 4)
    assert [row["name"] for row in data["participants"]] == ["Siti", "Budi"]
    assert set(data["participants"][0]) == ROW_KEYS
    assert [row["test"]["id"] for row in data["participants"][0]["test_assignments"]] == [first.pk, second.pk]
    assert used(tenant) == 2
    run_jobs()
    assert sorted(message.to[0] for message in mailbox.outbox) == ["budi@example.com"] * 2 + ["siti@example.com"] * 2
    assert "/participant/assignment/" in mailbox.outbox[0].body
    assert set(OutgoingMail.objects.values_list("status", flat=True)) == {"sent"}


def tenant_company(tenant):
    return tenant.company_admin.company


def test_import__then_each_link_opens(api, tenant):
    data_of(api.as_(tenant).upload(IMPORT, form(list_of(("Siti", "siti@example.com")), make_bank_test())))
    run_jobs()
    token = mailbox.outbox[0].body.partition("/participant/assignment/")[2].split()[0]
    data_of(api.get(f"/api/participant/assignment/{token}"))
    assignment = TestAssignment.objects.get()
    shown = data_of(api.as_(tenant).post(f"/api/test-assignments/{assignment.pk}/resend-email"))
    assert shown["email"]["status"] == "queued"
    assert OutgoingMail.objects.count() == 2


def test_import__then_told_in_the_audit_trail_and_no_names_are_kept(api, tenant):
    data = data_of(api.as_(tenant).upload(IMPORT, form(list_of(("Siti", "siti@example.com")), make_bank_test())))
    events = AuditEvent.objects.filter(object_type="sessions_app.importbatch", object_id=str(data["import_id"]))
    assert list(events.order_by("pk").values_list("action", flat=True)) == [
        "sessions_app.import.submitted", "sessions_app.import.finished",
    ]  # fmt: skip
    assert ImportBatch.objects.get().rows == []


def test_import__when_the_quota_is_short__then_rows_that_did_not_fit_are_told(api):
    tenant = make_tenant_admin(make_company(quota=3))
    data = data_of(api.as_(tenant).upload(IMPORT, form(list_of(*people(5)), make_bank_test())))
    assert (data["created"], data["failed_rows"], used(tenant)) == (3, [5, 6], 3)
    assert {tuple(failure["errors"]) for failure in data["failures"]} == {("User quota exceeded",)}


def test_import__when_sent_twice__then_nobody_is_invited_twice(api, tenant):
    test, client = make_bank_test(), api.as_(tenant)
    data_of(client.upload(IMPORT, form(list_of(*people(3)), test)))
    again = data_of(client.upload(IMPORT, form(list_of(*people(4)), test)))
    assert (again["created"], again["failed_rows"]) == (1, [2, 3, 4])
    assert (Participant.objects.count(), used(tenant), OutgoingMail.objects.count()) == (4, 4, 4)


@pytest.mark.parametrize("spelling", ["json", "repeated", "brackets", "numbered", "commas"])
def test_import__then_test_ids_are_read_in_every_spelling(api, tenant, spelling):
    first, second = make_bank_test(), make_bank_test()
    ids = [first.pk, second.pk]
    fields = {
        "json": {"test_ids": str(ids)}, "repeated": {"test_ids": ids}, "brackets": {"test_ids[]": ids},
        "numbered": {"test_ids[1]": ids[1], "test_ids[0]": ids[0]}, "commas": {"test_ids": f"{ids[0]},{ids[1]}"},
    }[spelling]  # fmt: skip
    data = data_of(api.as_(tenant).upload(IMPORT, form(list_of(("Siti", "siti@example.com")), **fields)))
    assert [row["test"]["id"] for row in data["participants"][0]["test_assignments"]] == ids


def test_import__when_aliases_are_sent__then_read(api, tenant):
    sent = form(list_of(("Siti", "siti@example.com")), make_bank_test())
    sent["start_date"], sent["end_date"] = sent.pop("schedule_start_date"), sent.pop("schedule_end_date")
    assert data_of(api.as_(tenant).upload(IMPORT, sent))["created"] == 1


def test_import__when_fields_are_missing__then_422(api, tenant):
    errors = error_of(api.as_(tenant).upload(IMPORT, {}), 422, "VALIDATION_ERROR")["errors"]
    assert errors == {
        "file": ["The file field is required."],
        "schedule_start_date": ["The schedule start date field is required."],
        "schedule_end_date": ["The schedule end date field is required."],
        "test_ids": ["The test ids field is required."],
    }


def test_import__when_no_row_is_valid__then_400(api, tenant):
    for rows in ([], [("", "x")]):
        answer = api.as_(tenant).upload(IMPORT, form(list_of(*rows), make_bank_test()))
        body = error_of(answer, 400, "BUSINESS_RULE")
        assert body["message"] == "No valid participants found in file. Please check the file format."
    assert ImportBatch.objects.count() == 0


def test_import_and_preview__when_a_test_cannot_be_assigned__then_400(api, tenant):
    test = make_bank_test()
    for ids in ([make_bank_test(type="public").pk], [test.pk, test.pk], [999_999]):
        for path in (PREVIEW, IMPORT):
            answer = api.as_(tenant).upload(path, form(list_of(("A", "a@example.com")), test_ids=str(ids)))
            assert error_of(answer, 400, "BUSINESS_RULE")["message"] == "One or more tests not found or inactive."
    assert Participant.objects.count() == 0


def test_import__when_larger_than_allowed__then_413_or_422(api, tenant):
    client = api.as_(tenant)
    error_of(client.upload(PREVIEW, {"file": upload(b"x" * (5 * 1024 * 1024 + 1), "a.csv")}), 422, "FILE_REJECTED")
    error_of(client.upload(PREVIEW, {"file": upload(b"x" * (11 * 1024 * 1024), "a.csv")}), 413, "PAYLOAD_TOO_LARGE")


def test_import__when_not_allowed__then_refused(api, db):
    data = form(list_of(("A", "a@example.com")), make_bank_test())
    error_of(api.upload(IMPORT, data), 401, "UNAUTHENTICATED")
    error_of(api.as_(make_user(Role.PUBLIC_USER)).upload(IMPORT, data), 403, "FORBIDDEN")
    error_of(api.as_(make_user(Role.SUPER_ADMIN)).upload(IMPORT, data), 403, "COMPANY_ADMIN_NOT_FOUND")
    poor = make_tenant_admin(make_company(with_subscription=False))
    for path in (PREVIEW, IMPORT):
        error_of(api.as_(poor).upload(path, data), 403, "SUBSCRIPTION_REQUIRED")
    assert ImportBatch.objects.count() == 0


# --- large lists ------------------------------------------------------------------------------------
def test_import__when_large__then_a_job_with_progress(api, tenant):
    test, client = make_bank_test(), api.as_(tenant)
    rows = [*people(300), ("Budi", "x")]
    answer = client.upload(IMPORT, form(list_of(*rows), test))
    data = data_of(answer, 202)
    assert set(data) == STATUS_KEYS | {"participants"}
    assert (data["state"], data["rows_done"], data["rows_total"], data["created"]) == ("queued", 0, 301, 0)
    path = f"/api/participants/imports/{data['import_id']}"
    assert data["status_url"] == f"http://testserver{path}"
    assert set(data_of(client.get(path))) == STATUS_KEYS
    Job.objects.exclude(name="sessions_app.import_participants").delete()
    run_jobs()
    shown = data_of(client.get(path))
    assert (shown["state"], shown["rows_done"], shown["created"], shown["failed_rows"]) == ("done", 301, 300, [302])
    assert shown["failures"] == [{"row": 302, "name": "Budi", "email": "x", "errors": ["Invalid email format"]}]
    assert shown["finished_at"] is not None
    assert data_of(client.get(path, {"failures_after": 302}))["failures"] == []
    assert used(tenant) == 300
    assert OutgoingMail.objects.count() == 300


def test_import_status__when_foreign_or_unknown__then_404(api, tenant):
    data = data_of(api.as_(tenant).upload(IMPORT, form(list_of(("A", "a@example.com")), make_bank_test())))
    path = f"/api/participants/imports/{data['import_id']}"
    stranger = api.as_(make_tenant_admin(make_company()))
    assert error_of(stranger.get(path), 404, "NOT_FOUND")["message"] == "Import not found"
    error_of(api.as_(tenant).get("/api/participants/imports/999999"), 404, "NOT_FOUND")
    error_of(api.as_(make_user(Role.PUBLIC_USER)).get(path), 403, "FORBIDDEN")
    assert data_of(api.as_(make_user(Role.SUPER_ADMIN)).get(path))["created"] == 1


# --- template ---------------------------------------------------------------------------------------
def test_template__then_an_empty_list_that_an_import_understands(api, tenant):
    client = api.as_(tenant)
    answer = client.get("/api/participants/import-template")
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == 'attachment; filename="participants-template.xlsx"'
    sheet = load_workbook(io.BytesIO(answer.content)).worksheets[0]
    assert [cell.value for cell in sheet[1]] == ["Name", "Email", "Participant Number", "Password"]
    answer = client.get("/api/participants/import-template", {"format": "csv"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.content.decode("utf-8-sig") == "Name,Email,Participant Number,Password\r\n"
    error_of(client.get("/api/participants/import-template", {"format": "pdf"}), 422, "VALIDATION_ERROR")
