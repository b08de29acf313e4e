"""Rows about watching."""

from proctoring.models.attendance import Attendance
from proctoring.models.face import FaceEnrolment
from proctoring.models.photo import Photo

__all__ = ["Attendance", "FaceEnrolment", "Photo"]
