"""Exam files and flags picked up as they are on the disk; a broken one takes nobody down."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from jsonschema import Draft202012Validator

from accounts.states import Role
from accounts.tests.factories import make_user
from catalog.tests.builders import question
from cbt.faces.exam_files import library, tree
from cbt.faces.exam_files.demo import EXAM_ID, load_demo
from cbt.faces.exam_files.tests.factories import exam_document, put_exam
from tests.support import Api, error_of


def listed(browser):
    return [row["examId"] for row in browser.get("/api/exams").json()]


def test_files__when_added_changed_removed_or_flagged__then_seen_at_once(browser, tree_root):
    assert listed(browser) == []
    put_exam("one")
    assert listed(browser) == ["one"]
    put_exam("two", is_published=False)
    assert listed(browser) == ["one"]
    put_exam("two", is_published=True)
    assert listed(browser) == ["one", "two"]
    put_exam("one", exam_document(name="Renamed"))
    assert browser.get("/api/exams").json()[0]["name"] == "Renamed"
    (tree_root / "input/one.json").unlink()
    assert listed(browser) == ["two"]
    error_of(browser.get("/api/exams/one"), 404, "EXAM_NOT_FOUND")


def test_file__when_unchanged__then_not_read_again(browser, monkeypatch):
    put_exam("one")
    listed(browser)
    monkeypatch.setattr(library, "parse", None)
    assert listed(browser) == ["one"]


BROKEN = {
    "half": b'{"format": "cbt-test/1", "questions": [', "empty": b"", "text": b"hello", "list": b"[]", "null": b"null",
    "binary": b"\xff\xfe\x00", "deep": b"[" * 5000,
    "format": json.dumps(exam_document() | {"format": "other/1"}).encode(),
    "keyless": json.dumps({**exam_document(), "questions": []}).encode(),
    "wrongkey": json.dumps(exam_document(question("single_choice", "q1", answer_key="zvnope"))).encode(),
    "bom": b"\xef\xbb\xbf" + json.dumps(exam_document()).encode(), "nan": b'{"a": NaN}',
}  # fmt: skip


def test_broken_files__then_the_others_are_offered_and_each_is_named(browser, tree_root, caplog):
    put_exam("good")
    for name, data in BROKEN.items():
        put_exam(name)
        (tree_root / "input" / f"{name}.json").write_bytes(data)
    (tree_root / "input/bad name.json").write_text("{}")
    (tree_root / "input/readme.txt").write_text("hello")
    assert listed(browser) == ["good"]
    for name in BROKEN:
        error_of(browser.post(f"/api/exams/{name}/attempt"), 404, "EXAM_NOT_FOUND")
        assert f"input/{name}.json" in caplog.text
    assert "zvnope" not in caplog.text, "a log never quotes an exam"
    assert browser.post("/api/exams/good/attempt").status_code == 200
    caplog.clear()
    listed(browser)
    assert caplog.text == "", "named once, not at every request"


def test_broken_file__when_repaired__then_offered(browser, tree_root):
    put_exam("one")
    (tree_root / "input/one.json").write_text("{")
    assert listed(browser) == []
    put_exam("one")
    assert listed(browser) == ["one"]


def test_broken_file__when_its_attempt_is_running__then_that_goes_on(browser, tree_root):
    put_exam("one")
    attempt = browser.post("/api/exams/one/attempt").json()
    (tree_root / "input/one.json").write_text("{")
    assert browser.get("/api/exams/one").status_code == 200
    saved = browser.put(f"/api/attempts/{attempt['attemptId']}", {"answers": [{"questionId": "q1", "response": "a"}]})
    assert saved.status_code == 200
    assert browser.post(f"/api/attempts/{attempt['attemptId']}/submit").status_code == 200


@pytest.mark.parametrize("text", ["{", "[]", '{"exams": []}', ""])
def test_manifest__when_broken__then_what_it_said_last_holds_and_it_is_not_overwritten(browser, tree_root, text):
    put_exam("one")
    assert listed(browser) == ["one"]
    (tree_root / "manifest.json").write_text(text)
    assert listed(browser) == ["one"]
    assert browser.post("/api/exams/one/attempt").status_code == 200
    assert (tree_root / "manifest.json").read_text() == text


def test_manifest__when_missing__then_nothing_is_published(browser, tree_root):
    put_exam("one")
    (tree_root / "manifest.json").unlink()
    error_of(browser.get("/api/exams/one"), 423, "EXAM_NOT_PUBLISHED")


def test_manifest__when_edited_by_hand__then_its_other_content_stays(browser, tree_root):
    put_exam("one")
    text = {"exams": {"one": {"published": True, "note": "room 5"}, "later": {"published": False}}, "school": "SMA 1"}
    (tree_root / "manifest.json").write_text(json.dumps(text))
    attempt = browser.post("/api/exams/one/attempt").json()
    found = json.loads((tree_root / "manifest.json").read_text())
    assert found.pop("users") == {attempt["userId"]: {"active": ["one"], "finished": []}}
    assert found == text


def test_manifest__when_a_flag_or_its_place_is_misspelt__then_command_and_admin_say_so(db, tree_root):
    put_exam("one")
    put_exam("two")
    flags = {"one": {"published": "yes"}, "two": True, "three": {"published": False}}
    (tree_root / "manifest.json").write_text(json.dumps({"exams": flags, "four": {"published": True}, "school": "SMA"}))
    assert library.manifest().faults == (
        'exams.one: it is not {"published": true} or {"published": false}, and counts as not published',
        'exams.two: it is not {"published": true} or {"published": false}, and counts as not published',
        'four: it says nothing here; flags belong into "exams"',
    )
    out = io.StringIO()
    call_command("check_exam_files", stdout=out)
    desk = Client()
    desk.force_login(make_user(Role.SUPER_ADMIN))
    page = desk.get(reverse("admin:exam_files_examfile_changelist")).content.decode()
    for fault in library.manifest().faults:
        assert f"manifest.json: {fault}\n" in out.getvalue()
        assert escape(fault) in page


def test_manifest__when_broken__then_command_admin_and_log_say_why_and_the_log_once(browser, tree_root, caplog):
    put_exam("one")
    (tree_root / "manifest.json").write_text('{"exams": {"one": }')
    for _ in range(2):
        listed(browser)
    out = io.StringIO()
    with pytest.raises(CommandError, match=r"manifest\.json cannot be read"):
        call_command("check_exam_files", stdout=out)
    why = "The file is not valid JSON: "
    assert f"manifest.json: {why}" in out.getvalue()
    assert caplog.text.count(f"manifest.json cannot be read: {why}") == 1
    desk = Client()
    desk.force_login(make_user(Role.SUPER_ADMIN))
    assert f"manifest.json: {why}" in desk.get(reverse("admin:exam_files_examfile_changelist")).content.decode()
    put_exam("one")
    assert library.manifest().faults == ()


def test_check_command__then_says_what_is_wrong(db, tree_root, caplog):
    put_exam("good")
    put_exam("gone")
    (tree_root / "input/gone.json").unlink()
    out = io.StringIO()
    call_command("check_exam_files", stdout=out)
    assert "good: 3 questions, published" in out.getvalue()
    assert "gone: published in manifest.json, but there is no sound file" in out.getvalue()
    (tree_root / "input/bad.json").write_text('{"format": "cbt-test/1", "code": "x"}')
    with pytest.raises(CommandError, match="1 broken"):
        call_command("check_exam_files", stdout=out)
    assert "bad: BROKEN: name: is required" in out.getvalue()
    assert caplog.text == "", "said once"


def test_schema__then_served_and_the_demo_file_obeys_it(db, tree_root):
    load_demo()
    load_demo()
    schema = Api().get("/api/tests/schema").json()["data"]
    assert schema["properties"]["format"] == {"const": "cbt-test/1", "description": "Name and version of this format."}
    published = Draft202012Validator(schema)
    published.validate(json.loads(tree.read(("input", f"{EXAM_ID}.json"))))
    assert not published.is_valid({**exam_document(), "grade": 5})
    assert library.exam_get(EXAM_ID).paper.name
    assert library.exams()[1] == []


def test_admin__then_every_file_with_its_state_and_fault_and_nothing_to_change(db, tree_root):
    put_exam("sound")
    put_exam("draft", is_published=False)
    put_exam("gone")
    (tree_root / "input" / "gone.json").unlink()
    (tree_root / "input" / "torn.json").write_text("{<b>")
    put_exam("faulty", {**exam_document(), "questions": [{"key": "q1", "kind": "single_choice"}]})
    (tree_root / "input" / "no name.json").write_text("{}")
    desk = Client()
    desk.force_login(make_user(Role.SUPER_ADMIN))
    where = reverse("admin:exam_files_examfile_changelist")
    assert f'href="{where}"' in desk.get("/admin/").content.decode()
    page = desk.get(where)
    assert [(row.name, row.state) for row in page.context["rows"]] == [
        ("faulty", "broken"), ("no name.json", "broken"), ("torn", "broken"), ("gone", "missing"),
        ("draft", "not published"), ("sound", "published"),
    ]  # fmt: skip
    faults = {row.name: row.fault for row in page.context["rows"]}
    assert faults["faulty"].startswith("questions.0.")
    assert faults["torn"].startswith("The file is not valid JSON: ")
    assert escape(faults["faulty"]) in page.content.decode()
    assert "<b>" not in page.content.decode().split("content-main")[1]
    assert (faults["sound"], faults["gone"]) == (
        "", "manifest.json publishes it, but there is no input/gone.json",
    )  # fmt: skip
    (tree_root / "manifest.json").write_text("{")
    assert "manifest.json cannot be read" in desk.get(where).content.decode()
    for action in ("add/", "1/change/"):
        assert desk.get(f"{where}{action}").status_code == 404
    assert Client().get(where).status_code == 302, "to the sign-in"
    tenant = Client()
    tenant.force_login(make_user(Role.TENANT_ADMIN, company_id=1))
    assert tenant.get(where).status_code == 302
