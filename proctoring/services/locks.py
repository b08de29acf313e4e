"""The only place where rows of proctoring are locked."""

from proctoring.models import Attendance


def lock_attendance(attendance_id: int) -> Attendance | None:
    """Lock and return a record of attendance, None when there is none (any more)."""
    return Attendance.objects.select_for_update(of=("self",)).filter(pk=attendance_id).first()
