"""The admin, the command and the demo data."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.states import Role
from accounts.tests.factories import make_user
from catalog.models import Test, TestCategory, TestVersion
from catalog.services import demo, versions
from catalog.tests.builders import document, question
from catalog.tests.factories import make_banked, make_category, make_offer

pytestmark = pytest.mark.django_db
LIST = "/admin/catalog/test/"


@pytest.fixture
def staff(media):
    client = Client()
    client.force_login(make_user(Role.SUPER_ADMIN))
    return client


def upload(staff, raw, **fields):
    file = SimpleUploadedFile("t.json", json.dumps(raw).encode(), content_type="application/json")
    return staff.post(f"{LIST}import-json/", {"document": file, **fields})


def test_admin__when_a_test_is_imported__then_stored_or_told_why(staff):
    assert staff.get(LIST).status_code == 200
    assert upload(staff, document(question("number"), code="ADM-1")).status_code == 302
    test = Test.objects.get(code="ADM-1")
    assert staff.get(f"{LIST}{test.pk}/change/").status_code == 200
    refused = upload(staff, document(question("number", answer_key="x")))
    assert refused.status_code == 200
    assert b"questions.0.answer_key: must be a number" in refused.content


def test_admin__when_a_category_or_test_is_refused__then_told_beside_the_field(staff):
    category = {"name": "Logika", "slug": "", "description": "", "is_active": "on", "sort_order": 0}
    assert staff.post("/admin/catalog/testcategory/add/", category).status_code == 302
    stored = TestCategory.objects.get()
    assert stored.slug == "logika"
    refused = staff.post("/admin/catalog/testcategory/add/", {**category, "name": "Other", "slug": "???"})
    assert refused.context["adminform"].errors == {"slug": ["The slug must contain letters or digits."]}
    assert staff.post(f"/admin/catalog/testcategory/{stored.pk}/change/", {**category, "name": "L"}).status_code == 302
    assert TestCategory.objects.get().name == "L"


def test_admin__when_exported__then_the_document(staff):
    test = make_banked()
    response = staff.post(LIST, {"action": "export_as_json", "_selected_action": [test.pk]})
    assert response["Content-Type"] == "application/json"
    assert response.json()["code"] == test.code


def test_admin__when_a_test_is_saved__then_through_the_service(staff):
    category = make_category()
    fields = {
        "category": category.pk, "name": "By hand", "code": "HAND", "price": "10", "question_count": 0,
        "duration_minutes": 30, "type": "all", "sort_order": 0, "max_attempts": 1, "result_policy": "none",
        "cheat_policy": "ban", "is_active": "on", "metadata": "null",
    }  # fmt: skip
    assert staff.post(f"{LIST}add/", fields).status_code == 302
    test = Test.objects.get(code="HAND")
    assert (test.category_id, test.bank_revision) == (category.pk, 1)
    bank = {f"{name}-{key}": 0 for name in ("questions", "scales") for key in ("TOTAL_FORMS", "INITIAL_FORMS")}
    assert staff.post(f"{LIST}{test.pk}/change/", {**fields, **bank, "duration_minutes": 45}).status_code == 302
    test.refresh_from_db()
    assert (test.duration_minutes, test.bank_revision) == (45, 2)


def test_admin__when_a_test_with_versions_is_deleted__then_softly(staff):
    test = make_banked()
    versions.version_freeze(test.pk)
    assert staff.post(f"{LIST}{test.pk}/delete/", {"post": "yes"}).status_code == 302
    test.refresh_from_db()
    assert test.deleted_at is not None


def test_admin__when_a_category_is_saved_and_deleted__then_through_the_service(staff):
    path = "/admin/catalog/testcategory/"
    assert staff.post(f"{path}add/", {"name": "Tes Minat", "sort_order": 1, "is_active": "on"}).status_code == 302
    category = TestCategory.objects.get()
    assert category.slug == "tes-minat"
    make_offer(category_id=category.pk)
    assert staff.post(f"{path}{category.pk}/delete/", {"post": "yes"}).status_code == 302
    category.refresh_from_db()
    assert category.deleted_at is not None


def test_admin__when_versions_are_opened__then_read_only(staff):
    version = versions.version_freeze(make_banked().pk)
    path = f"/admin/catalog/testversion/{version.pk}/"
    assert staff.get(f"{path}change/").status_code == 200
    assert staff.post(f"{path}change/", {"number": 9}).status_code == 403
    assert staff.post(f"{path}delete/", {"post": "yes"}).status_code == 403
    assert TestVersion.objects.get().number == 1


def test_import_test__when_run__then_says_what_it_did(media, tmp_path, capsys):
    file = tmp_path / "t.json"
    file.write_text(json.dumps(document(question("number"), code="CMD-1")))
    call_command("import_test", str(file))
    test = Test.objects.get(code="CMD-1")
    assert capsys.readouterr().out == f"Test CMD-1 created: id {test.pk}, 1 questions\n"
    with pytest.raises(CommandError, match="code: The code has already been taken"):
        call_command("import_test", str(file))
    call_command("import_test", str(file), "--replace-bank")
    file.write_text("{")
    with pytest.raises(CommandError, match="not valid JSON"):
        call_command("import_test", str(file))
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_test", str(tmp_path / "absent.json"))


def test_load_demo_tests__when_called_twice__then_the_same_three_tests(media):
    first = demo.load_demo_tests()
    revisions = [test.bank_revision for test in Test.objects.order_by("pk")]
    second = demo.load_demo_tests()
    assert [test.code for test in first] == ["IPIP-BFM-50", "APT-20", "ESSAY-01"]
    assert [test.pk for test in second] == [test.pk for test in first]
    assert [test.question_count for test in second] == [50, 20, 5]
    assert [test.bank_revision for test in Test.objects.order_by("pk")] == revisions
    assert set(TestCategory.objects.values_list("slug", flat=True)) == {
        "tes-kepribadian", "tes-bakat-minat", "tes-seleksi-karyawan",
    }  # fmt: skip
    for test in second:
        versions.version_freeze(test.pk)
