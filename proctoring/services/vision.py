"""Reading faces with dlib, the optional extra ``vision``.

dlib finds faces by itself (histograms of gradients, compiled in). Turning a face into numbers takes two files that do
not come with it: one that finds the corners of eyes and nose, one that reads the 128 numbers. Nothing is fetched at
run time.
Source: dlib, face_recognition.py (examples); D. King, "High Quality Face Recognition with Deep Metric Learning", 2017.
"""

import importlib.util
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from PIL import Image

from cbt.kernel.errors import DomainError, ErrorCode

LANDMARKS = "shape_predictor_5_face_landmarks.dat"
NUMBERS = "dlib_face_recognition_resnet_model_v1.dat"
#: A package of these files, where somebody has installed it. It is looked up, not imported: importing it fails
#: without setuptools.
PACKAGE = "face_recognition_models"
#: One picture is read, one waits; more would keep the process from its exams.
_GATE = threading.BoundedSemaphore(2)
_TURN = threading.Lock()


def model_folder() -> Path | None:
    """Return where both files lie: FACE_MODELS, else an installed package of them; None where they do not."""
    folders = [Path(settings.FACE_MODELS)] if settings.FACE_MODELS else []
    found = importlib.util.find_spec(PACKAGE)
    folders += [Path(place) / "models" for place in (found.submodule_search_locations or ())] if found else []
    return next((one for one in folders if (one / LANDMARKS).is_file() and (one / NUMBERS).is_file()), None)


def is_installed() -> bool:
    """Tell whether dlib and its files are there."""
    return importlib.util.find_spec("dlib") is not None and model_folder() is not None


class DlibFaces:
    """Finds faces, and reads each as 128 numbers; those of one person lie within 0.6 of one another.

    The published threshold: 99.38 % right on Labeled Faces in the Wild.
    """

    kind = "dlib-resnet-v1"
    distance_max = 0.6

    def encodings(self, picture: bytes) -> list[list[float]]:
        """Return the numbers of every face on the picture. Raises RATE_LIMITED while too many are being read."""
        with _turn():
            pixels, boxes = self.find(picture)
            if len(boxes) != 1:
                return [[] for _ in boxes]  # nobody asks for the numbers of a crowd
            landmarks, numbers = _files()
            return [list(numbers.compute_face_descriptor(pixels, landmarks(pixels, boxes[0])))]

    def find(self, picture: bytes) -> tuple[Any, list[Any]]:
        """Return the pixels and where faces are on them; each at least 80 pixels wide."""
        import numpy as np

        with Image.open(io.BytesIO(picture)) as image:
            pixels = np.asarray(image.convert("RGB"))
        return pixels, list(_detector()(pixels, 0))


@contextmanager
def _turn() -> Iterator[None]:
    if not _GATE.acquire(blocking=False):
        raise DomainError(
            ErrorCode.RATE_LIMITED, "Many faces are being compared. Please retry in 2 seconds.", retry_after=2
        )
    try:
        with _TURN:
            yield
    finally:
        _GATE.release()


@lru_cache(maxsize=1)
def _detector() -> Any:
    import dlib

    return dlib.get_frontal_face_detector()


@lru_cache(maxsize=1)
def _files() -> tuple[Any, Any]:
    """Return both models, read once a process."""
    import dlib

    folder = model_folder()
    assert folder is not None  # noqa: S101 - asked before by `is_installed`
    return dlib.shape_predictor(str(folder / LANDMARKS)), dlib.face_recognition_model_v1(str(folder / NUMBERS))
