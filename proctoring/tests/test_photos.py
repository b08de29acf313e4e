"""Taking photos in, showing them, and who may not."""

import hashlib
import io
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.conf import settings as project
from django.db import DatabaseError
from django.urls import reverse
from PIL import Image

from accounts.states import Role
from accounts.tests.factories import make_user
from anticheat.models import CheatDetection
from anticheat.tests.factories import BROWSER, HOME_IP, make_sitting
from cbt.kernel import storage
from proctoring.models import Photo
from proctoring.services import photos
from proctoring.tests.pictures import SCRIPT, encoded, padded, upload, with_exif
from sessions_app.models import ExamSession, SessionEvent
from sessions_app.services.sessions import session_pause
from tenants.tests.factories import make_company, make_tenant_admin
from tests.support import PAGE_KEYS, counted_queries, data_of, error_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def ticking():
    with time_machine.travel(START, tick=False) as clock:
        yield clock


def capture(api, sitting, data=None, **kwargs):
    return api.upload(f"{sitting.path}/photo/capture", upload(encoded() if data is None else data, **kwargs))


def fetch(api, url):
    """Status and bytes behind a photo's URL."""
    response = api.get(url.removeprefix("http://testserver"))
    content = b"".join(response.streaming_content) if response.streaming else response.content
    response.close()
    return response.status_code, content


def files(media):
    return sorted(path.name for path in media.rglob("*") if path.is_file())


def test_capture__when_photo_is_good__then_contract_answer_row_event_and_file(api, media):
    sitting = make_sitting()
    body = capture(api, sitting).json()
    photo = Photo.objects.get()
    url = body["data"]["photo"].pop("url")
    assert body == {
        "success": True, "message": "Photo captured successfully", "status_code": 200,
        "data": {
            "photo": {"id": photo.pk, "captured_at": "2026-03-02T09:00:00Z"},
            "server_time": "2026-03-02T09:00:00Z", "remaining_seconds": 3600,
        },
    }  # fmt: skip
    assert url.startswith("http://testserver/storage/test-sessions/photos/")
    stored = storage.read(photo.path)
    assert (photo.number, photo.mime, photo.width, photo.height) == (1, "image/jpeg", 64, 48)
    assert (photo.size_bytes, photo.sha256) == (len(stored), hashlib.sha256(stored).hexdigest())
    assert SessionEvent.objects.get(kind="photo_taken").payload == {
        "photo_id": photo.pk, "number": 1, "sha256": photo.sha256, "size_bytes": len(stored), "width": 64,
        "height": 48,
    }  # fmt: skip
    assert files(media) == [photo.path.rsplit("/", 1)[1]]


def test_capture__when_fetched_by_its_url__then_the_stored_bytes_without_sniffing(api):
    url = data_of(capture(api, make_sitting()))["photo"]["url"]
    response = api.get(url.removeprefix("http://testserver"))
    assert response.status_code == 200
    assert b"".join(response.streaming_content) == storage.read(Photo.objects.get().path)
    response.close()
    assert response["Content-Type"] == "image/jpeg"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda url: url.split("?")[0],
        lambda url: url[:-1] + ("A" if url[-1] != "A" else "B"),
        lambda url: url.replace("signature=", "signature=0"),
        lambda url: url.replace(".jpg?", ".png?"),
        lambda url: url.split("?")[0] + "?signature=",
    ],
)
def test_url__when_unsigned_or_tampered__then_404(api, spoil):
    url = data_of(capture(api, make_sitting()))["photo"]["url"].removeprefix("http://testserver")
    assert fetch(api, url)[0] == 200
    error_of(api.get(spoil(url)), 404, "NOT_FOUND")


def test_url__when_of_another_photo__then_404(api):
    sitting = make_sitting()
    one, other = (data_of(capture(api, sitting))["photo"]["url"] for _ in range(2))
    mixed = one.split("?")[0] + "?" + other.split("?")[1]
    error_of(api.get(mixed.removeprefix("http://testserver")), 404, "NOT_FOUND")


def test_url__when_ten_minutes_have_passed__then_404(api, ticking):
    url = data_of(capture(api, make_sitting()))["photo"]["url"].removeprefix("http://testserver")
    ticking.shift(timedelta(seconds=600))
    assert fetch(api, url)[0] == 200
    ticking.shift(timedelta(seconds=2))
    error_of(api.get(url), 404, "NOT_FOUND")


def test_list__when_taker_asks__then_oldest_first_with_contract_keys(api, ticking):
    sitting = make_sitting()
    data_of(capture(api, sitting))
    ticking.shift(timedelta(seconds=40))
    data_of(capture(api, sitting))
    body = api.get(f"{sitting.path}/photos").json()
    assert body["message"] == "Photos retrieved successfully"
    assert body["remaining_seconds"] == 3560
    assert [set(row) for row in body["data"]] == [{"id", "url", "captured_at"}] * 2
    assert [row["captured_at"] for row in body["data"]] == ["2026-03-02T09:00:00Z", "2026-03-02T09:00:40Z"]
    assert all(row["url"].startswith("http://testserver/storage/test-sessions/photos/") for row in body["data"])
    error_of(api.get("/api/test-session/SESSION-NOBODY/photos"), 404, "NOT_FOUND")


