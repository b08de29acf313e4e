"""What `make vision-check` made. Without it these tests are skipped: the suite stays quick and needs no extra."""

import os

import pytest
from django.test import override_settings

from cbt.faces.v1.tests.vision import models
from proctoring.services import vision


@pytest.fixture(scope="session")
def folder():
    """The folder with both models."""
    if not os.environ.get("VISION_CHECK"):
        pytest.skip("the real reader is tried by: make vision-check")
    assert (models.FOLDER / models.NUMBERS).is_file()
    return models.FOLDER


@pytest.fixture
def reader(folder):
    """The real reader, on models of drawn people."""
    with override_settings(FACE_MODELS=str(folder), FACE_MATCHER=""):
        assert vision.is_installed()
        yield vision.DlibFaces()


@pytest.fixture(scope="session", autouse=True)
def _ended():
    yield
    vision._child.stop()
