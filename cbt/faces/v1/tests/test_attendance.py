"""Who was there, who may say so, and what the clock says."""

from datetime import timedelta

import pytest
import time_machine
from django.urls import path
from drf_spectacular.generators import SchemaGenerator

from accounts.states import Role
from accounts.tests.factories import make_user, token_of
from cbt.faces.v1.tests.factories import api_of, make_named, make_test
from cbt.faces.v1.views.attendance import Attendances
from cbt.kernel import clock
from cbt.kernel.models import AuditEvent
from proctoring.models import Attendance
from tests.support import Api, error_of, race

pytestmark = pytest.mark.django_db
SHAPE = {"id", "test_id", "user_id", "status", "timestamp"}


@pytest.fixture
def author(db):
    return api_of(Role.INSTRUCTOR)


@pytest.fixture
def pupil(db):
    return make_named()


@pytest.fixture
def student(pupil):
    return Api(token_of(pupil))


def described(view):
    """Return what the OpenAPI document says of a view."""
    schema = SchemaGenerator(patterns=[path("v1/here", view.as_view())]).get_schema(public=True)
    return schema["paths"]["/v1/here"]


def record(api, test, user, status="present"):
    return api.post("/v1/attendance", {"test_id": test, "user_id": user, "status": status})


def test_record__then_the_documented_shape_and_a_trail(author, pupil):
    test = make_test(author)
    response = record(author, test, pupil.pk, "excused")
    assert response.status_code == 201
    row = response.json()
    assert set(row) == SHAPE | {"method"}
    assert (row["test_id"], row["user_id"], row["status"], row["method"]) == (test, pupil.pk, "excused", "staff")
    assert author.get(f"/v1/attendance/{row['id']}").json() == row
    event = AuditEvent.objects.get(action="proctoring.attendance.recorded")
    assert event.data == {"test_id": test, "user_id": pupil.pk, "status": "excused", "method": "staff"}


def test_record__when_there_is_one__then_409_as_its_openapi_entry_says(author, pupil):
    test = make_test(author)
    record(author, test, pupil.pk)
    error_of(record(author, test, pupil.pk, "absent"), 409, "CONFLICT")
    assert list(Attendance.objects.values_list("status", flat=True)) == ["present"]
    answers = described(Attendances)["post"]["responses"]
    assert {status: answer["description"] for status, answer in answers.items()} == {
        "201": "", "400": "INVALID_PAYLOAD", "401": "UNAUTHENTICATED", "403": "FORBIDDEN", "409": "CONFLICT",
        "413": "PAYLOAD_TOO_LARGE", "415": "UNSUPPORTED_MEDIA_TYPE", "422": "VALIDATION_ERROR", "429": "RATE_LIMITED",
    }  # fmt: skip


@pytest.mark.parametrize(
    "change", [{"status": "here"}, {"status": None}, {"test_id": "x"}, {"user_id": 0}, {"test_id": []}]
)
def test_record__when_a_field_is_wrong__then_422(author, pupil, change):
    body = {"test_id": make_test(author), "user_id": pupil.pk, "status": "present", **change}
    fault = error_of(author.post("/v1/attendance", body), 422, "VALIDATION_ERROR")
    assert list(fault["errors"]) == list(change)


def test_record__when_the_test_is_anothers_or_the_user_unknown__then_422_alike(author, pupil):
    test, foreign = make_test(author), make_test(api_of(Role.INSTRUCTOR))
    answers = [error_of(record(author, number, pupil.pk), 422, "VALIDATION_ERROR") for number in (foreign, 10**9)]
    assert answers[0]["errors"] == answers[1]["errors"] == {"test_id": ["The selected test id is invalid."]}
    nobodys = [make_user(Role.PUBLIC_USER), make_named(Role.INSTRUCTOR), make_named(Role.SUPER_ADMIN)]
    for user in (*(one.pk for one in nobodys), 10**9):
        fault = error_of(record(author, test, user), 422, "VALIDATION_ERROR")
        assert fault["errors"] == {"user_id": ["The selected user id is invalid."]}
    assert Attendance.objects.count() == 0


