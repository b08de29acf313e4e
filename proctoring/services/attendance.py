"""Recording who was there. Source: v1 contract, attendance; decisions "v1 roles"."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.selectors.people import named_people_for
from accounts.states import Role
from catalog.models import Test
from catalog.selectors.offers import class_tests_for
from cbt.kernel import audit, clock
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode, invalid, not_found
from cbt.kernel.feed import News
from proctoring.models import Attendance
from proctoring.selectors.attendance import attendance_for
from proctoring.services.locks import lock_attendance
from proctoring.services.news import attendance_tell
from proctoring.states import AttendanceMethod, AttendanceStatus


def attendance_record(
    *, test_id: int, user_id: int, status: AttendanceStatus, now: datetime, actor: Actor
) -> Attendance:
    """Record somebody's attendance at one of the actor's tests (an admin's are all). Once for each person and test.

    Raises VALIDATION_ERROR for a test or a user the actor cannot choose, CONFLICT where there is a record.
    """
    test = _test(actor, test_id)
    user = named_people_for(actor).filter(pk=user_id).first()
    if user is None:
        raise invalid(user_id="The selected user id is invalid.")
    made = _store(test, user, status, AttendanceMethod.STAFF, now, actor)
    if made is None:
        raise DomainError(ErrorCode.CONFLICT, "Attendance has been recorded already; change the record instead.")
    return made


def attendance_check_in(
    *, test_id: int, user_id: int, now: datetime, actor: Actor, method: AttendanceMethod = AttendanceMethod.SELF
) -> Attendance:
    """Check a student in to a test; the server's clock says whether late. A record there is already stands.

    Late: more than ATTENDANCE_LATE_MINUTES after the test's start; never, where it has none.
    Raises FORBIDDEN for anybody else than oneself, VALIDATION_ERROR for a test the student cannot see.
    """
    if user_id != actor.id:
        raise DomainError(ErrorCode.FORBIDDEN, "Unauthorized")
    test = _test(actor, test_id)
    user = User.objects.get(pk=user_id)
    status = status_at(test.starts_at, now)
    made = _store(test, user, status, method, now, actor)
    return made or Attendance.objects.get(test=test, user=user)


def status_at(starts_at: datetime | None, now: datetime) -> AttendanceStatus:
    """Return what somebody who comes now is."""
    if starts_at is None or now <= starts_at + timedelta(minutes=settings.ATTENDANCE_LATE_MINUTES):
        return AttendanceStatus.PRESENT
    return AttendanceStatus.LATE


@transaction.atomic
def attendance_change(*, attendance_id: int, status: AttendanceStatus, now: datetime, actor: Actor) -> Attendance:
    """Give a record another status. Raises NOT_FOUND, also for what is not the actor's; FORBIDDEN for students."""
    row = _locked(attendance_id, actor)
    before, row.status = row.status, status
    row.at, row.by_id, row.method = now, actor.id, AttendanceMethod.STAFF
    row.save(update_fields=["status", "at", "by_id", "method"])
    audit.record("proctoring.attendance.changed", actor=actor, obj=row, status=row.status, old_status=before)
    attendance_tell(row, News.ATTENDANCE_CHANGED, now)
    return row


@transaction.atomic
def attendance_remove(*, attendance_id: int, actor: Actor) -> None:
    """Remove a record; the trail keeps what it said. Raises as `attendance_change`."""
    row = _locked(attendance_id, actor)
    audit.record(
        "proctoring.attendance.removed", actor=actor, obj=row,
        test_id=row.test_id, user_id=row.user_id, status=row.status,
    )  # fmt: skip
    attendance_tell(row, News.ATTENDANCE_REMOVED, clock.now())
    row.delete()


def _locked(attendance_id: int, actor: Actor) -> Attendance:
    if actor.role == Role.STUDENT:
        raise DomainError(ErrorCode.FORBIDDEN, "Unauthorized")
    row = lock_attendance(attendance_for(actor, attendance_id).pk)
    if row is None:
        raise not_found()
    return row


def _test(actor: Actor, test_id: int) -> Test:
    test = class_tests_for(actor).filter(pk=test_id).first()
    if test is None:
        raise invalid(test_id="The selected test id is invalid.")
    return test


def _store(
    test: Test, user: User, status: AttendanceStatus, method: AttendanceMethod, now: datetime, actor: Actor
) -> Attendance | None:
    """Store a record with its trail; None where there is one. The unique pair decides between twins."""
    row = Attendance(test=test, user=user, status=status, method=method, at=now, by_id=actor.id, created_at=now)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            audit.record(
                "proctoring.attendance.recorded", actor=actor, obj=row,
                test_id=test.pk, user_id=user.pk, status=str(status), method=str(method),
            )  # fmt: skip
            attendance_tell(row, News.ATTENDANCE_RECORDED, now)
    except IntegrityError:
        if Attendance.objects.filter(test=test, user=user).exists():
            return None
        raise
    return row
