"""Learning, comparing and forgetting faces."""

import io
import threading
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from PIL import Image

from accounts.states import Role
from accounts.tests.factories import token_of
from cbt.faces.v1.tests import drawn
from cbt.faces.v1.tests.factories import api_of, make_named, make_test
from cbt.kernel import clock
from cbt.kernel.errors import DomainError
from cbt.kernel.models import AuditEvent
from proctoring.models import Attendance, FaceEnrolment
from proctoring.services import vision, vision_child
from proctoring.services.retention import faces_purge
from tests.support import Api, error_of
from tests.world import upload

pytestmark = pytest.mark.django_db
ENROLL, CHECK_IN = "/v1/attendance/enroll", "/v1/attendance/check-in"


class Greys:
    """A reader of this test: each grey stripe of a picture is a face, its number the brightness; black is nobody."""

    kind = "greys"
    distance_max = 0.2

    def encodings(self, picture):
        with Image.open(io.BytesIO(picture)) as image:
            assert max(image.size) <= 640
            stripes = [image.convert("L").getpixel((x, 0)) for x in (0, image.width - 1)]
        return [[value / 100, 0.0, 0.0] for value in dict.fromkeys(stripes) if value > 20]


def grey(*values):
    return drawn.photo(drawn.together(*(Image.new("L", (1000, 40), value) for value in values)))


@pytest.fixture
def pupil(db):
    return make_named()


@pytest.fixture
def student(pupil):
    return Api(token_of(pupil))


def enroll(api, picture, **more):
    return api.upload(ENROLL, {"photo": picture, "consent": "true", **more})


def test_face__when_nothing_is_installed__then_501_with_its_code(student):
    for path in (ENROLL, CHECK_IN):
        body = {"photo": upload(), "test_id": 1, "consent": "true"}
        fault = error_of(student.upload(path, body), 501, "FACE_UNAVAILABLE")
        assert fault["message"] == "Face recognition is not installed on this server."
        error_of(student.upload(path, {"test_id": 1, "consent": "true"}), 422, "VALIDATION_ERROR")
        with override_settings(FACE_MATCHER="nowhere.at.all.Matcher"):
            error_of(student.upload(path, {**body, "photo": upload()}), 501, "FACE_UNAVAILABLE")
    assert student.delete(ENROLL).status_code == 204
    assert (Attendance.objects.count(), FaceEnrolment.objects.count(), AuditEvent.objects.count()) == (0, 0, 0)


@override_settings(FACE_MATCHER=f"{__name__}.Greys")
def test_enroll__then_numbers_are_kept_once_and_on_ones_word(student, pupil):
    for consent in ({"consent": "false"}, {"consent": ""}):
        fault = error_of(enroll(student, grey(100), **consent), 422, "VALIDATION_ERROR")
        assert list(fault["errors"]) == ["consent"]
    for wrong in (grey(0), grey(100, 200)):
        fault = error_of(enroll(student, wrong), 422, "VALIDATION_ERROR")
        assert fault["errors"] == {"photo": ["The photo must show exactly one face."]}
    error_of(enroll(student, b"no picture"), 422, "VALIDATION_ERROR")
    assert FaceEnrolment.objects.count() == 0
    for value in (100, 180):
        assert enroll(student, grey(value)).json() == {"message": "Face enrolled"}
    row = FaceEnrolment.objects.get()
    assert (row.user_id, row.kind, row.encoding) == (pupil.pk, "greys", [1.8, 0.0, 0.0])
    assert student.delete(ENROLL).status_code == 204
    assert FaceEnrolment.objects.count() == 0
    trail = AuditEvent.objects.filter(action__startswith="proctoring.face.").order_by("pk")
    assert [(event.action.rpartition(".")[2], event.data) for event in trail] == [
        ("enrolled", {"kind": "greys", "is_new": True, "consent": True}),
        ("enrolled", {"kind": "greys", "is_new": False, "consent": True}),
        ("forgotten", {}),
    ]


@override_settings(FACE_MATCHER=f"{__name__}.Greys")
def test_check_in__then_only_who_is_near_enough(student, pupil):
    test = make_test(api_of(Role.INSTRUCTOR))

    def come(picture, api=student):
        return api.upload(CHECK_IN, {"photo": picture, "test_id": test})

    assert error_of(come(grey(100)), 422, "VALIDATION_ERROR")["errors"] == {"photo": ["Please enroll your face first."]}
    enroll(student, grey(100))
    other = api_of()
    enroll(other, grey(160))
    for far in (grey(121), grey(79), grey(160)):
        fault = error_of(come(far), 422, "VALIDATION_ERROR")
        assert fault["errors"] == {"photo": ["The photo does not show the enrolled face."]}
    error_of(come(grey(100, 160)), 422, "VALIDATION_ERROR")
    error_of(student.upload(CHECK_IN, {"photo": grey(100), "test_id": 10**9}), 422, "VALIDATION_ERROR")
    refused = AuditEvent.objects.filter(action="proctoring.face.refused").order_by("pk")
    assert [(event.data["distance"], event.data["test_id"]) for event in refused] == [
        (0.21, test), (0.21, test), (0.6, test),
    ]  # fmt: skip
    assert Attendance.objects.count() == 0
    with override_settings(FACE_DISTANCE_MAX=0.1):
        error_of(come(grey(115)), 422, "VALIDATION_ERROR")
    response = come(grey(119))
    assert (response.status_code, response.json()["method"], response.json()["user_id"]) == (201, "face", pupil.pk)
    FaceEnrolment.objects.filter(user=pupil).update(kind="another")
    error_of(come(grey(100)), 422, "VALIDATION_ERROR")


