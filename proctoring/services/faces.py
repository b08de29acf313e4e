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
from cbt.kernel.errors import DomainError, ErrorCode, invalid
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
    unavailable = DomainError(ErrorCode.FACE_UNAVAILABLE, "Face recognition is not installed on this server.")
    if not settings.FACE_MATCHER:
        if not vision.is_installed():
            raise unavailable
        return vision.DlibFaces()
    try:
        found: FaceReader = import_string(settings.FACE_MATCHER)()
    except ImportError as error:
        raise unavailable from error
    return found


def face_enroll(*, data: bytes, now: datetime, actor: Actor) -> FaceEnrolment:
    """Learn the actor's own face, in place of what was learned before. The caller has asked for their consent.

    Raises FACE_UNAVAILABLE, RATE_LIMITED, VALIDATION_ERROR for ``photo`` unless it shows exactly one face.
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
    distance = math.dist(_only_face(faces, data), known.encoding)
    if not distance <= (settings.FACE_DISTANCE_MAX or faces.distance_max):
        audit.record("proctoring.face.refused", actor=actor, obj=known, test_id=test_id, distance=round(distance, 3))
        raise invalid(photo="The photo does not show the enrolled face.")
    row = attendance_check_in(
        test_id=test_id, user_id=actor.id or 0, now=now, actor=actor, method=AttendanceMethod.FACE
    )
    FaceEnrolment.objects.filter(pk=known.pk).update(used_at=now)
    return row


def _only_face(faces: FaceReader, data: bytes) -> Sequence[float]:
    """Return the numbers of the one face on a picture. No transaction is open while it is read."""
    picture = storage.reencode_picture(data, max_bytes=PHOTO_MAX_BYTES, max_side=SIDE)
    found = faces.encodings(picture.data)
    if len(found) != 1:
        raise invalid(photo="The photo must show exactly one face.")
    return found[0]
