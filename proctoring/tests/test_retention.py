"""Photos that are old, files nobody refers to, and their command."""

import io
import os
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.management import call_command

from anticheat.tests.factories import make_sitting
from cbt.kernel import clock, jobs, storage
from proctoring.models import Photo
from proctoring.services import retention
from proctoring.services.photos import FOLDER, photo_capture
from proctoring.services.retention import Swept, orphans_sweep, photos_purge
from proctoring.tests.pictures import encoded
from sessions_app.models import SessionEvent
from tests.support import data_of, run_jobs

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def ticking():
    with time_machine.travel(START, tick=False) as moved:
        yield moved


def two_photos(ticking):
    """One photo of day 0 and one of day 10, of a session without a time limit."""
    sitting = make_sitting(duration_minutes=0)
    made = []
    for _ in range(2):
        made.append(photo_capture(token=sitting.token, data=encoded(), now=clock.now(), ip="198.51.100.7").photo)
        ticking.shift(timedelta(days=9))
    return sitting, made


def exists(photo):
    return storage.default_storage.exists(photo.path)


def aged(media, name, days):
    """A file in the photo folder, last written so many days before START."""
    path = media / FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    at = (START - timedelta(days=days)).timestamp()
    os.utime(path, (at, at))
    return path


def test_purge__when_a_photo_is_older__then_file_and_address_go_and_the_row_stays(api, ticking):
    sitting, (old, young) = two_photos(ticking)
    swept = photos_purge(now=START + timedelta(days=90, seconds=1), days=90)
    assert swept == Swept(1, old.size_bytes, 0)
    assert (exists(old), exists(young)) == (False, True)
    old.refresh_from_db()
    assert (old.deleted_at, old.ip, len(old.sha256)) == (START + timedelta(days=90, seconds=1), None, 64)
    event = SessionEvent.objects.filter(kind="photo_taken").order_by("seq").first()
    assert event.payload["sha256"] == old.sha256
    assert [row["id"] for row in data_of(api.get(f"{sitting.path}/photos"))] == [young.pk]


def test_purge__when_exactly_as_old_as_allowed__then_kept(ticking):
    two_photos(ticking)
    assert photos_purge(now=START + timedelta(days=90), days=90) == Swept()


def test_purge__when_run_twice__then_nothing_more(ticking):
    two_photos(ticking)
    now = START + timedelta(days=95)
    assert photos_purge(now=now, days=90).files == 1
    assert photos_purge(now=now, days=90) == Swept()


def test_purge__when_killed_between_file_and_row__then_taken_up_again(ticking):
    _, (old, _) = two_photos(ticking)
    storage.delete(old.path)
    assert photos_purge(now=START + timedelta(days=95), days=90).files == 1
    old.refresh_from_db()
    assert old.deleted_at is not None


def test_purge__when_one_file_cannot_be_removed__then_the_others_are(ticking, monkeypatch):
    _, (first, second) = two_photos(ticking)
    remove = storage.delete

    def stubborn(name):
        if name == first.path:
            raise PermissionError(name)
        remove(name)

    monkeypatch.setattr(storage, "delete", stubborn)
    assert photos_purge(now=START + timedelta(days=200), days=90) == Swept(1, second.size_bytes, 1)
    assert list(Photo.objects.filter(deleted_at__isnull=True)) == [first]


def test_purge__when_more_than_a_batch__then_all(ticking, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 1)
    two_photos(ticking)
    assert photos_purge(now=START + timedelta(days=200), days=90).files == 2


@pytest.mark.parametrize("days", [0, -1])
def test_purge__when_days_are_none__then_kept_for_ever(ticking, days):
    two_photos(ticking)
    assert photos_purge(now=START + timedelta(days=9999), days=days) == Swept()


def test_orphans__when_no_row_refers_to_an_old_file__then_removed(media, ticking):
    _, (kept, _) = two_photos(ticking)
    aged(media, kept.path.rsplit("/", 1)[1], 30)
    stray, fresh = aged(media, "stray.jpg", 1.01), aged(media, "fresh.jpg", 0.99)
    assert orphans_sweep(now=START) == Swept(1)
    assert (stray.exists(), fresh.exists(), exists(kept)) == (False, True, True)


def test_orphans__when_the_row_was_purged__then_its_file_is_one(media, ticking):
    _, (old, _) = two_photos(ticking)
    photos_purge(now=START + timedelta(days=95), days=90)
    again = aged(media, old.path.rsplit("/", 1)[1], 2)
    assert orphans_sweep(now=START).files == 1
    assert not again.exists()


def test_orphans__when_there_is_no_folder__then_nothing():
    assert orphans_sweep(now=START) == Swept()


def test_command__when_dry__then_counts_and_removes_nothing(media, ticking):
    two_photos(ticking)
    stray = aged(media, "stray.jpg", 5)
    ticking.move_to(START + timedelta(days=200))
    size = sum(Photo.objects.values_list("size_bytes", flat=True))
    out = io.StringIO()
    call_command("purge_photos", "--dry-run", stdout=out)
    assert (
        out.getvalue() == f"2 photos ({size} bytes) older than 90 days and 1 stray files would be removed; 0 failed\n"
    )
    assert stray.exists()
    assert not Photo.objects.filter(deleted_at__isnull=False).exists()
    call_command("purge_photos", "--days", "195", stdout=out)
    assert Photo.objects.filter(deleted_at__isnull=False).count() == 1
    assert not stray.exists()


def test_job__when_due__then_it_runs_from_the_periodic_table(ticking):
    two_photos(ticking)
    ticking.move_to(START + timedelta(days=95))
    assert "proctoring.purge_photos" in [row.name for row in jobs.periodic_table()]
    jobs.enqueue("proctoring.purge_photos")
    assert run_jobs() == 1
    assert Photo.objects.filter(deleted_at__isnull=False).count() == 1
