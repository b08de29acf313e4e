"""Files: what is taken in, who gets it back, and names that try to lead elsewhere."""

import io
from datetime import timedelta
from urllib.parse import quote

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts.states import Role
from accounts.tests.browsers import FOREIGN, browser
from cbt.faces.v1.tests.factories import api_of, make_named
from cbt.kernel import clock
from cbt.kernel.models import Upload
from tests.support import Api, error_of
from tests.world import png, upload

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
TRAVERSALS = [
    "../settings.py", "..%2fsettings.py", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%252f..%252fetc%252fpasswd",
    "..%5c..%5cx",
    "%00", "a%00.png", "/etc/passwd", "%2fetc%2fpasswd", "C:%5cwindows", "CON", "file.png.", "file.png%20",
    "%c0%ae%c0%ae%c0%af", "x" * 300, "..", ".", "%2e", "~root", "uploads", "a" * 32 + ".php", "A" * 32 + ".png",
    "0" * 32 + ".png%0a", "0" * 33 + ".png", "0" * 32 + ".png::$DATA",
    quote("\u2024\u2024\uff0fx"), "0" * 32 + ".png/../x",
]  # fmt: skip


def send(api, data, name="a.png", kind="image/png"):
    return api.upload("/v1/files/upload", {"file": SimpleUploadedFile(name, data, content_type=kind)})


def content(response):
    return b"".join(response.streaming_content)


def test_upload__then_a_random_name_and_a_signed_address(media):
    api = api_of()
    response = send(api, png(), name="../../My Face.png")
    assert response.status_code == 201
    body = response.json()
    assert set(body) == {"filename", "url"}
    assert len(body["filename"]) == 36
    assert body["url"].startswith(f"http://testserver/v1/files/{body['filename']}?signature=")
    assert [path.relative_to(media).as_posix() for path in media.rglob("*.png")] == [f"uploads/{body['filename']}"]


def test_download__when_owner_or_admin__then_the_file(media):
    api = api_of()
    path = f"/v1/files/{send(api, png()).json()['filename']}"
    for reader in (api, api_of(Role.SUPER_ADMIN)):
        response = reader.get(path)
        assert (response.status_code, response.headers["Content-Type"]) == (200, "image/png")
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "private, no-store"
        assert Image.open(io.BytesIO(content(response))).size == (8, 8)


def test_download__when_a_stranger__then_as_if_it_did_not_exist(media):
    name = send(api_of(), png()).json()["filename"]
    for reader in (Api(), api_of(), api_of(Role.INSTRUCTOR)):
        answers = [error_of(reader.get(f"/v1/files/{one}"), 404, "NOT_FOUND") for one in (name, "0" * 32 + ".png")]
        assert answers[0]["message"] == answers[1]["message"]
    error_of(Api("garbage").get(f"/v1/files/{name}"), 404, "NOT_FOUND")  # as without one: a signature may open it


def test_download__when_signed__then_for_ten_minutes_and_this_file_only(media):
    api = api_of()
    one, other = send(api, png()).json(), send(api, png("blue")).json()
    path = one["url"].removeprefix("http://testserver")
    assert content(Api().get(path)).startswith(b"\x89PNG")
    error_of(Api().get(path + "x"), 404, "NOT_FOUND")
    error_of(Api().get(f"/v1/files/{other['filename']}?{path.partition('?')[2]}"), 404, "NOT_FOUND")
    with time_machine.travel(clock.now() + timedelta(minutes=11), tick=False):
        error_of(Api().get(path), 404, "NOT_FOUND")


def test_upload__when_a_pdf__then_only_as_a_download(media):
    api = api_of()
    name = send(api, PDF, "a.pdf", "application/pdf").json()["filename"]
    response = api.get(f"/v1/files/{name}")
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert content(response) == PDF


@pytest.mark.parametrize(
    "data",
    [b"", b"<html><script>alert(1)</script>", b"%PDF-1.4 cut off", b"GIF89a" + b"\0" * 20, b"MZ" + b"\0" * 50,
     b'<svg xmlns="http://www.w3.org/2000/svg"/>', png()[:40], b"PK\x03\x04" + b"\0" * 30],
)  # fmt: skip
def test_upload__when_the_content_is_something_else__then_422_whatever_the_name(media, data):
    error_of(send(api_of(), data), 422, "VALIDATION_ERROR")
    assert Upload.objects.count() == 0
    assert list(media.rglob("*.*")) == []


def test_upload__when_a_picture_hides_something__then_it_does_not_survive(media):
    api = api_of()
    name = send(api, png() + b"<?php system($_GET[0]); ?>").json()["filename"]
    assert b"php" not in content(api.get(f"/v1/files/{name}"))


def test_upload__when_too_large__then_refused(media):
    api = api_of()
    error_of(send(api, PDF + b" " * (10 * 1024 * 1024) + b"%%EOF"), 422, "VALIDATION_ERROR")
    error_of(send(api, b" " * (10 * 1024 * 1024 + 70_000)), 413, "PAYLOAD_TOO_LARGE")


def test_upload__when_there_is_no_file_or_no_login__then_refused(media):
    error_of(api_of().upload("/v1/files/upload", {"file": "text"}), 422, "VALIDATION_ERROR")
    error_of(api_of().upload("/v1/files/upload", {}), 422, "VALIDATION_ERROR")
    error_of(Api().upload("/v1/files/upload", {"file": upload()}), 401, "UNAUTHENTICATED")


@pytest.mark.parametrize("name", TRAVERSALS)
def test_download__when_the_name_leads_elsewhere__then_404(media, name):
    (media.parent / "settings.py").write_text("sentinel")
    response = api_of(Role.SUPER_ADMIN).get(f"/v1/files/{name}")
    assert response.status_code in {400, 404}
    assert response.headers["Content-Type"] == "application/json"
    assert b"sentinel" not in response.content


def test_upload__when_by_cookie__then_only_from_a_page_of_ours(media):
    api = browser(make_named())
    assert send(api, png()).status_code == 201
    api.headers["Origin"] = FOREIGN
    error_of(send(api, png()), 403, "CSRF_FAILED")
    assert Upload.objects.count() == 1
