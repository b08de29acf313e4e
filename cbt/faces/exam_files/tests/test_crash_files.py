"""kill -9 while 16 writers save one attempt: every file is a whole state, no older than what was acknowledged."""

import json
import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection

from accounts.tests.factories import make_user
from catalog.tests.builders import question
from cbt.faces.exam_files.tests.factories import attempt_of, exam_document, put_exam
from sessions_app.services.sessions import session_token

WRITERS = 16
WRITER = "cbt.faces.exam_files.tests.crash"
KILLS = int(os.environ.get("CRASH_FILE_KILLS", "40"))


@pytest.mark.server
@pytest.mark.timeout(3600)
@pytest.mark.django_db(transaction=True)
def test_kill__when_sixteen_writers_save_one_attempt__then_no_file_is_torn_and_nothing_acknowledged_is_missing(
    tree_root,
):
    questions = [question("number", f"w{index}", answer_key=1) for index in range(WRITERS)]
    put_exam("crash", exam_document(*questions))
    session = attempt_of(make_user(), "crash")
    environment = {**os.environ, "TEST_DATA_DIR": str(tree_root.parent)}
    environment.pop("PYTHONPATH", None)
    name = str(connection.settings_dict["NAME"])
    connection.close()
    done = subprocess.run(
        [sys.executable, "-m", WRITER, name, str(session.pk), session_token(session), str(KILLS)],
        cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False, timeout=3500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["faults"] == []
    assert told["is_equal"] is True
    assert sum(told["kills"].values()) >= KILLS * 0.9, (told, done.stderr[-3000:])
    assert len(told["kills"]) == 8
    assert told["acknowledged"] > 0
