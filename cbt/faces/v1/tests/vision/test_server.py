"""Faces through HTTP on the started server, with the real reader (`make vision-check`)."""

import http.client
import json
import signal
import statistics
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from cbt.faces.v1.tests.factories import body
from cbt.faces.v1.tests.vision import models
from cbt.faces.v1.tests.vision.drawing import encoded, picture, side_by_side
from cbt.faces.v1.tests.vision.test_reader import told, two_people
from proctoring.services.vision import DlibFaces
from tests.live_client import Client as Live
from tests.server_process import ServerProcess

pytestmark = [pytest.mark.server, pytest.mark.own_sqlite, pytest.mark.timeout(300)]
ME = models.UNSEEN
ENROLL, CHECK_IN = "/v1/attendance/enroll", "/v1/attendance/check-in"


@contextmanager
def started(data_dir, models_dir):
    """``make run`` with FACE_MODELS set: demo data, live server, worker."""
    server = ServerProcess(data_dir, arguments=(), FACE_MODELS=str(models_dir))
    try:
        server.start(timeout_seconds=120)
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="module")
def server(folder, tmp_path_factory):
    """One server for the tests that leave it running. Ctrl-C ends it and the process that reads faces."""
    with started(tmp_path_factory.mktemp("faces"), folder) as running:
        yield running
        running.stop(signal.SIGINT, timeout_seconds=60)


class Person:
    """Somebody signed in to /v1."""

    def __init__(self, server: ServerProcess, username: str) -> None:
        self.server = server
        login = {"username": username, "password": "DemoPass123!"}
        status, answer, _ = server.call("POST", "/v1/auth/login", login)
        assert status == 200, answer
        self.token = answer["access_token"]

    def ask(self, method: str, path: str, sent: object = None):
        return self.server.call(method, path, sent, {"Authorization": f"Bearer {self.token}"})

    def show(self, path: str, photo: bytes, **fields: object):
        """Send a picture; return status, answer and headers."""
        files = {"photo": _File(photo), **fields}
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        headers = {"Content-Type": MULTIPART_CONTENT, "Authorization": f"Bearer {self.token}"}
        connection.request("POST", path, encode_multipart(BOUNDARY, files), headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        return response.status, answer, response.headers


class _File:
    name = "me.jpg"
    content_type = "image/jpeg"

    def __init__(self, content: bytes) -> None:
        self.content = content

    def read(self) -> bytes:
        return self.content


def test_faces__from_consent_to_forgetting__then_as_documented(server, folder):
    student, instructor = Person(server, "student"), Person(server, "instructor")
    status, test, _ = instructor.ask("POST", "/v1/tests", body(title="By face"))
    assert status == 201
    who, other = two_people(DlibFaces(), folder)
    me = picture(who, 0).encoded()

    def come(photo: bytes):
        return student.show(CHECK_IN, photo, test_id=test["id"])[:2]

    def refused(found, text: str) -> None:
        assert (found[0], text in json.dumps(found[1])) == (422, True), found

    refused(come(me), "Please enroll your face first.")
    refused(student.show(ENROLL, me, consent="false")[:2], "The consent must be given.")
    nobody = encoded(picture(who, 0).image.crop((0, 0, 60, 60)).resize((300, 300)))
    for wrong in (nobody, encoded(side_by_side(picture(who, 0).image, picture(other, 0).image))):
        refused(student.show(ENROLL, wrong, consent="true")[:2], "The photo must show exactly one face.")
    assert student.show(ENROLL, me, consent="true")[:2] == (200, {"message": "Face enrolled"})
    for take in range(3):
        refused(come(picture(other, take).encoded()), "The photo does not show the enrolled face.")
    assert instructor.ask("GET", f"/v1/attendance?test_id={test['id']}")[1] == []
    with Live(server.live_port) as live:
        socket = live.socket("/ws/attendance", Authorization=f"Bearer {instructor.token}")
        socket.until("live.ready")
        status, row = come(picture(who, 1).encoded())
        assert (status, row["method"], row["test_id"]) == (201, "face", test["id"])
        (frame,) = socket.news(1)
    assert (frame["event"], frame["data"]["method"]) == ("attendance.recorded", "face")
    assert frame["data"]["attendance_id"] == row["id"]
    assert instructor.ask("GET", f"/v1/attendance?test_id={test['id']}")[1] == [row]
    assert student.ask("DELETE", ENROLL)[0] == 204
    refused(come(me), "Please enroll your face first.")
    holders = [pid for pid in server.pids() if "dlib" in Path(f"/proc/{pid}/maps").read_text()]
    assert [Path(f"/proc/{pid}/cmdline").read_text().split("\0")[2][-15:] for pid in holders] == ["vision_child.py"]


def test_faces__when_many_come_at_once__then_two_wait_their_turn_and_exams_go_on(server, folder):
    student = Person(server, "student")
    me = picture(ME, 0).encoded()
    assert student.show(ENROLL, me, consent="true")[0] == 200
    quiet = [_seconds(server) for _ in range(40)]
    answers = []
    together = threading.Barrier(6)

    def come() -> None:
        together.wait()
        answers.append(student.show(ENROLL, me, consent="true"))

    threads = [threading.Thread(target=come) for _ in range(6)]
    for thread in threads:
        thread.start()
    busy = []
    while any(thread.is_alive() for thread in threads):
        busy.append(_seconds(server))
    for thread in threads:
        thread.join()
    statuses = sorted(status for status, _, _ in answers)
    assert (set(statuses) <= {200, 429}, statuses.count(200) >= 2, 429 in statuses) == (True, True, True), statuses
    assert {headers["Retry-After"] for status, _, headers in answers if status == 429} == {"2"}
    told(folder, other_requests_ms={
        "alone_median": 1000 * statistics.median(quiet), "while_faces_are_read_median": 1000 * statistics.median(busy),
        "while_faces_are_read_max": 1000 * max(busy), "count": len(busy),
    })  # fmt: skip


def _seconds(server: ServerProcess) -> float:
    began = time.perf_counter()
    assert server.call("GET", "/health/live")[0] == 200
    return time.perf_counter() - began


def test_faces__when_the_models_are_not_there__then_501_and_the_server_is_well(server, tmp_path):
    with started(tmp_path, tmp_path) as bare:
        status, answer, _ = Person(bare, "student").show(ENROLL, picture(ME, 0).encoded(), consent="true")
        assert (status, "FACE_UNAVAILABLE" in json.dumps(answer)) == (501, True)
        assert bare.call("GET", "/health")[0] == 200
        assert "cannot be loaded" not in bare.log.read_text()
