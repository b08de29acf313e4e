"""The process that reads faces, played by a script: what is answered when it fails.

The real one is tried by `make vision-check`.
"""

import importlib.util

import pytest
from django.test import override_settings

from cbt.kernel.errors import DomainError
from proctoring.services import vision

#: Reads as the real one; a picture's first letter tells what it does with it.
SCRIPT = """
import json, os, sys, time
{start}
print(json.dumps({{"ready": True}}), flush=True)
while head := sys.stdin.buffer.read(4):
    picture = sys.stdin.buffer.read(int.from_bytes(head, "big")).decode()
    if picture == "end once" and not os.path.exists(sys.argv[1] + ".ended"):
        open(sys.argv[1] + ".ended", "w").close()
        sys.exit()
    if picture == "end":
        sys.exit(1)
    if picture == "hang":
        time.sleep(60)
    print(json.dumps({{"faces": len(picture), "numbers": [float(os.getpid())]}}), flush=True)
"""


REAL = vision.CHILD


@pytest.fixture
def child(tmp_path, monkeypatch):
    """Return what starts a reader whose process begins with these words."""
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if name == "dlib" else real(name))
    for name in (vision.LANDMARKS, vision.NUMBERS):
        (tmp_path / name).touch()
    monkeypatch.setattr(vision, "CHILD", tmp_path / "child.py")
    monkeypatch.setattr(vision, "_child", vision.Child())

    def write(start: str = "") -> vision.DlibFaces:
        (tmp_path / "child.py").write_text(SCRIPT.format(start=start))
        return vision.DlibFaces()

    with override_settings(FACE_MODELS=str(tmp_path)):
        yield write
    vision._child.stop()


def refusal(reader: vision.DlibFaces, picture: bytes) -> tuple[str, int | None, bool]:
    """Return code, wait, and whether a process is left."""
    with pytest.raises(DomainError) as refused:
        reader.encodings(picture)
    return refused.value.code, refused.value.retry_after, vision._child.process is not None


def test_process__when_it_reads_well__then_it_is_started_once(child):
    reader = child()
    first, second = reader.encodings(b"a"), reader.encodings(b"b")
    assert first == second == [[float(vision._child.process.pid)]]
    assert (len(reader.encodings(b"two")), reader.encodings(b"")) == (3, [])


@pytest.mark.parametrize("start", [
    'sys.exit(print(json.dumps({"error": "RuntimeError: Error deserializing"})))', "sys.exit(1)", "os.abort()",
])  # fmt: skip
def test_process__when_it_cannot_load__then_face_unavailable_and_logged(child, start, caplog):
    assert refusal(child(start), b"a") == ("FACE_UNAVAILABLE", None, False)
    (line,) = (record.getMessage() for record in caplog.records)
    assert "cannot be loaded: " in line
    assert ("Error deserializing" in line) is ("deserializing" in start)
    assert child().encodings(b"a")  # mended files are taken up without a restart


def test_process__when_it_ended__then_another_is_started_once_and_then_told_busy(child, tmp_path, monkeypatch):
    reader = child()
    assert len(reader.encodings(b"end once")) == len("end once")
    assert (tmp_path / f"{vision.LANDMARKS}.ended").exists()
    assert refusal(reader, b"end") == ("UNAVAILABLE", 2, False)
    monkeypatch.setattr(vision, "READ_SECONDS", 0.2)
    assert refusal(reader, b"hang") == ("UNAVAILABLE", 2, False)
    monkeypatch.setattr(vision, "READ_SECONDS", 15)
    assert len(reader.encodings(b"a")) == 1


def test_models__when_they_vanish__then_face_unavailable(child, tmp_path):
    reader = child()
    (tmp_path / vision.NUMBERS).unlink()
    assert refusal(reader, b"a") == ("FACE_UNAVAILABLE", None, False)


def test_real_process__when_the_files_are_no_models__then_face_unavailable(child, monkeypatch, caplog):
    reader = child()
    monkeypatch.setattr(vision, "CHILD", REAL)
    assert refusal(reader, b"a") == ("FACE_UNAVAILABLE", None, False)
    (line,) = (record.getMessage() for record in caplog.records)
    assert "RuntimeError: " in line or "ModuleNotFoundError: " in line  # the extra need not be installed