def test_list__when_long__then_no_more_statements(api):
    few, many = make_sitting(), make_sitting()
    for sitting, count in ((few, 2), (many, 20)):
        for number in range(count):
            Photo.objects.create(
                session=sitting.session, number=number + 1, path=f"{sitting.session.pk}-{number}", mime="image/jpeg",
                size_bytes=1, width=1, height=1, sha256="0" * 64, captured_at=START,
            )  # fmt: skip
    with counted_queries() as short:
        data_of(api.get(f"{few.path}/photos"))
    with counted_queries() as long:
        assert len(data_of(api.get(f"{many.path}/photos"))) == 20
    assert len(short) == len(long) == 2


def test_capture__when_many_are_stored__then_as_few_statements_as_at_first(api):
    sitting = make_sitting()
    counts = []
    for _ in range(5):
        with counted_queries() as statements:
            data_of(capture(api, sitting))
        counts.append(len(statements))
    assert counts[0] == counts[-1] <= 7, "\n".join(statements)


def test_capture__when_field_is_missing_or_text__then_422(api):
    path = f"{make_sitting().path}/photo/capture"
    wanted = {"photo": ["The photo field is required."]}
    assert error_of(api.upload(path, {}), 422, "VALIDATION_ERROR")["errors"] == wanted
    assert error_of(api.upload(path, {"photo": "text"}), 422, "VALIDATION_ERROR")["errors"] == wanted
    assert error_of(api.post(path, {"photo": "aGk="}), 422, "VALIDATION_ERROR")["errors"] == wanted


def test_capture__when_multipart_is_broken__then_400(api):
    response = api.post(
        f"{make_sitting().path}/photo/capture", raw=b"--x\r\nnonsense", content_type="multipart/form-data"
    )
    error_of(response, 400, "INVALID_PAYLOAD")


def test_capture__when_token_is_unknown__then_404_and_nothing_is_decoded(api, monkeypatch):
    monkeypatch.setattr(storage, "reencode_picture", lambda *_, **__: pytest.fail("decoded"))
    error_of(api.upload("/api/test-session/SESSION-NOBODY/photo/capture", upload(encoded())), 404, "NOT_FOUND")


def test_capture__when_banned__then_403_with_the_contract_text_and_no_file(api, media):
    sitting = make_sitting()
    data_of(api.post(f"{sitting.path}/cheat/log", {"detection_type": "tab_switch", "severity": 5}))
    body = error_of(capture(api, sitting), 403, "BANNED")
    assert body["message"] == "You have been banned from taking tests"
    assert files(media) == []


def test_capture__when_submitted_or_late__then_400_and_no_file(api, media, ticking):
    done, late = make_sitting(), make_sitting()
    data_of(api.post(f"{done.path}/submit"))
    assert error_of(capture(api, done), 400, "SESSION_NOT_IN_PROGRESS")["message"] == "Session is not in progress"
    ticking.shift(timedelta(seconds=3631))
    error_of(capture(api, late), 400, "SESSION_NOT_IN_PROGRESS")
    assert late.fresh().status == "completed"
    assert files(media) == []


def test_capture__when_paused__then_400(api, media):
    sitting = make_sitting()
    session_pause(session=ExamSession.objects.get(), reason="x", now=START)
    error_of(capture(api, sitting), 400, "SESSION_PAUSED")
    assert files(media) == []


def test_capture__when_session_ends_while_decoding__then_refused_and_file_removed(api, media, monkeypatch):
    sitting = make_sitting()
    decode = storage.reencode_picture

    def submit_meanwhile(*args, **kwargs):
        data_of(api.post(f"{sitting.path}/submit"))
        return decode(*args, **kwargs)

    monkeypatch.setattr(storage, "reencode_picture", submit_meanwhile)
    error_of(capture(api, sitting), 400, "SESSION_NOT_IN_PROGRESS")
    assert (files(media), Photo.objects.count()) == ([], 0)


def test_capture__when_the_transaction_fails__then_file_removed_and_no_row(api, media, monkeypatch):
    def fail(**_):
        raise DatabaseError("full disk")

    monkeypatch.setattr(photos, "event_append", fail)
    assert capture(api, make_sitting()).status_code == 500
    assert (files(media), Photo.objects.count()) == ([], 0)


def test_capture__when_limit_is_reached__then_429_with_retry_after_and_no_file(api, media, settings):
    settings.PHOTOS_PER_SESSION = 2
    sitting = make_sitting()
    for _ in range(2):
        data_of(capture(api, sitting))
    response = capture(api, sitting)
    error_of(response, 429, "LIMIT_REACHED")
    assert response["Retry-After"] == "3600"
    assert len(files(media)) == Photo.objects.count() == 2


def test_capture__when_thirteen_in_a_minute__then_rate_limited(api):
    sitting = make_sitting()
    for _ in range(12):
        data_of(capture(api, sitting))
    error_of(capture(api, sitting), 429, "RATE_LIMITED")


