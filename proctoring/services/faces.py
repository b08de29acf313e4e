"""Knowing people by their face: the port to whatever can. Nothing here recognises anybody."""

from datetime import datetime
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from cbt.kernel import storage
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode, invalid
from proctoring.models import Attendance
from proctoring.services.attendance import attendance_check_in
from proctoring.services.photos import PHOTO_MAX_BYTES
from proctoring.states import AttendanceMethod


class FaceMatcher(Protocol):
    """What the optional extra ``vision`` brings; named by FACE_MATCHER as ``module.Class``, made without arguments.

    Pictures are JPEG or PNG bytes, decoded and written anew by the server. A matcher stores what it needs itself and
    must not keep pictures longer than the house does (PHOTO_RETENTION_DAYS).
    """

    def enroll(self, user_id: int, picture: bytes) -> bool:
        """Learn a face; False where the picture does not show exactly one."""

    def matches(self, user_id: int, picture: bytes) -> bool:
        """Tell whether the picture shows the enrolled face of this user."""


def matcher() -> FaceMatcher:
    """Return the installed matcher. Raises FACE_UNAVAILABLE where there is none."""
    unavailable = DomainError(ErrorCode.FACE_UNAVAILABLE, "Face recognition is not installed on this server.")
    if not settings.FACE_MATCHER:
        raise unavailable
    try:
        found: FaceMatcher = import_string(settings.FACE_MATCHER)()
    except ImportError as error:
        raise unavailable from error
    return found


def face_enroll(*, data: bytes, actor: Actor) -> None:
    """Let the matcher learn the actor's own face. Raises FACE_UNAVAILABLE, VALIDATION_ERROR for ``photo``."""
    faces = matcher()
    picture = storage.reencode_picture(data, max_bytes=PHOTO_MAX_BYTES)
    if not faces.enroll(actor.id or 0, picture.data):
        raise invalid(photo="The photo must show exactly one face.")


def face_check_in(*, test_id: int, data: bytes, now: datetime, actor: Actor) -> Attendance:
    """Check the actor in where the picture shows them. Raises as `face_enroll` and `attendance_check_in`."""
    faces = matcher()
    picture = storage.reencode_picture(data, max_bytes=PHOTO_MAX_BYTES)
    if not faces.matches(actor.id or 0, picture.data):
        raise invalid(photo="The photo does not show the enrolled face.")
    return attendance_check_in(
        test_id=test_id, user_id=actor.id or 0, now=now, actor=actor, method=AttendanceMethod.FACE
    )
