"""Knowing people by their face: learning it on their word, comparing, forgetting. What reads a picture is a port."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from cbt.kernel import audit, storage
from cbt.kernel.actor import Actor
from cbt.kernel.errors import invalid
from proctoring.models import Attendance, FaceEnrolment
from proctoring.services import vision
from proctoring.services.attendance import attendance_check_in
from proctoring.services.photos import PHOTO_MAX_BYTES
from proctoring.states import AttendanceMethod

#: Pixels of the longer side at which faces are looked for: what it costs grows with the area.
SIDE = 640
DECIMALS = 6


class FaceReader(Protocol):
    """What turns pictures into numbers: dlib where it is installed, or FACE_MATCHER (``module.Class``, made without
    arguments).

    kind: names the numbers; those of another kind are never compared.  distance_max: the published threshold, below
    which two are one person's.
    """

    kind: str
    distance_max: float

    def encodings(self, picture: bytes) -> Sequence[Sequence[float]]:
        """Return one entry for every face on a JPEG or PNG; of a single face its numbers, of several anything."""


def reader() -> FaceReader:
    """Return what reads faces on this server. Raises FACE_UNAVAILABLE where nothing does."""
    if not settings.FACE_MATCHER:
        if not vision.is_installed():
            raise vision.unavailable()
        return vision.DlibFaces()
    try:
        found: FaceReader = import_string(settings.FACE_MATCHER)()
    except ImportError as error:
        raise vision.unavailable() from error
    return found


def face_enroll(*, data: bytes, now: datetime, actor: Actor) -> FaceEnrolment:
    """Learn the actor's own face, in place of what was learned before. The caller has asked for their consent.

    Raises FACE_UNAVAILABLE, RATE_LIMITED, UNAVAILABLE, VALIDATION_ERROR for ``photo`` unless it shows exactly one face.
    """
    faces = reader()
    encoding = [round(number, DECIMALS) for number in _only_face(faces, data)]
    fields = {"kind": faces.kind, "encoding": encoding, "enrolled_at": now, "used_at": now}
    with transaction.atomic():
        row, is_new = FaceEnrolment.objects.update_or_create(user_id=actor.id or 0, defaults=fields)
        audit.record("proctoring.face.enrolled", actor=actor, obj=row, kind=faces.kind, is_new=is_new, consent=True)
    return row


@transaction.atomic
def face_forget(*, actor: Actor) -> bool:
    """Forget the actor's face; tell whether one was known."""
    row = FaceEnrolment.objects.filter(user_id=actor.id or 0).first()
    if row is None:
        return False
    audit.record("proctoring.face.forgotten", actor=actor, obj=row)
    row.delete()
    return True


def face_check_in(*, test_id: int, data: bytes, now: datetime, actor: Actor) -> Attendance:
    """Check the actor in where the picture shows them. Raises as `face_enroll` and `attendance_check_in`."""
    faces = reader()
    known = FaceEnrolment.objects.filter(user_id=actor.id or 0, kind=faces.kind).first()
    if known is None:
        raise invalid(photo="Please enroll your face first.")
    far = distance(_only_face(faces, data), known.encoding)
    if not far <= distance_max(faces):
        audit.record("proctoring.face.refused", actor=actor, obj=known, test_id=test_id, distance=round(far, 3))
        raise invalid(photo="The photo does not show the enrolled face.")
    row = attendance_check_in(
        test_id=test_id, user_id=actor.id or 0, now=now, actor=actor, method=AttendanceMethod.FACE
    )
    FaceEnrolment.objects.filter(pk=known.pk).update(used_at=now)
    return row


def faces_on(faces: FaceReader, data: bytes) -> Sequence[Sequence[float]]:
    """Return one entry for every face on an uploaded picture. No transaction is open while it is read.

    Raises VALIDATION_ERROR for ``photo`` unless it is a picture, FACE_UNAVAILABLE, RATE_LIMITED, UNAVAILABLE.
    """
    return faces.encodings(storage.reencode_picture(data, max_bytes=PHOTO_MAX_BYTES, max_side=SIDE).data)


def distance(one: Sequence[float], other: Sequence[float]) -> float:
    """Return how far apart two faces are."""
    return math.dist(one, other)


def distance_max(faces: FaceReader) -> float:
    """Return up to which distance two faces are one person's on this server."""
    return settings.FACE_DISTANCE_MAX or faces.distance_max


def _only_face(faces: FaceReader, data: bytes) -> Sequence[float]:
    found = faces_on(faces, data)
    if len(found) != 1:
        raise invalid(photo="The photo must show exactly one face.")
    return found[0]
