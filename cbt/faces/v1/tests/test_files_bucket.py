"""Files in a bucket: the same answers as from a folder, by the settings a server would start with.

Runs where the extra is installed (`make install-s3`) and something that speaks S3 is there, and is skipped elsewhere:

    moto_server -H 127.0.0.1 -p 5000 &
    S3_TEST_ENDPOINT_URL=http://127.0.0.1:5000 pytest cbt/faces/v1/tests/test_files_bucket.py
"""

import json
import os
import subprocess
import sys
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.states import Role
from cbt.faces.v1.tests.factories import api_of
from cbt.kernel import clock
from tests.support import Api, error_of
from tests.world import png

ENDPOINT = os.environ.get("S3_TEST_ENDPOINT_URL", "")
boto3 = pytest.importorskip("boto3")
pytestmark = [pytest.mark.django_db, pytest.mark.skipif(not ENDPOINT, reason="S3_TEST_ENDPOINT_URL names no server")]
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n%%EOF\n"


@pytest.fixture
def bucket(settings, tmp_path):
    """An empty bucket, and the storage the server's own settings make of it."""
    name = f"files-{uuid.uuid4().hex[:12]}"
    given = {
        "S3_BUCKET": name, "S3_ENDPOINT_URL": ENDPOINT, "S3_REGION": "us-east-1", "S3_ACCESS_KEY_ID": "test",
        "S3_SECRET_ACCESS_KEY": "test", "DJANGO_SETTINGS_MODULE": "cbt.settings", "DATA_DIR": str(tmp_path),
        "READ_DOT_ENV": "0", "PATH": os.environ["PATH"],
    }  # fmt: skip
    code = "import json; from django.conf import settings; print(json.dumps(settings.STORAGES))"
    made = subprocess.run([sys.executable, "-c", code], env=given, capture_output=True, check=True, timeout=60)
    there = boto3.resource(
        "s3", endpoint_url=ENDPOINT, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )  # fmt: skip
    there.create_bucket(Bucket=name)
    settings.STORAGES = json.loads(made.stdout)
    storages._storages.clear()
    yield there.Bucket(name)
    storages._storages.clear()


def content(response):
    return b"".join(response.streaming_content)


def test_file__when_kept_in_a_bucket__then_private_signed_and_gone_with_its_object(bucket):
    owner, stranger, admin = api_of(), api_of(), api_of(Role.SUPER_ADMIN)
    for data, name, kind in ((png(), "a.png", "image/png"), (PDF, "../a.pdf", "application/pdf")):
        sent = owner.upload("/v1/files/upload", {"file": SimpleUploadedFile(name, data, content_type=kind)})
        body = sent.json()
        assert (sent.status_code, set(body)) == (201, {"filename", "url"})
        path, address = f"/v1/files/{body['filename']}", body["url"].removeprefix("http://testserver")
        stored = bucket.Object(f"uploads/{body['filename']}").get()["Body"].read()
        for reader, where in ((owner, path), (admin, path), (Api(), address)):
            answer = reader.get(where)
            assert (answer.status_code, answer["Content-Type"], content(answer)) == (200, kind, stored)
            assert answer["Cache-Control"] == "private, no-store"
        for reader, where in ((stranger, path), (Api(), path), (Api(), address[:-1])):
            error_of(reader.get(where), 404, "NOT_FOUND")
        with time_machine.travel(clock.now() + timedelta(minutes=11)):
            error_of(Api().get(address), 404, "NOT_FOUND")
    assert len(list(bucket.objects.all())) == 2
    assert all(len(one.Acl().grants) == 1 for one in bucket.objects.all())  # its owner's, and nobody else's
    bucket.Object(f"uploads/{body['filename']}").delete()
    error_of(owner.get(path), 404, "NOT_FOUND")
