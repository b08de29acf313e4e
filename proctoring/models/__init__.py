"""Rows about watching."""

from proctoring.models.attendance import Attendance
from proctoring.models.photo import Photo

__all__ = ["Attendance", "Photo"]
