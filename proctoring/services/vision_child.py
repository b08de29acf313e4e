"""Reads faces. Run as a script, in a process of its own that may be killed: see `proctoring.services.vision`.

Arguments: the two model files. Standard input: pictures, each after its length (4 bytes, big-endian). Standard output:
one JSON object a line; first {"ready": true} or {"error": text}, then for each picture {"faces": n, "numbers": [...]},
the 128 numbers where n is 1. Ends with its input, or when nothing came for `IDLE_SECONDS`.
Nothing of the project is imported here.
"""

import io
import json
import os
import resource
import select
import sys
from typing import Any, BinaryIO, TextIO

IDLE_SECONDS = 600
#: dlib believes the lengths that a file states. With sound models it takes a quarter of this.
MEMORY_BYTES = 1024**3
MAX_PICTURE_BYTES = 16 * 1024**2
NICENESS = 5  # who saves an answer comes first


def load(landmarks: str, numbers: str) -> tuple[Any, Any, Any]:
    """Return the detector and both models. Raises RuntimeError or MemoryError where a file is not such a model."""
    import dlib
    import numpy as np

    detector = dlib.get_frontal_face_detector()
    models = dlib.shape_predictor(landmarks), dlib.face_recognition_model_v1(numbers)
    # A model of another kind of landmarks loads well and fails on the first face: show it one.
    blank = np.zeros((160, 160, 3), np.uint8)
    models[1].compute_face_descriptor(blank, models[0](blank, dlib.rectangle(40, 40, 120, 120)))
    return (detector, *models)


def read(picture: bytes, detector: Any, landmarks: Any, numbers: Any) -> dict[str, Any]:
    """Find the faces on an upright RGB picture, and read the numbers of a single one."""
    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as image:
        pixels = np.asarray(image.convert("RGB"))
    boxes = detector(pixels, 0)
    if len(boxes) != 1:
        return {"faces": len(boxes), "numbers": []}
    return {"faces": 1, "numbers": list(numbers.compute_face_descriptor(pixels, landmarks(pixels, boxes[0])))}


def next_picture(source: BinaryIO) -> bytes:
    """Wait for a picture; empty at the end of the input and after `IDLE_SECONDS`.

    The buffer is empty when we wait: the next picture is sent after the answer to this one.
    """
    if not select.select([source], [], [], IDLE_SECONDS)[0]:
        return b""
    size = int.from_bytes(source.read(4), "big")
    return source.read(size) if size <= MAX_PICTURE_BYTES else b""


def tell(answers: TextIO, what: dict[str, Any]) -> None:
    """Write one line at once."""
    answers.write(json.dumps(what) + "\n")
    answers.flush()


def limit_process() -> None:
    """Bound this process's memory, whatever a file asks for, and let others go first."""
    os.nice(NICENESS)
    for which, value in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_AS, MEMORY_BYTES)):
        try:
            resource.setrlimit(which, (value, value))
        except (ValueError, OSError):
            if sys.platform == "linux":  # other systems do not know every limit; servers run Linux
                raise


def main() -> None:
    """Load, then answer until there is nothing more."""
    limit_process()
    answers, source = os.fdopen(os.dup(1), "w"), sys.stdin.buffer
    os.dup2(2, 1)  # what a library prints is no answer
    try:
        models = load(*sys.argv[1:3])
    except Exception as error:  # noqa: BLE001 - whatever a strange file does, the parent is told
        tell(answers, {"error": f"{type(error).__name__}: {error}"[:500]})
        sys.exit(1)
    tell(answers, {"ready": True})
    while picture := next_picture(source):
        tell(answers, read(picture, *models))


if __name__ == "__main__":
    main()
