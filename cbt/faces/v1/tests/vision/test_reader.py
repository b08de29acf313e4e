"""The real reader, from the files to the distance, on models learned from drawn people (`make vision-check`)."""

import io
import itertools
import json
import math
import shutil
import statistics
import threading
import time
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import override_settings
from PIL import Image

from cbt.faces.v1.tests.factories import api_of
from cbt.faces.v1.tests.vision import models
from cbt.faces.v1.tests.vision.drawing import encoded, picture, side_by_side
from cbt.kernel.errors import DomainError
from proctoring.models import FaceEnrolment
from proctoring.services import vision
from proctoring.services.faces import distance, faces_on
from tests.support import error_of

PEOPLE, TAKES = 40, 3
FIRST = models.UNSEEN


def numbers_of(reader, data: bytes) -> list[float]:
    (numbers,) = faces_on(reader, data)
    return numbers


def two_people(reader, folder) -> tuple[int, int]:
    """Return two people whom the reader tells apart well: how well it does in general is another test's matter."""
    with override_settings(FACE_MODELS=str(folder)):
        seen = {
            number: [
                faces[0] for take in range(3) if len(faces := faces_on(reader, picture(number, take).encoded())) == 1
            ]
            for number in range(FIRST, FIRST + 8)
        }
    steady = [
        number for number, rows in seen.items()
        if len(rows) == 3 and all(distance(*pair) < reader.distance_max for pair in itertools.combinations(rows, 2))
    ]  # fmt: skip
    assert len(steady) >= 3

    def apart(pair: tuple[int, int]) -> float:
        return min(distance(*rows) for rows in itertools.product(seen[pair[0]], seen[pair[1]]))

    return max(itertools.permutations(steady, 2), key=apart)


def told(folder, **figures: object) -> None:
    """Note what was measured, for people."""
    path = folder / "figures.json"
    known = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps({**known, **figures}, indent=1))


def test_reader__when_there_is_one_face__then_128_numbers_and_else_none(reader):
    one, other = picture(FIRST, 0).image, picture(FIRST + 1, 0).image
    assert len(numbers_of(reader, encoded(one))) == 128
    assert faces_on(reader, encoded(Image.effect_noise((400, 400), 80).convert("RGB"))) == []
    assert faces_on(reader, encoded(side_by_side(one, other))) == [[], []]


def test_numbers__then_they_are_dlibs_own_of_the_upright_chip_in_rgb(reader, folder):
    import dlib
    import numpy as np

    data = picture(FIRST, 0).encoded("PNG")
    pixels = np.asarray(Image.open(io.BytesIO(data)))
    landmarks = dlib.shape_predictor(str(folder / vision.LANDMARKS))
    network = dlib.face_recognition_model_v1(str(folder / vision.NUMBERS))
    (box,) = dlib.get_frontal_face_detector()(pixels, 0)
    chip = dlib.get_face_chip(pixels, landmarks(pixels, box), size=150, padding=0.25)
    numbers = numbers_of(reader, data)
    assert distance(numbers, list(network.compute_face_descriptor(chip))) < 1e-3
    swapped = Image.fromarray(np.ascontiguousarray(pixels[..., ::-1]))
    assert distance(numbers, numbers_of(reader, encoded(swapped, "PNG"))) > 0.1


def test_landmarks__then_within_some_pixels_of_the_truth(reader, folder):
    import dlib
    import numpy as np

    detector, predictor = dlib.get_frontal_face_detector(), dlib.shape_predictor(str(folder / vision.LANDMARKS))
    errors = []
    for number in range(FIRST, FIRST + 40):
        drawn = picture(number, 5)
        pixels = np.asarray(drawn.image)
        for box in detector(pixels, 0):
            found = predictor(pixels, box)
            assert found.num_parts == 5
            errors += [math.dist((found.part(i).x, found.part(i).y), point) for i, point in enumerate(drawn.points)]
    figures = {"median": statistics.median(errors), "p95": statistics.quantiles(errors, n=20)[-1], "max": max(errors)}
    told(folder, landmarks_pixels_of_360=figures | {"points": len(errors)})
    assert len(errors) >= 5 * 36
    assert (figures["median"] < 2, figures["p95"] < 5) == (True, True), figures


