"""Who was there. Source: v1 contract, attendance."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.response import Response

from accounts.states import V1_ROLES, Role
from cbt.faces.v1.serializers import V1MessageOut
from cbt.faces.v1.views.base import (
    LIST_HEADERS,
    ONE_ERRORS,
    PAGES,
    READ_ERRORS,
    STAFF,
    V1View,
    listed,
    rows_of,
)  # fmt: skip
from cbt.http.face import Ok
from cbt.http.fields import Input, OutputSerializer
from cbt.http.pages import choice_of, int_of
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Scope
from cbt.kernel import clock
from cbt.kernel.errors import ErrorCode as E
from proctoring.models import Attendance
from proctoring.selectors.attendance import attendance_for, attendance_list_for
from proctoring.services.attendance import (
    attendance_change,
    attendance_check_in,
    attendance_record,
    attendance_remove,
)  # fmt: skip
from proctoring.services.faces import face_check_in, face_enroll, face_forget
from proctoring.services.photos import PHOTO_MAX_BYTES
from proctoring.states import AttendanceStatus

STATUSES = [word.value for word in AttendanceStatus]
STUDENTS = (Role.STUDENT,)
EXAMPLE = {"test_id": 1, "user_id": 2, "status": "present"}
MAX_ID = 2**53


class V1AttendanceIn(Input):
    """An attendance. A student checks in with the own id; the server's clock then decides the status."""

    test_id = serializers.IntegerField(min_value=1, max_value=MAX_ID)
    user_id = serializers.IntegerField(min_value=1, max_value=MAX_ID)
    status = serializers.ChoiceField(STATUSES)


class V1AttendanceChangeIn(Input):
    """Another status."""

    status = serializers.ChoiceField(STATUSES)


class V1AttendanceOut(OutputSerializer):
    """An attendance."""

    id = serializers.IntegerField()
    test_id = serializers.IntegerField()
    user_id = serializers.IntegerField()
    status = serializers.ChoiceField(STATUSES)
    timestamp = serializers.DateTimeField(source="at")
    method = serializers.CharField(help_text="staff, self or face")


class V1PhotoIn(Input):
    """A picture of a face."""

    photo = serializers.FileField(help_text="JPEG or PNG, at most 2048 KiB", allow_empty_file=True)


class V1FaceIn(V1PhotoIn):
    """A picture of one's own face, and the word that it may be learned."""

    consent = serializers.BooleanField(
        help_text="true: I agree that numbers read from my face are stored until I take them back"
    )

    def validate_consent(self, value: bool) -> bool:
        """Take nothing but true."""
        if not value:
            raise serializers.ValidationError("The consent must be given.")
        return value


class V1FaceCheckInIn(V1PhotoIn):
    """A picture of a face, and the test to check in to."""

    test_id = serializers.IntegerField(min_value=1, max_value=MAX_ID)


def filtered(request: Request) -> QuerySet[Attendance]:
    """Return the records the caller may see, narrowed by the request's filters."""
    filters = {
        "test_id": int_of(request, "test_id"),
        "user_id": int_of(request, "user_id"),
        "status": choice_of(request, "status", set(STATUSES)),
    }
    given: dict[str, Any] = {name: value for name, value in filters.items() if value is not None}
    return attendance_list_for(request.actor).filter(**given)


class Attendances(V1View):
    """All records the caller may see."""

    scope = Scope.SELF

    @documented(
        "List attendance: all for an admin, of own tests for an instructor, one's own for a student",
        bare=rows_of(V1AttendanceOut),
        is_tagged=True,
        headers=LIST_HEADERS,
        errors=(*READ_ERRORS, E.VALIDATION_ERROR),
        query=[("test_id", "of this test"), ("user_id", "of this user"), ("status", ", ".join(STATUSES)), *PAGES],
    )
    def get(self, request: Request) -> Ok:
        """Return them oldest first."""
        return listed(filtered(request), request, lambda row: V1AttendanceOut(row).data)

    @documented(
        "Record attendance, or check in as a student (a second check-in gets the first record)",
        request=V1AttendanceIn, bare=V1AttendanceOut, status=201, errors=(*READ_ERRORS, E.VALIDATION_ERROR, E.CONFLICT),
        example=EXAMPLE,
    )  # fmt: skip
    def post(self, request: Request) -> Ok:
        """Store a record."""
        actor, data, now = request.actor, V1AttendanceIn.parse(request), clock.now()
        if actor.role == Role.STUDENT:
            made = attendance_check_in(test_id=data["test_id"], user_id=data["user_id"], now=now, actor=actor)
        else:
            made = attendance_record(**{**data, "status": AttendanceStatus(data["status"])}, now=now, actor=actor)
        return Ok(V1AttendanceOut(made).data, status=201)