def test_capture__when_from_another_browser__then_noticed_with_the_photo_kept(api):
    sitting = make_sitting(ip=HOME_IP, user_agent=BROWSER)
    api.client.defaults |= {"REMOTE_ADDR": HOME_IP, "HTTP_USER_AGENT": "Chrome/140"}
    data_of(capture(api, sitting))
    row = CheatDetection.objects.get()
    assert (row.detection_type, row.severity, row.source) == ("multiple_devices", 3, "server")
    assert Photo.objects.get().ip == HOME_IP


def test_capture__when_exif_is_in_it__then_gone_and_picture_upright(api):
    data_of(capture(api, make_sitting(), with_exif()))
    stored = storage.read(Photo.objects.get().path)
    with Image.open(io.BytesIO(stored)) as image:
        assert dict(image.getexif()) == {}
        assert image.size == (48, 64)
    assert b"SECRET" not in stored


def test_capture__when_html_follows_the_picture__then_the_tail_is_not_stored(api):
    sent = encoded() + SCRIPT
    data_of(capture(api, make_sitting(), sent))
    stored = storage.read(Photo.objects.get().path)
    assert b"SECRET-TAIL" not in stored
    assert b"<script>" not in stored
    assert stored != sent


def test_capture__when_html_is_in_the_comment__then_gone(api):
    data_of(capture(api, make_sitting(), encoded(comment=SCRIPT)))
    assert b"SECRET-TAIL" not in storage.read(Photo.objects.get().path)


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (encoded("PNG"), "image/png"),
        (encoded("PNG", mode="P"), "image/png"),
        (encoded("PNG", mode="RGBA"), "image/png"),
        (encoded("PNG", mode="I;16"), "image/png"),
        (encoded("JPEG", mode="L"), "image/jpeg"),
        (encoded("JPEG", mode="CMYK"), "image/jpeg"),
        (encoded("JPEG", progressive=True), "image/jpeg"),
    ],
    ids=["png", "palette", "alpha", "16 bit", "grey", "cmyk", "progressive"],
)
def test_capture__when_any_kind_of_jpeg_or_png__then_taken(api, data, mime):
    data_of(capture(api, make_sitting(), data, name="blob", content_type="application/octet-stream"))
    photo = Photo.objects.get()
    assert photo.mime == mime
    with Image.open(io.BytesIO(storage.read(photo.path))) as image:
        assert image.mode in {"RGB", "RGBA"}


def test_capture__when_size_is_2048_kb__then_taken_and_one_byte_more_not(api):
    limit = 2048 * 1024
    data_of(capture(api, make_sitting(), padded(encoded(), limit)))
    body = error_of(capture(api, make_sitting(), padded(encoded(), limit + 1)), 422, "VALIDATION_ERROR")
    assert body["errors"] == {"photo": ["The photo must not be greater than 2048 kilobytes."]}


def test_staff__when_own_company__then_page_with_signed_urls(api):
    company = make_company()
    sitting = make_sitting(company=company)
    data_of(capture(api, sitting))
    photo = Photo.objects.get()
    page = data_of(api.as_(make_tenant_admin(company)).get(f"/api/test-sessions/{sitting.session.pk}/photos"))
    assert set(page) == PAGE_KEYS
    [row] = page["data"]
    url = row.pop("url")
    assert row == {
        "id": photo.pk, "number": 1, "captured_at": "2026-03-02T09:00:00Z", "mime": "image/jpeg",
        "size_bytes": photo.size_bytes, "width": 64, "height": 48, "sha256": photo.sha256, "deleted_at": None,
    }  # fmt: skip
    assert fetch(api, url)[0] == 200


def test_staff__when_stranger_nobody_or_buyer__then_404_401_403(api):
    sitting = make_sitting()
    data_of(capture(api, sitting))
    path = f"/api/test-sessions/{sitting.session.pk}/photos"
    error_of(api.as_(make_tenant_admin()).get(path), 404, "NOT_FOUND")
    error_of(api.get(path), 401, "UNAUTHENTICATED")
    error_of(api.as_(make_user(Role.PUBLIC_USER)).get(path), 403, "FORBIDDEN")
    assert data_of(api.as_(make_user(Role.SUPER_ADMIN)).get(path))["total"] == 1


def test_admin__when_opened__then_thumbnail_by_signed_address_and_nothing_to_write(api, client):
    data_of(capture(api, make_sitting()))
    photo = Photo.objects.get()
    client.force_login(make_user(Role.SUPER_ADMIN))
    page = client.get(reverse("admin:proctoring_photo_changelist")).content.decode()
    assert f'<img src="/storage/{photo.path}?signature=' in page
    assert client.get(reverse("admin:proctoring_photo_change", args=[photo.pk])).status_code == 200
    assert client.post(reverse("admin:proctoring_photo_change", args=[photo.pk]), {}).status_code == 403
    assert client.get(reverse("admin:proctoring_photo_add")).status_code == 403
    assert client.post(reverse("admin:proctoring_photo_delete", args=[photo.pk])).status_code == 403


def test_settings__then_limits_are_the_houses():
    assert (project.PHOTOS_PER_SESSION, project.PHOTO_RETENTION_DAYS) == (600, 90)
