"""Where files are kept is a setting; a bucket without its package is refused at the start."""

import os
import subprocess
import sys

import pytest


def start(tmp_path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"], "READ_DOT_ENV": "0", "DATA_DIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1",
        "DJANGO_SETTINGS_MODULE": "cbt.settings", **more,
    }  # fmt: skip
    code = "from django.conf import settings; print(settings.STORAGES['default']['BACKEND'])"
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)


def test_files__when_no_bucket_is_named__then_in_a_folder(tmp_path):
    assert start(tmp_path).stdout.strip() == "django.core.files.storage.FileSystemStorage"


def test_files__when_a_bucket_is_named_without_its_package__then_refused(tmp_path):
    try:
        import storages  # noqa: F401
    except ImportError:
        done = start(tmp_path, S3_BUCKET="exams")
        assert done.returncode != 0
        assert "make install-s3" in done.stderr
    else:
        pytest.skip("the package is installed")