class OneAttendance(V1View):
    """One record."""

    roles = {"get": V1_ROLES, "put": STAFF, "delete": STAFF}
    scope = Scope.SELF

    @documented("Show a record", bare=V1AttendanceOut, is_tagged=True, errors=ONE_ERRORS)
    def get(self, request: Request, attendance: int) -> Ok:
        """Show it."""
        return Ok(V1AttendanceOut(attendance_for(request.actor, attendance)).data)

    @documented(
        "Change a record's status", request=V1AttendanceChangeIn, bare=V1AttendanceOut,
        errors=(*ONE_ERRORS, E.VALIDATION_ERROR), example={"status": "excused"},
    )  # fmt: skip
    def put(self, request: Request, attendance: int) -> Ok:
        """Change it; test and person of a record stay."""
        status = AttendanceStatus(V1AttendanceChangeIn.parse(request)["status"])
        changed = attendance_change(
            attendance_id=attendance, status=status, now=clock.now(), actor=request.actor
        )  # fmt: skip
        return Ok(V1AttendanceOut(changed).data)

    @documented("Remove a record", status=204, errors=ONE_ERRORS)
    def delete(self, request: Request, attendance: int) -> Response:
        """Remove it."""
        attendance_remove(attendance_id=attendance, actor=request.actor)
        return Response(status=204)


class FaceEnroll(V1View):
    """Learning a student's face, and forgetting it."""

    roles = STUDENTS
    rate = Rate.MAIL
    scope = Scope.SELF
    max_body_bytes = PHOTO_MAX_BYTES + 64 * 1024

    @documented(
        "Enroll one's face, in place of one enrolled before; 501 where the server has no face recognition",
        request=V1FaceIn, bare=V1MessageOut, multipart=True,
        errors=(*READ_ERRORS, E.VALIDATION_ERROR, E.FACE_UNAVAILABLE, E.UNAVAILABLE),
    )  # fmt: skip
    def post(self, request: Request) -> Ok:
        """Read the face, keep the numbers."""
        face_enroll(data=V1FaceIn.parse(request)["photo"].read(), now=clock.now(), actor=request.actor)
        return Ok({"message": "Face enrolled"})

    @documented("Take one's enrolled face back; also where there is none", status=204, errors=READ_ERRORS)
    def delete(self, request: Request) -> Response:
        """Forget it."""
        face_forget(actor=request.actor)
        return Response(status=204)


class FaceCheckIn(V1View):
    """Checking in by face."""

    roles = STUDENTS
    rate = Rate.MAIL
    scope = Scope.SELF
    max_body_bytes = PHOTO_MAX_BYTES + 64 * 1024

    @documented(
        "Check in by face; 501 where the server has no face recognition",
        request=V1FaceCheckInIn, bare=V1AttendanceOut, status=201, multipart=True,
        errors=(*READ_ERRORS, E.VALIDATION_ERROR, E.FACE_UNAVAILABLE, E.UNAVAILABLE),
    )  # fmt: skip
    def post(self, request: Request) -> Ok:
        """Compare, then record."""
        data = V1FaceCheckInIn.parse(request)
        made = face_check_in(
            test_id=data["test_id"], data=data["photo"].read(), now=clock.now(), actor=request.actor
        )  # fmt: skip
        return Ok(V1AttendanceOut(made).data, status=201)