@override_settings(FACE_MATCHER=f"{__name__}.Greys")
def test_command__then_it_tells_faces_and_distances_and_stores_nothing(tmp_path, capsys):
    files = []
    for name, photo in {"a": grey(100), "b": grey(119), "c": grey(160), "two": grey(100, 160), "bad": b"no"}.items():
        files.append(tmp_path / name)
        files[-1].write_bytes(photo if isinstance(photo, bytes) else photo.read())
    *good, bad = files
    call_command("check_faces", *map(str, good))
    a, b, c, two = good
    assert capsys.readouterr().out.splitlines() == [
        "reader greys, one person up to 0.2",
        f"{a}: 1 face", f"{b}: 1 face", f"{c}: 1 face", f"{two}: 2 faces",
        f"{a} and {b}: 0.190, one person", f"{a} and {c}: 0.600, two people", f"{b} and {c}: 0.410, two people",
    ]  # fmt: skip
    with pytest.raises(CommandError, match="must be an image of type jpg, jpeg or png"):
        call_command("check_faces", str(bad))
    with override_settings(FACE_MATCHER="nowhere.at.all.Matcher"), pytest.raises(CommandError, match="not installed"):
        call_command("check_faces", str(a))
    assert FaceEnrolment.objects.count() == AuditEvent.objects.count() == 0


@override_settings(FACE_MATCHER=f"{__name__}.Greys")
def test_purge__when_not_used_for_long_or_the_account_is_shut__then_forgotten(student, pupil):
    enroll(student, grey(100))
    now = clock.now()
    days = timedelta(days=30)
    assert faces_purge(now=now + days - timedelta(seconds=9), days=30) == 0
    assert faces_purge(now=now + 2 * days, days=0) == 0
    assert faces_purge(now=now + 2 * days, days=30, is_dry_run=True) == 1
    assert faces_purge(now=now + 2 * days, days=30) == 1
    enroll(student, grey(100))
    enroll(api_of(), grey(100))
    pupil.is_active = False
    pupil.save()
    assert faces_purge(now=now, days=0) == 1
    assert list(FaceEnrolment.objects.filter(user=pupil)) == []
    assert FaceEnrolment.objects.count() == 1


def test_turns__when_one_is_read_and_one_waits__then_the_third_is_refused():
    with vision._turn():
        second = vision._turn()
        waiting = threading.Thread(target=lambda: (second.__enter__(), second.__exit__(None, None, None)))
        waiting.start()
        while vision._GATE._value:  # until it stands at the door
            pass
        with pytest.raises(DomainError) as refused, vision._turn():
            pass
    waiting.join(timeout=5)
    assert (refused.value.code, refused.value.retry_after) == ("RATE_LIMITED", 2)
    with vision._turn():
        assert vision._GATE._value == 1


def test_files__when_both_are_there__then_found_without_importing(tmp_path, monkeypatch):
    with override_settings(FACE_MODELS=str(tmp_path)):
        assert vision.model_folder() is None
        (tmp_path / vision.LANDMARKS).touch()
        assert vision.model_folder() is None
        (tmp_path / vision.NUMBERS).touch()
        assert vision.model_folder() == tmp_path
    package = tmp_path / "site" / vision.PACKAGE
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('pkg_resources')")
    for name in (vision.LANDMARKS, vision.NUMBERS):
        (package / "models" / name).touch()
    monkeypatch.syspath_prepend(tmp_path / "site")
    with override_settings(FACE_MODELS=""):
        assert vision.model_folder() == package / "models"


def test_dlib__then_it_finds_none_and_two():
    dlib = pytest.importorskip("dlib", reason="the extra is not installed: make install-vision")
    detector = dlib.get_frontal_face_detector()
    pictures = Image.effect_noise((400, 400), 80), drawn.together(drawn.face(), drawn.face(skin=180))
    found = [vision_child.read(drawn.encoded(image), detector, None, None) for image in pictures]
    assert found == [{"faces": 0, "numbers": []}, {"faces": 2, "numbers": []}]
