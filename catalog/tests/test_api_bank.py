"""Contract tests of the question bank, pictures and documents."""

import base64
import io
import struct
import zlib

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts.states import Role
from accounts.tests.factories import make_user
from catalog.models import Question, QuestionPicture, Test
from catalog.tests.builders import PNG_1X1, document, question
from catalog.tests.factories import make_banked, make_offer, png_bytes
from tests.support import counted_queries, data_of, error_of

CHOICE_KEYS = {
    "id", "position", "key", "kind", "text", "picture", "required", "weight", "negative_weight", "partial_credit",
    "options", "answer_key",
}  # fmt: skip
LIKERT_SCALE = {"key": "s", "name": "Scale", "items": [{"question": "l1", "reverse": True}]}


@pytest.fixture
def admin(api, media):
    return api.as_(make_user(Role.SUPER_ADMIN))


def bank(test):
    return f"/api/tests/{test.pk}/questions"


def revision(test):
    return Test.objects.get(pk=test.pk).bank_revision


def test_questions__when_added__then_listed_in_order_with_keys(admin):
    test = make_offer(question_count=40)
    response = admin.post(bank(test), question("single_choice", "q1", weight=2.5))
    first = data_of(response, 201)
    assert response.json()["message"] == "Question created successfully"
    assert set(first) == CHOICE_KEYS
    assert (first["position"], first["answer_key"], first["weight"]) == (1, "b", 2.5)
    data_of(admin.post(bank(test), question("number", "q2")), 201)
    data_of(admin.post(bank(test), {**question("long_text", "q0"), "position": 1}), 201)
    listed = admin.get(bank(test))
    assert listed.json()["message"] == "Questions retrieved successfully"
    assert [(row["key"], row["position"]) for row in data_of(listed)] == [("q0", 1), ("q1", 2), ("q2", 3)]
    test.refresh_from_db()
    assert (test.question_count, test.bank_revision) == (3, 4)


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"key": ["is required"], "kind": ["is required"], "text": ["is required"]}),
        (question("single_choice", "n", answer_key="z"), {"answer_key": ["there is no option 'z'"]}),
        (question("single_choice", "q1"), {"key": ["The key has already been taken."]}),
        (question("number", "n", picture="p"), {"picture": ["there is no picture 'p'"]}),
        (question("number", "n", weight=-1), {"weight": ["-1 is less than the minimum of 0"]}),
        ({**question("number", "n"), "position": 0}, {"position": ["The position must be an integer of at least 1."]}),
    ],
)
def test_questions__when_wrong__then_422_at_the_path_and_nothing_stored(admin, body, errors):
    test = make_banked()
    assert error_of(admin.post(bank(test), body), 422, "VALIDATION_ERROR")["errors"] == errors
    assert (Question.objects.count(), revision(test)) == (1, test.bank_revision)


def test_question__when_replaced_and_patched__then_shown(admin):
    test = make_banked()
    row = test.questions.get()
    path = f"{bank(test)}/{row.pk}"
    shown = data_of(admin.get(path))
    assert set(shown) == CHOICE_KEYS
    patched = admin.patch(path, {"text": "Why?"})
    assert patched.json()["message"] == "Question updated successfully"
    assert data_of(patched) == {**shown, "text": "Why?"}
    replaced = data_of(admin.put(path, question("true_false", "q1")))
    assert (replaced["kind"], replaced["answer_key"], "options" in replaced) == ("true_false", True, False)
    assert data_of(admin.put(path, replaced)) == replaced
    assert revision(test) == test.bank_revision + 3


def test_question__when_deleted__then_gone_and_numbers_close_up(admin):
    test = make_banked(question("number", "a"), question("number", "b"), question("number", "c"))
    rows = {row.key: row for row in test.questions.all()}
    response = admin.delete(f"{bank(test)}/{rows['a'].pk}")
    assert data_of(response) is None
    assert response.json()["message"] == "Question deleted successfully"
    assert list(test.questions.values_list("key", "position")) == [("b", 1), ("c", 2)]
    test.refresh_from_db()
    assert test.question_count == 2


def test_question__when_a_scale_counts_it__then_neither_deleted_nor_made_unfit(admin):
    test = make_banked(question("likert", "l1"), scales=[LIKERT_SCALE])
    path = f"{bank(test)}/{test.questions.get().pk}"
    body = error_of(admin.delete(path), 422, "VALIDATION_ERROR")
    assert body["errors"] == {"non_field_errors": ["The scale 's' counts this question; change the scale first."]}
    body = error_of(admin.patch(path, {"key": "l2"}), 422, "VALIDATION_ERROR")
    assert body["errors"] == {"scales.0.items.0.question": ["there is no question 'l1'"]}
    assert test.questions.get().key == "l1"