def test_people__when_never_seen_before__then_nearly_all_are_told_apart(reader, folder):
    found, seconds, missed = [], [], 0
    for number, take in itertools.product(range(FIRST, FIRST + PEOPLE), range(TAKES)):
        data = picture(number, take).encoded(quality=90)
        began = time.perf_counter()
        faces = faces_on(reader, data)
        seconds.append(time.perf_counter() - began)
        missed += len(faces) != 1
        found += [(number, faces[0])] if len(faces) == 1 else []
    same, others = [], []
    for (one, first), (other, second) in itertools.combinations(found, 2):
        (same if one == other else others).append(distance(first, second))
    refused = sum(far > reader.distance_max for far in same) / len(same)
    let_in = sum(far <= reader.distance_max for far in others) / len(others)
    told(folder, people={
        "pictures": len(seconds), "not_found": missed, "pairs_of_one": len(same), "pairs_of_two": len(others),
        "false_reject": refused, "false_accept": let_in, "distance_of_one_median": statistics.median(same),
        "distance_of_two_median": statistics.median(others), "distance_of_two_min": min(others),
        "seconds_a_picture_median": statistics.median(seconds), "memory_mb": memory_mb(),
    })  # fmt: skip
    assert missed <= 0.05 * len(seconds)
    assert (refused <= 0.1, let_in <= 0.08) == (True, True), (refused, let_in)


def memory_mb() -> float:
    """Return the proportional memory of the process that reads."""
    rows = Path(f"/proc/{vision._child.process.pid}/smaps_rollup").read_text().splitlines()
    return round(sum(int(row.split()[1]) for row in rows if row.startswith("Pss:")) / 1024)


def test_picture__when_pressed_small_large_or_lying__then_still_the_same_person(reader):
    drawn = picture(FIRST, 1)
    lying = drawn.image.transpose(Image.Transpose.ROTATE_90)
    orientation = Image.Exif()
    orientation[0x0112] = 6  # the camera was held upright: turn it by 90 degrees to see it
    buffer = io.BytesIO()
    lying.save(buffer, "JPEG", exif=orientation)
    pictures = {
        "pressed": drawn.encoded(quality=25),
        "png": drawn.encoded("PNG"),
        "small": encoded(drawn.image.resize((240, 240))),
        "large": encoded(drawn.image.resize((1400, 1400))),
        "lying": buffer.getvalue(),
    }
    known = numbers_of(reader, drawn.encoded())
    far = {name: distance(known, numbers_of(reader, data)) for name, data in pictures.items()}
    assert {name: value for name, value in far.items() if value > reader.distance_max} == {}


def test_picture__when_the_head_is_tilted__then_nearly_all_are_still_the_same_person(reader, folder):
    far = []
    for number in range(FIRST, FIRST + 8):
        known = numbers_of(reader, picture(number, 0, turn=0).encoded())
        for turn in (-12, 12):
            faces = faces_on(reader, picture(number, 0, turn=turn).encoded())  # dlib finds not all that are tilted
            far += [distance(known, numbers) for numbers in faces if numbers]
    same = sum(value <= reader.distance_max for value in far)
    told(folder, tilted_by_12_degrees={"shown": 16, "found": len(far), "same_person": same})
    assert (len(far) >= 12, same >= 0.85 * len(far)) == (True, True), far


def spoil_numbers(folder, content: bytes) -> None:
    (folder / vision.NUMBERS).write_bytes(content)


def three_points(folder) -> None:
    """Put a model of three landmarks, good for dlib but not for the network."""
    import dlib
    import numpy as np

    options = dlib.shape_predictor_training_options()
    options.cascade_depth = options.num_trees_per_cascade_level = options.tree_depth = 2
    options.oversampling_amount, options.feature_pool_size = 2, 20
    box = dlib.rectangle(10, 10, 90, 90)
    shape = dlib.full_object_detection(box, [dlib.point(20, 20), dlib.point(80, 20), dlib.point(50, 70)])
    images = [np.random.default_rng(seed).integers(0, 255, (100, 100), dtype=np.uint8) for seed in (1, 2)]
    dlib.train_shape_predictor(images, [[shape], [shape]], options).save(str(folder / vision.LANDMARKS))


