"""Fixtures every test may use."""

import os

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache

from tests import flushing
from tests.support import Api


def pytest_collection_modifyitems(items):
    """Leave out of a run on PostgreSQL what brings its own SQLite: the run without services has it."""
    if os.environ.get("DATABASE_URL"):
        for item in items:
            if item.get_closest_marker("own_sqlite"):
                item.add_marker(pytest.mark.skip(reason="brings its own SQLite: unset DATABASE_URL"))


@pytest.fixture(scope="session", autouse=True)
def _quick_flushes():
    """Empty the database quickly after tests that commit."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        flushing.quick(monkeypatch)
        yield


@pytest.fixture(autouse=True)
def _fresh_counters():
    """Rate counters and caches start empty; so does what a process knows of content types, which a test may undo."""
    cache.clear()
    ContentType.objects.clear_cache()
    yield
    cache.clear()


@pytest.fixture
def api(db) -> Api:
    """A JSON client without credentials."""
    return Api()


@pytest.fixture
def media(settings, tmp_path):
    """Private files in a folder of this test's own."""
    from django.core.files.storage import storages

    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}},
    }
    storages._storages.clear()  # type: ignore[attr-defined]
    yield tmp_path
    storages._storages.clear()  # type: ignore[attr-defined]
