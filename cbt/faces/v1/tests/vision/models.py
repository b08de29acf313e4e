"""Make the two model files of `proctoring.services.vision` from drawn people (``make vision-check``).

They have the format of dlib's public ones and are good for nothing but these tests: they know drawings.
People below `UNSEEN` are learned from, those above are left for the tests. What is there is not made again.
"""

import os
import shutil
import struct
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

from cbt.faces.v1.tests.vision.drawing import picture
from proctoring.services.vision import LANDMARKS, NUMBERS

FOLDER = Path(__file__).resolve().parents[5] / "var" / "vision-check"
UNSEEN = 10_000
PEOPLE, EACH = 200, 8
STEPS = os.environ.get("VISION_STEPS", "100")
HEADER = Path("/usr/include/dlib/dnn.h")
NEEDED = "g++ libdlib-dev libopenblas-dev"


def main() -> None:
    """Make what is missing, and say what is being done."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    chips, unfinished = FOLDER / "chips.bin", FOLDER / "unfinished"
    trainer = compiled()
    if not (FOLDER / LANDMARKS).is_file():
        say("drawing faces and learning their five landmarks")
        train_landmarks(unfinished)
        unfinished.replace(FOLDER / LANDMARKS)
    if not chips.is_file():
        say(f"drawing {PEOPLE} people, {EACH} pictures of each")
        write_chips(unfinished)
        unfinished.replace(chips)
    if not (FOLDER / NUMBERS).is_file():
        say(f"training the network, {STEPS} steps")
        subprocess.run([trainer, chips, unfinished, STEPS, "1"], check=True, env={**blas_settings(), **os.environ})
        unfinished.replace(FOLDER / NUMBERS)
    say(f"both models lie in {FOLDER}")


def say(text: str) -> None:
    """Print a line at once, with the minutes since the beginning."""
    print(f"vision-check: {(time.monotonic() - BEGAN) / 60:4.1f} min  {text}", flush=True)  # noqa: T201


def compiled() -> Path:
    """Return the trainer, compiled. Ends the program with a plain word where something for it is missing."""
    if not shutil.which("g++") or not HEADER.is_file():
        sys.exit(f"vision-check: the trainer needs Debian's packages: apt-get install {NEEDED}")
    source, trainer = Path(__file__).with_name("trainer.cpp"), FOLDER / "trainer"
    if not trainer.is_file() or trainer.stat().st_mtime < source.stat().st_mtime:
        say("compiling the trainer")
        command = ["g++", "-std=c++14", "-O2", "-march=native", source, "-o", trainer]
        if subprocess.run([*command, "-ldlib", "-lopenblas", "-lpthread"], check=False).returncode:
            sys.exit(f"vision-check: the trainer does not compile; are these installed? apt-get install {NEEDED}")
    return trainer


def blas_settings() -> dict[str, str]:
    """Name the processor's kind: an OpenBLAS older than the processor takes its slowest routines (4 times the time)."""
    flags = Path("/proc/cpuinfo").read_text()
    kind = "SkylakeX" if "avx512f" in flags else "Haswell" if "avx2" in flags else ""
    return {"OPENBLAS_CORETYPE": kind} if kind else {}


@lru_cache(maxsize=1)
def detector() -> Any:
    """Return dlib's own detector."""
    import dlib

    return dlib.get_frontal_face_detector()


@lru_cache(maxsize=1)
def predictor() -> Any:
    """Return the landmarks that were learned."""
    import dlib

    return dlib.shape_predictor(str(FOLDER / LANDMARKS))


def train_landmarks(path: Path, people: int = 160, each: int = 2) -> None:
    """Learn eye corners and nose from drawn faces, in the boxes the detector puts around them."""
    import dlib
    import numpy as np

    pictures, truths = [], []
    for number in range(people):
        for take in range(each):
            drawn = picture(number, take)
            pixels = np.asarray(drawn.image)
            if len(boxes := detector()(pixels, 0)) == 1:
                points = [dlib.point(round(x), round(y)) for x, y in drawn.points]
                pictures.append(pixels)
                truths.append([dlib.full_object_detection(boxes[0], points)])
    options = dlib.shape_predictor_training_options()
    options.cascade_depth, options.num_trees_per_cascade_level, options.tree_depth = 8, 40, 3
    options.feature_pool_size, options.num_test_splits, options.oversampling_amount = 150, 30, 10
    options.nu, options.num_threads, options.random_seed = 0.15, 2, "1"
    dlib.train_shape_predictor(pictures, truths, options).save(str(path))


def write_chips(path: Path) -> None:
    """Cut the learners' faces out as the wheel will: found, turned upright, scaled to 150 pixels."""
    with ProcessPoolExecutor() as pool:
        people = [chips for chips in pool.map(chips_of, range(PEOPLE)) if chips]
    path.write_bytes(struct.pack("<II", len(people), EACH) + b"".join(people))


def chips_of(number: int) -> bytes:
    """Return the chips of one person; empty where the detector does not know them for one."""
    import dlib
    import numpy as np

    chips: list[bytes] = []
    for take in range(100, 100 + 2 * EACH):
        if len(chips) == EACH:
            break
        pixels = np.asarray(picture(number, take).image)
        boxes = detector()(pixels, 0)
        if len(boxes) == 1:
            chips.append(dlib.get_face_chip(pixels, predictor()(pixels, boxes[0]), size=150, padding=0.25).tobytes())
    return b"".join(chips) if len(chips) == EACH else b""


BEGAN = time.monotonic()
if __name__ == "__main__":
    main()
