"""Reads of attendance, within what the reader may see."""

from django.db.models import QuerySet

from accounts.states import Role
from cbt.kernel.actor import Actor
from cbt.kernel.errors import not_found
from proctoring.models import Attendance


def attendance_list_for(actor: Actor) -> QuerySet[Attendance]:
    """Return records oldest first: all for an admin, those of own tests for an instructor, own ones for a student."""
    rows = Attendance.objects.order_by("pk")
    if actor.is_super_admin:
        return rows
    if actor.role == Role.INSTRUCTOR:
        return rows.filter(test__owner_id=actor.id)
    if actor.role == Role.STUDENT:
        return rows.filter(user_id=actor.id or 0)
    return rows.none()


def attendance_for(actor: Actor, attendance_id: int) -> Attendance:
    """Return one record as `attendance_list_for`. Raises NOT_FOUND, alike for absent and foreign ones."""
    row = attendance_list_for(actor).filter(pk=attendance_id).first()
    if row is None:
        raise not_found()
    return row