def test_question__when_of_another_test__then_404(admin):
    mine, other = make_banked(), make_banked()
    path = f"{bank(mine)}/{other.questions.get().pk}"
    for verb in ("get", "put", "patch", "delete"):
        body = question("number", "x") if verb in {"put", "patch"} else None
        error_of(getattr(admin, verb)(path, body) if body else getattr(admin, verb)(path), 404, "NOT_FOUND")


def test_reorder__when_every_key_once__then_new_order(admin):
    test = make_banked(question("number", "a"), question("number", "b"), question("number", "c"))
    response = admin.post(f"{bank(test)}/reorder", {"keys": ["c", "a", "b"]})
    assert response.json()["message"] == "Questions reordered successfully"
    assert [row["key"] for row in data_of(response)] == ["c", "a", "b"]
    assert list(test.questions.values_list("key", flat=True)) == ["c", "a", "b"]
    for keys in (["a", "b"], ["a", "b", "c", "c"], ["a", "b", "x"]):
        body = error_of(admin.post(f"{bank(test)}/reorder", {"keys": keys}), 422, "VALIDATION_ERROR")
        assert body["errors"] == {"keys": ["The keys must name every question of the test exactly once."]}


def test_scales__when_put__then_replaced_as_a_whole(admin):
    test = make_banked(question("likert", "l1"))
    path = f"/api/tests/{test.pk}/scales"
    response = admin.put(path, {"scales": [LIKERT_SCALE]})
    stored = [{**LIKERT_SCALE, "description": "", "items": [{"question": "l1", "reverse": True, "weight": 1}]}]
    assert data_of(response) == stored
    assert response.json()["message"] == "Scales updated successfully"
    assert data_of(admin.get(path)) == stored
    bad = {**LIKERT_SCALE, "items": [{"question": "ghost"}]}
    body = error_of(admin.put(path, {"scales": [bad]}), 422, "VALIDATION_ERROR")
    assert body["errors"] == {"scales.0.items.0.question": ["there is no question 'ghost'"]}
    assert data_of(admin.get(path)) == stored
    assert error_of(admin.put(path, {}), 422, "VALIDATION_ERROR")["errors"] == {
        "scales": ["The scales field is required."]
    }
    assert data_of(admin.put(path, {"scales": []})) == []


def test_questions__when_2_or_20__then_equal_query_counts(admin):
    counts = []
    for size in (2, 20):
        test = make_banked(*(question("number", f"q{index}") for index in range(size)))
        with counted_queries() as statements:
            assert len(data_of(admin.get(bank(test)))) == size
        counts.append(len(statements))
    assert counts[0] == counts[1]


def upload(admin, test, data, key="pic", **fields):
    file = SimpleUploadedFile("any.png", data, content_type="image/png")
    return admin.upload(f"/api/tests/{test.pk}/pictures", {"key": key, "picture": file, **fields})


def test_pictures__when_uploaded__then_served_by_a_signed_address_without_metadata(admin, api):
    test = make_offer()
    response = upload(admin, test, png_bytes("blue", (9, 7)) + b"trailing secret", alt="A blue box")
    data = data_of(response, 201)
    assert response.json()["message"] == "Picture uploaded successfully"
    assert set(data) == {"id", "key", "mime", "alt", "width", "height", "byte_count", "url", "created_at"}
    assert (data["mime"], data["alt"], data["width"], data["height"]) == ("image/png", "A blue box", 9, 7)
    served = api.get(data["url"])
    content = b"".join(served.streaming_content)
    assert (served.status_code, served["Content-Type"], b"secret" in content) == (200, "image/png", False)
    assert api.get(data["url"].split("?")[0]).status_code == 404
    assert [row["key"] for row in data_of(admin.get(f"/api/tests/{test.pk}/pictures"))] == ["pic"]


def test_pictures__when_replaced__then_the_old_row_stays_for_versions(admin):
    test = make_offer()
    first = data_of(upload(admin, test, png_bytes("blue")), 201)
    again = data_of(upload(admin, test, png_bytes("blue") + b"trailing"), 201)
    other = data_of(upload(admin, test, png_bytes("green")), 201)
    assert (first["id"] == again["id"], first["id"] == other["id"]) == (True, False)
    assert QuestionPicture.objects.filter(test=test).count() == 2
    assert [row["id"] for row in data_of(admin.get(f"/api/tests/{test.pk}/pictures"))] == [other["id"]]