@pytest.mark.parametrize(("minutes", "status"), [(-5, "present"), (10, "present"), (11, "late")])
def test_check_in__then_the_servers_clock_decides(author, student, pupil, minutes, status):
    start = clock.now() + timedelta(hours=1)
    test = make_test(author, starts_at=clock.iso(start))
    start = start.replace(microsecond=0)
    with time_machine.travel(start + timedelta(minutes=minutes), tick=False):
        row = record(student, test, pupil.pk, "excused").json()
    assert (row["status"], row["method"]) == (status, "self")
    assert row["timestamp"] == clock.iso(start + timedelta(minutes=minutes))


def test_check_in__when_the_test_has_no_start__then_present(author, student, pupil):
    assert record(student, make_test(author), pupil.pk, "late").json()["status"] == "present"


def test_check_in__when_repeated__then_the_first_record_stands(author, student, pupil):
    test = make_test(author)
    first = record(author, test, pupil.pk, "absent").json()
    assert record(student, test, pupil.pk).json() == first


def test_check_in__when_for_somebody_else__then_403(author, student):
    error_of(record(student, make_test(author), make_named().pk), 403, "FORBIDDEN")
    assert Attendance.objects.count() == 0


def test_check_in__when_the_test_is_hidden__then_422(author, student, pupil):
    error_of(record(student, make_test(author, is_active=False), pupil.pk), 422, "VALIDATION_ERROR")


def test_list__then_each_sees_their_own(author, student, pupil):
    other = api_of(Role.INSTRUCTOR)
    mine = record(author, make_test(author), pupil.pk).json()["id"]
    theirs = record(other, make_test(other), make_named().pk).json()["id"]
    seen = {api: [row["id"] for row in api.get("/v1/attendance").json()] for api in (author, other, student)}
    assert (seen[author], seen[other], seen[student]) == ([mine], [theirs], [mine])
    assert [row["id"] for row in api_of(Role.SUPER_ADMIN).get("/v1/attendance").json()] == [mine, theirs]
    for api in (author, student):
        error_of(api.get(f"/v1/attendance/{theirs}"), 404, "NOT_FOUND")
    error_of(author.put(f"/v1/attendance/{theirs}", {"status": "late"}), 404, "NOT_FOUND")
    error_of(author.delete(f"/v1/attendance/{theirs}"), 404, "NOT_FOUND")


def test_list__then_filters_and_headers(author, pupil):
    test, second = make_test(author), make_test(author)
    record(author, test, pupil.pk, "late")
    record(author, second, pupil.pk, "absent")
    for query, count in (
        (f"test_id={test}", 1), (f"user_id={pupil.pk}", 2), ("status=late", 1), (f"test_id={test}&status=absent", 0),
    ):  # fmt: skip
        response = author.get(f"/v1/attendance?{query}")
        assert (len(response.json()), response.headers["X-Total-Count"]) == (count, str(count))
    error_of(author.get("/v1/attendance?status=here"), 422, "VALIDATION_ERROR")
    error_of(author.get("/v1/attendance?test_id=x"), 422, "VALIDATION_ERROR")


def test_change_and_remove__then_by_staff_with_a_trail(author, student, pupil):
    row = record(student, make_test(author), pupil.pk).json()
    path = f"/v1/attendance/{row['id']}"
    error_of(student.put(path, {"status": "excused"}), 403, "FORBIDDEN")
    error_of(student.delete(path), 403, "FORBIDDEN")
    changed = author.put(path, {"status": "excused", "user_id": 1, "test_id": 1}).json()
    assert (changed["status"], changed["user_id"], changed["method"]) == ("excused", pupil.pk, "staff")
    assert author.delete(path).status_code == 204
    error_of(author.get(path), 404, "NOT_FOUND")
    actions = AuditEvent.objects.filter(action__startswith="proctoring.attendance").order_by("pk")
    assert [(row.action.rpartition(".")[2], row.data["status"]) for row in actions] == [
        ("recorded", "present"), ("changed", "excused"), ("removed", "excused"),
    ]  # fmt: skip


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_check_in__when_eight_at_once__then_one_record_and_one_trail():
    author, user = api_of(Role.INSTRUCTOR), make_named()
    test, token = make_test(author), token_of(user)
    answers = race(8, lambda _: record(Api(token), test, user.pk))
    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert AuditEvent.objects.filter(action="proctoring.attendance.recorded").count() == 1
