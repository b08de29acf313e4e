"""What the cookie frontend's page prints, where nothing else shows it: files, errors, times, pages, its test user.

Required Implementation (the cookie and what it opens): `accounts/tests/test_cookies.py`; CORS: `test_csrf`; the page
form of every list: `test_flat_pages`; API Breaking Changes: `test_versions`.
"""

from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from accounts.states import Role
from accounts.tests.browsers import FOREIGN, OURS, browser
from accounts.tests.factories import make_user
from catalog.services.demo import load_demo_tests
from catalog.tests.builders import question
from cbt.ops.demo_people import load_demo_people
from commerce.tests.factories import make_order
from sessions_app.tests.factories import make_bank_test
from tenants.tests.factories import make_company, make_tenant_admin
from tests.printed import MOMENT, fits
from tests.support import Api, error_of
from tests.world import png

pytestmark = pytest.mark.django_db
MEBI = 1024 * 1024
CSV = b"name,email\nSiti,siti@example.com\n"


@dataclass(frozen=True)
class Upload:
    """A form with a file. ok: what is taken.  status: then.  wrong: of another type.  limit: bytes of a request."""

    path: str
    field: str
    ok: bytes
    wrong: bytes
    status: int
    limit: int
    more: dict[str, Any]


def proof():
    user = make_user()
    path = f"/api/transactions/{make_order(user).pk}/payment/upload-proof"
    return user, Upload(path, "proof_file", png(), b"<html>", 200, 20 * MEBI, {})


def people():
    upload = Upload("/api/participants/import-preview", "file", CSV, b"\x7fELF" + b"\0" * 99, 200, 10 * MEBI, {})
    return make_tenant_admin(make_company()), upload


def picture():
    test = make_bank_test(question("single_choice", "q1"))
    upload = Upload(f"/api/tests/{test.pk}/pictures", "picture", png(), b"GIF89a", 201, 3 * MEBI, {"key": "p1"})
    return make_user(Role.SUPER_ADMIN), upload


def send(api, upload, data, name="a.png"):
    return api.upload(upload.path, {upload.field: SimpleUploadedFile(name, data), **upload.more})


def stored(media):
    return sorted(path.relative_to(media).as_posix() for path in Path(media).rglob("*") if path.is_file())


@pytest.mark.parametrize("kind", [proof, people, picture], ids=lambda kind: kind.__name__)
def test_upload__when_by_cookie__then_limits_types_names_and_origins_hold(kind, media):
    """Coordination point 3."""
    user, upload = kind()
    api = browser(user)
    for origin in (FOREIGN, "null"):
        api.headers["Origin"] = origin
        error_of(send(api, upload, upload.ok), 403, "CSRF_FAILED")
    api.headers["Origin"] = OURS
    too_large = send(api, upload, b"0" * (upload.limit + 1))
    assert error_of(too_large, 413, "PAYLOAD_TOO_LARGE")["details"] == {"max_bytes": upload.limit}
    assert too_large["Access-Control-Allow-Origin"] == OURS, "or the frontend's script could not read it"
    wrong = send(api, upload, upload.wrong)
    assert upload.field in error_of(wrong, 422, wrong.json()["error_code"])["errors"]
    missing = api.upload(upload.path, upload.more)
    text = api.upload(upload.path, {upload.field: "x", **upload.more})
    for response in (missing, text):
        assert upload.field in error_of(response, 422, "VALIDATION_ERROR")["errors"]
    assert stored(media) == []
    for name in ("../../../escaped.png", "..\\..\\escaped.png", "/etc/escaped.png", "CON", "a%2f..%2fescaped.png"):
        name = name if kind is not people else f"{name}.csv"
        response = send(api, upload, upload.ok, name)
        assert response.status_code == upload.status, response.content
    assert [path for path in stored(media.parent) if "escaped" in path or "CON" in path] == []


def test_errors__then_error_message_and_details_whoever_answers():
    """Coordination point 1: ``{ error: string, message: string, details?: any }``."""
    api = browser(make_user())
    answers = [
        api.get("/api/nowhere"), api.get("/nowhere"), api.get("/api/users"), api.patch("/api/auth/me", {}),
        api.patch("/api/profile/update", raw=b"{"), api.patch("/api/profile/update", {"phone": "x" * 999}),
        Api().get("/api/auth/me"), api.post("/api/auth/login", {"email": "a@example.com", "password": "wrong"}),
        api.get("/api/auth/me", headers={"Host": "rebound.example"}),
    ]  # fmt: skip
    assert [one.status_code for one in answers] == [404, 404, 403, 405, 400, 422, 401, 401, 400]
    for one in answers:
        body = error_of(one, one.status_code, one.json()["error_code"])
        fits({name: body[name] for name in ("error", "message", "details")},
             {"error": str, "message": str, "details": dict}, str(body))  # fmt: skip


def test_times__then_iso_8601_in_utc():
    """Coordination point 2."""
    user = make_user()
    api = browser(user)
    make_order(user)
    fits(api.get("/api/auth/me").json()["data"]["email_verified_at"], MOMENT, "email_verified_at")
    (order,) = api.get("/api/transactions?limit=5").json()["data"]
    fits(order["created_at"], MOMENT, "created_at")


def test_shared_test_data__then_the_printed_user_signs_in_and_reaches_what_is_protected(settings, media):
    """Testing Coordination; "login -> protected endpoint"."""
    settings.EMBEDDED = True
    call_command("seed", stdout=StringIO())
    load_demo_tests()
    load_demo_people()
    api = browser()
    response = api.post("/api/auth/login", {"email": "test@example.com", "password": "TestPass123!"})
    assert response.status_code == 200
    assert api.get("/api/auth/me").json()["data"]["name"] == "Test User"
