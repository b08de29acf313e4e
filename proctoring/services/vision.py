"""Reading faces with dlib, the optional extra ``vision``, in a process of its own.

dlib finds faces by itself (histograms of gradients, compiled in). Turning a face into numbers takes two files that do
not come with it: one that finds the corners of eyes and nose, one that reads the 128 numbers. Nothing is fetched at
run time. dlib holds Python's lock while it reads the numbers (0.13 s): in a process that serves, every exam would wait.
Source: dlib, face_recognition.py (examples); D. King, "High Quality Face Recognition with Deep Metric Learning", 2017.
"""

import contextlib
import importlib.util
import json
import logging
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from cbt.kernel.errors import DomainError, ErrorCode

logger = logging.getLogger(__name__)
LANDMARKS = "shape_predictor_5_face_landmarks.dat"
NUMBERS = "dlib_face_recognition_resnet_model_v1.dat"
#: A package of these files, where somebody has installed it. It is looked up, not imported: importing it fails
#: without setuptools.
PACKAGE = "face_recognition_models"
CHILD = Path(__file__).with_name("vision_child.py")
LOAD_SECONDS, READ_SECONDS = 30, 15
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


def unavailable() -> DomainError:
    """Return what is answered where no face can be read."""
    return DomainError(ErrorCode.FACE_UNAVAILABLE, "Face recognition is not installed on this server.")


class DlibFaces:
    """Finds faces, and reads each as 128 numbers; those of one person lie within 0.6 of one another.

    The published threshold: 99.38 % right on Labeled Faces in the Wild.
    """

    kind = "dlib-resnet-v1"
    distance_max = 0.6

    def encodings(self, picture: bytes) -> list[list[float]]:
        """Return one entry for every face on the picture, of a single one its numbers.

        Raises RATE_LIMITED while too many are being read, FACE_UNAVAILABLE where the model files cannot be loaded,
        UNAVAILABLE where the process that reads failed twice.
        """
        with _turn():
            told = _child.read(picture)
        return [told["numbers"] for _ in range(told["faces"])]


class Broken(Exception):
    """The process that reads is gone, silent, or could not load its models."""


class Child:
    """The process that reads: started for the first picture, then kept. Used by one thread at a time."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def read(self, picture: bytes) -> dict[str, Any]:
        """Return what the child tells of a picture. One that ended meanwhile is started anew, once."""
        for is_last in (False, True):
            try:
                return self._ask(picture)
            except Broken as error:
                self.stop()
                if is_last:
                    raise DomainError(
                        ErrorCode.UNAVAILABLE, "The picture could not be read. Please try again.", retry_after=2
                    ) from error
        raise AssertionError  # the loop returns or raises

    def stop(self) -> None:
        """End the process, if there is one."""
        process, self.process = self.process, None
        if process and process.stdin and process.stdout:
            process.kill()
            process.wait()
            with contextlib.suppress(OSError):
                process.stdin.close()
            process.stdout.close()

    def _ask(self, picture: bytes) -> dict[str, Any]:
        if self.process is None:
            self._start()
        assert self.process is not None  # noqa: S101 - for the type checker
        assert self.process.stdin is not None  # noqa: S101
        try:
            self.process.stdin.write(len(picture).to_bytes(4, "big") + picture)
            self.process.stdin.flush()
        except OSError as error:
            raise Broken from error
        return self._told(READ_SECONDS)

    def _start(self) -> None:
        if (found := model_folder()) is None:
            raise unavailable()
        folder = found.resolve()
        command = [sys.executable, "-I", str(CHILD), str(folder / LANDMARKS), str(folder / NUMBERS)]
        self.process = subprocess.Popen(  # noqa: S603 - our own script, no shell
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={"LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"}, cwd="/",
        )  # fmt: skip
        try:
            fault = self._told(LOAD_SECONDS).get("error")
        except Broken:
            fault = "the process ended or said nothing"
        if fault:
            self.stop()
            logger.error("the face models in %s cannot be loaded: %s", folder, fault)
            raise unavailable()

    def _told(self, seconds: float) -> dict[str, Any]:
        """Return the next line. Raises Broken when there is none in time."""
        assert self.process is not None  # noqa: S101 - for the type checker
        assert self.process.stdout is not None  # noqa: S101
        answers, line, until = select.poll(), b"", time.monotonic() + seconds
        answers.register(self.process.stdout, select.POLLIN)  # poll, because select knows no file beyond the 1024th
        while not line.endswith(b"\n"):
            if not answers.poll(1000 * max(0.0, until - time.monotonic())):
                raise Broken
            if not (part := os.read(self.process.stdout.fileno(), 65536)):
                raise Broken
            line += part
        return dict(json.loads(line))


_child = Child()


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
