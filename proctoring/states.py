"""The words of proctoring's columns."""

from enum import StrEnum


class AttendanceStatus(StrEnum):
    """Contract values; never translated. excused: absent with leave."""

    PRESENT = "present"
    LATE = "late"
    ABSENT = "absent"
    EXCUSED = "excused"


class AttendanceMethod(StrEnum):
    """How somebody's attendance came to be known: told by staff, by themself, or by a picture of the face."""

    STAFF = "staff"
    SELF = "self"
    FACE = "face"