def png_bomb(width, height):
    """A PNG of a few kilobytes whose header promises billions of pixels."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "data",
    [png_bomb(60_000, 60_000), png_bomb(5000, 5000), b"no picture", png_bytes()[:40], b"<svg/>", png_bytes(kind="GIF")],
    ids=["bomb", "large", "text", "cut", "svg", "gif"],
)
def test_pictures__when_a_bomb_or_no_picture__then_422_and_nothing_stored(admin, media, data):
    test = make_offer()
    assert list(error_of(upload(admin, test, data), 422, "VALIDATION_ERROR")["errors"]) == ["picture"]
    assert QuestionPicture.objects.count() == 0
    assert not list(media.rglob("*.png"))


def test_pictures__when_key_or_file_is_wrong__then_422(admin):
    test = make_offer()
    assert list(error_of(upload(admin, test, png_bytes(), key="a/b"), 422, "VALIDATION_ERROR")["errors"]) == ["key"]
    path = f"/api/tests/{test.pk}/pictures"
    assert list(error_of(admin.upload(path, {"key": "a"}), 422, "VALIDATION_ERROR")["errors"]) == ["picture"]


def full_document(**more):
    return document(
        question("single_choice", "a", picture="p"), question("likert", "l1"),
        scales=[LIKERT_SCALE], pictures={"p": {"mime": "image/png", "alt": "Dot", "data_base64": PNG_1X1}},
        category={"slug": "tes-baru", "name": "Tes Baru"}, price=1250.5, duration_minutes=12,
        settings={"pass_percentage": 33.33, "shuffle_options": True}, **{"code": "DOC-1", **more},
    )  # fmt: skip


def test_import__when_exported_again__then_equal(admin):
    response = admin.post("/api/tests/import", full_document())
    made = data_of(response, 201)
    assert response.json()["message"] == "Test imported successfully"
    assert (made["code"], made["question_count"], made["category"]["slug"]) == ("DOC-1", 2, "tes-baru")
    exported = admin.get(f"/api/tests/{made['id']}/export")
    assert exported.json()["message"] == "Test exported successfully"
    first = data_of(exported)
    assert first["questions"][0]["answer_key"] == "b"
    second_id = data_of(admin.post("/api/tests/import", {**first, "code": "DOC-2"}), 201)["id"]
    assert data_of(admin.get(f"/api/tests/{second_id}/export")) == {**first, "code": "DOC-2"}
    replaced = data_of(admin.post("/api/tests/import?replace_bank=true", first))
    assert replaced["id"] == made["id"]
    assert data_of(admin.get(f"/api/tests/{made['id']}/export")) == first


def test_import__when_a_jpeg_comes_back__then_it_is_not_encoded_again(admin):
    test = make_offer()
    buffer = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").save(buffer, "JPEG", quality=95)
    data_of(upload(admin, test, buffer.getvalue()), 201)
    first = data_of(admin.get(f"/api/tests/{test.pk}/export"))
    data_of(admin.post("/api/tests/import?replace_bank=true", first))
    assert data_of(admin.get(f"/api/tests/{test.pk}/export")) == first
    assert QuestionPicture.objects.count() == 1


def test_import__when_the_code_exists__then_refused_unless_replacing(admin):
    made = data_of(admin.post("/api/tests/import", full_document()), 201)
    smaller = document(question("number", "n"), code="DOC-1", name="Renamed")
    body = error_of(admin.post("/api/tests/import", smaller), 422, "VALIDATION_ERROR")
    assert body["errors"] == {"code": ["The code has already been taken."]}
    replaced = data_of(admin.post("/api/tests/import?replace_bank=1", smaller))
    assert (replaced["id"], replaced["name"], replaced["question_count"]) == (made["id"], "Renamed", 1)
    assert data_of(admin.get(f"/api/tests/{made['id']}/pictures")) == []


def test_import__when_anything_is_wrong__then_nothing_is_stored(admin, media):
    bomb = base64.b64encode(png_bomb(60_000, 60_000)).decode()
    raw = full_document()
    raw["pictures"] |= {"q": {"mime": "image/png", "data_base64": bomb}}
    body = error_of(admin.post("/api/tests/import", raw), 422, "VALIDATION_ERROR")
    assert list(body["errors"]) == ["pictures.q.data_base64"]
    body = error_of(
        admin.post("/api/tests/import", document(question("ranking", answer_key=[]))), 422, "VALIDATION_ERROR"
    )
    assert body["errors"] == {"questions.0.answer_key": ["must name every option exactly once"]}
    assert (Test.objects.count(), list(media.rglob("*.png"))) == (0, [])


def test_import__when_the_database_fails_late__then_files_are_taken_back(admin, media, monkeypatch):
    def fail(test):
        raise RuntimeError

    monkeypatch.setattr("catalog.services.offers.bank_changed", fail)
    assert admin.post("/api/tests/import", full_document()).status_code == 500
    assert (Test.objects.count(), list(media.rglob("*.png"))) == (0, [])


def test_import__when_stored__then_the_picture_is_private(admin, media):
    data_of(admin.post("/api/tests/import", full_document()), 201)
    assert default_storage.exists(QuestionPicture.objects.get().file)


def test_schema__when_fetched_by_a_stranger__then_the_published_schema(api):
    response = api.get("/api/tests/schema")
    data = data_of(response)
    assert response.json()["message"] == "Schema retrieved successfully"
    assert (data["$schema"], data["title"]) == ("https://json-schema.org/draft/2020-12/schema", "cbt-test/1")