BROKEN = {
    "no file": lambda folder: (folder / vision.NUMBERS).unlink(),
    "empty": lambda folder: spoil_numbers(folder, b""),
    "no model": lambda folder: spoil_numbers(folder, b"<html>404 Not Found</html>" * 1000),
    "packed": lambda folder: spoil_numbers(folder, b"BZh91AY&SY" + bytes(range(256)) * 500),
    "cut short": lambda folder: spoil_numbers(folder, (folder / vision.NUMBERS).read_bytes()[:9_000_000]),
    "the other file": lambda folder: shutil.copy(folder / vision.LANDMARKS, folder / vision.NUMBERS),
    "landmarks cut short": lambda folder: (folder / vision.LANDMARKS).write_bytes(
        (folder / vision.LANDMARKS).read_bytes()[:50_000]
    ),
    "three landmarks": three_points,
}


@pytest.mark.django_db
@pytest.mark.parametrize("fault", BROKEN)
def test_models__when_broken__then_501_and_the_log_says_why(fault, folder, tmp_path, caplog):
    vision._child.stop()
    for name in (vision.LANDMARKS, vision.NUMBERS):
        shutil.copy(folder / name, tmp_path)
    BROKEN[fault](tmp_path)
    with override_settings(FACE_MODELS=str(tmp_path)):
        photo = SimpleUploadedFile("me.jpg", picture(FIRST, 0).encoded(), content_type="image/jpeg")
        response = api_of().upload("/v1/attendance/enroll", {"photo": photo, "consent": "true"})
    error_of(response, 501, "FACE_UNAVAILABLE")
    assert (FaceEnrolment.objects.count(), vision._child.process) == (0, None)
    said = [record.getMessage() for record in caplog.records if "cannot be loaded" in record.getMessage()]
    assert len(said) == (0 if fault == "no file" else 1)


def test_reader__when_two_are_at_it__then_the_third_is_refused(reader):
    data = picture(FIRST, 0).encoded()
    answers = []
    numbers_of(reader, data)  # it is loaded
    with vision._TURN:  # the first picture takes as long as we like
        threads = [threading.Thread(target=lambda: answers.append(numbers_of(reader, data))) for _ in range(2)]
        for thread in threads:
            thread.start()
        while vision._GATE._value:
            pass
        with pytest.raises(DomainError) as refused:
            reader.encodings(data)
    for thread in threads:
        thread.join(timeout=30)
    assert (refused.value.code, len(answers), answers[0] == answers[1]) == ("RATE_LIMITED", 2, True)


def test_process__when_killed__then_the_next_picture_starts_another(reader):
    data = picture(FIRST, 0).encoded()
    before, first = numbers_of(reader, data), vision._child.process.pid
    vision._child.process.kill()
    vision._child.process.wait()
    assert numbers_of(reader, data) == before
    assert vision._child.process.pid != first


def test_command__then_it_tells_faces_distances_and_faults(folder, tmp_path, capsys):
    def draw(name: str, data: bytes) -> str:
        (tmp_path / name).write_bytes(data)
        return str(tmp_path / name)

    me, other = two_people(vision.DlibFaces(), folder)
    a, b = (draw(f"a{take}.jpg", picture(me, take).encoded()) for take in (0, 1))
    c = draw("c.jpg", picture(other, 0).encoded())
    two = draw("two.jpg", encoded(side_by_side(picture(FIRST, 0).image, picture(FIRST + 1, 0).image)))
    with override_settings(FACE_MODELS=str(folder)):
        call_command("check_faces", a, b, c, two)
        lines = capsys.readouterr().out.splitlines()
        assert lines[:5] == [
            "reader dlib-resnet-v1, one person up to 0.6",
            f"{a}: 1 face", f"{b}: 1 face", f"{c}: 1 face", f"{two}: 2 faces",
        ]  # fmt: skip
        assert [line.rpartition(", ")[2] for line in lines[5:]] == ["one person", "two people", "two people"]
        with pytest.raises(CommandError, match="must be an image"):
            call_command("check_faces", draw("no.jpg", b"no picture"))
    with override_settings(FACE_MODELS=""), pytest.raises(CommandError, match="not installed"):
        call_command("check_faces", a)
