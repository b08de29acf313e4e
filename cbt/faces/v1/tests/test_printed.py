"""Every request the v1 guide lists, in its order, with the members and types it prints.

Tasks 3 (tokens, roles), 5 (version, documentation), 6 (rates), 7 (files), 9 (health) and "API Endpoints Reference".
"""

import pytest
from django.test import RequestFactory
from django.urls import include, path
from drf_spectacular.generators import SchemaGenerator

from accounts.states import Role
from accounts.tests.factories import PASSWORD, token_of
from cbt.faces.v1.tests.factories import make_named
from cbt.http.rates import Rate, enforce
from tests.calls import Form
from tests.printed import ADDED, MOMENT, NOTHING, NUMBER, Case, Error, replay
from tests.routes import ROUTES, shape_of
from tests.support import Api, error_of
from tests.world import upload

pytestmark = pytest.mark.django_db

USER = {"id": int, "username": str, "role": str, "created_at": MOMENT}
TEST_ROW = {"id": int, "title": str, "description": str, "created_at": MOMENT}
_FOR_TAKERS = {"id": str, "text": str, "options": [{"id": str, "text": str}]}
_MORE_OF_TEST = {"updated_at": MOMENT, "owner_id": int, "is_active": bool, "starts_at": (None, MOMENT)}
TEST = {**TEST_ROW, "questions": [{**_FOR_TAKERS, "correct_option": str, "points": NUMBER}], ADDED: _MORE_OF_TEST}
TEST_FOR_TAKERS = {**TEST_ROW, "questions": [_FOR_TAKERS], ADDED: _MORE_OF_TEST}
ATTENDANCE = {
    "id": int, "test_id": int, "user_id": int, "status": str, "timestamp": MOMENT, ADDED: {"method": str},
}  # fmt: skip
QUESTIONS = [
    {"id": "q1", "text": "2 + 2?", "options": [{"id": "a", "text": "3"}, {"id": "b", "text": "4"}],
     "correct_option": "b"},
]  # fmt: skip
AUTH, USERS, TESTS, ATTENDANCES, FILES = "auth", "users", "tests", "attendance", "files"

CASES = [
    Case(AUTH, "nobody", "POST /v1/auth/login", {"username": "printed.admin", "password": PASSWORD}, 200,
         {"access_token": str, "refresh_token": str, "token_type": str}, {"refresh": "refresh_token"}),
    Case(AUTH, "nobody", "POST /v1/auth/refresh", lambda known: {"refresh_token": known["refresh"]}, 200,
         {"access_token": str, "refresh_token": str}, {"refresh": "refresh_token", "access": "access_token"}),

    Case(USERS, "admin", "POST /v1/users", {"username": "siti", "password": "password123", "role": "student"}, 201,
         USER, {"user": "id"}),
    Case(USERS, "admin", "GET /v1/users", None, 200, [USER]),
    Case(USERS, "admin", "GET /v1/users?limit=2", None, 200,
         {"data": [USER], "total": int, "page": int, "limit": int}),
    Case(USERS, "admin", "GET /v1/users/{user}", None, 200, USER),
    Case(USERS, "admin", "PUT /v1/users/{user}",
         {"username": "siti.a", "password": "password124", "role": "instructor"}, 200, USER),
    Case(USERS, "admin", "DELETE /v1/users/{user}", None, 204, NOTHING),
    Case(USERS, "admin", "GET /v1/users/{user}", None, 404, Error("NOT_FOUND")),

    Case(TESTS, "instructor", "POST /v1/tests",
         {"title": "Sums", "description": "Of two", "questions": QUESTIONS}, 201, TEST, {"test": "id"}),
    Case(TESTS, "student", "GET /v1/tests", None, 200, [TEST_ROW]),
    Case(TESTS, "instructor", "GET /v1/tests/{test}", None, 200, TEST),
    Case(TESTS, "student", "GET /v1/tests/{test}", None, 200, TEST_FOR_TAKERS),
    Case(TESTS, "instructor", "PUT /v1/tests/{test}",
         {"title": "Sums", "description": "Of two numbers", "questions": QUESTIONS}, 200, TEST),
    Case(TESTS, "student", "POST /v1/tests/{test}/submit", {"answers": {"q1": "b"}}, 200,
         {"score": int, "details": dict}),
    Case(TESTS, "student", "POST /v1/tests/{test}/submit", {"answers": {"q9": "b"}}, 200,
         {"score": int, "details": dict}),

    Case(ATTENDANCES, "instructor", "POST /v1/attendance",
         lambda known: {"test_id": known["test"], "user_id": known["pupil"], "status": "present"}, 201, ATTENDANCE,
         {"attendance": "id"}),
    Case(ATTENDANCES, "instructor", "POST /v1/attendance",
         lambda known: {"test_id": known["test"], "user_id": known["pupil"], "status": "late"}, 409, Error("CONFLICT")),
    Case(ATTENDANCES, "instructor", "GET /v1/attendance", None, 200, [ATTENDANCE]),
    Case(ATTENDANCES, "student", "GET /v1/attendance/{attendance}", None, 200, ATTENDANCE),
    Case(ATTENDANCES, "instructor", "PUT /v1/attendance/{attendance}", {"status": "late"}, 200, ATTENDANCE),
    Case(ATTENDANCES, "instructor", "DELETE /v1/attendance/{attendance}", None, 204, NOTHING),
    Case(TESTS, "instructor", "DELETE /v1/tests/{test}", None, 204, NOTHING),

    Case(FILES, "student", "POST /v1/files/upload", Form({"file": upload}), 201, {"filename": str, "url": str},
         {"file": "filename"}),

    Case("roles", "student", "POST /v1/users", {"username": "x.y.z", "password": "password123", "role": "admin"}, 403,
         Error("FORBIDDEN")),
    Case("roles", "instructor", "POST /v1/users", {"username": "x.y.z", "password": "password123", "role": "admin"},
         403, Error("FORBIDDEN")),
    Case("roles", "student", "POST /v1/tests", {"title": "x", "description": "", "questions": QUESTIONS}, 403,
         Error("FORBIDDEN")),
    Case("auth failures", "nobody", "GET /v1/tests", None, 401, Error("UNAUTHENTICATED")),
    Case("auth failures", "nobody", "POST /v1/auth/login", {"username": "printed.admin", "password": "wrong"}, 401,
         Error("INVALID_CREDENTIALS")),
    Case("invalid payloads", "admin", "POST /v1/users", {"username": "siti"}, 422, Error("VALIDATION_ERROR")),
    Case("invalid payloads", "instructor", "POST /v1/tests", {"title": "x", "questions": "none"}, 422,
         Error("VALIDATION_ERROR")),
    Case("invalid payloads", "student", "POST /v1/files/upload", Form({"other": "x"}), 422, Error("VALIDATION_ERROR")),
]  # fmt: skip

LOGOUT = [
    Case(AUTH, "session", "POST /v1/auth/logout", None, 200, {ADDED: {"message": str}}),
    Case(AUTH, "session", "POST /v1/auth/refresh", lambda known: {"refresh_token": known["refresh"]}, 401,
         Error("UNAUTHENTICATED")),
]  # fmt: skip


@pytest.fixture
def people(db):
    admin = make_named(Role.SUPER_ADMIN, username="printed.admin")
    return {"admin": admin, "instructor": make_named(Role.INSTRUCTOR), "student": make_named()}


def test_guide__when_replayed__then_every_listed_request_answers_as_printed(people, media):
    clients = {name: Api(token_of(user)) for name, user in people.items()} | {"nobody": Api()}
    known = {"pupil": people["student"].pk}
    replay(CASES, clients, known)
    replay(LOGOUT, {"session": Api(known["access"])}, known)
    download = clients["student"].get(f"/v1/files/{known['file']}")
    assert (download.status_code, download["Content-Type"]) == (200, "image/png")
    assert b"".join(download.streaming_content).startswith(b"\x89PNG")


def test_guide__then_no_listed_request_lacks_its_case():
    listed = {row.shape for row in ROUTES if row.section == "v1"} - {("POST", "/v1/graphql")}  # a "Future Enhancement"
    replayed = {tuple(case.request.partition("?")[0].split(" ")) for case in (*CASES, *LOGOUT)}
    assert listed - {(method, shape_of(where)) for method, where in replayed} == {("GET", "/v1/files/{}")}
    assert len(listed) == 21


def test_documentation__then_swagger_redoc_and_a_tag_summary_and_description_for_each(client, db):
    for page in ("/docs", "/redoc"):
        assert client.get(page).status_code == 200
    schema = SchemaGenerator(patterns=[path("v1/", include("cbt.faces.v1.urls"))]).get_schema(public=True)
    operations = [one for item in schema["paths"].values() for one in item.values()]
    assert len(operations) == len([row for row in ROUTES if row.face == "v1"])
    assert all(one["summary"] and one["description"] and one["tags"][0].startswith("v1 ") for one in operations)


def test_rates__when_too_many_requests__then_429_in_the_one_error_format(people):
    request = RequestFactory().get("/")
    for _ in range(300):
        enforce(Rate.STAFF, request, user_id=people["student"].pk)
    response = Api(token_of(people["student"])).get("/v1/tests")
    error_of(response, 429, "RATE_LIMITED")
    assert 1 <= int(response["Retry-After"]) <= 60


def test_health__then_database_cache_and_storage_are_checked_and_there_are_metrics(client, db, media):
    health = client.get("/health")
    assert health.status_code == 200
    assert {"database", "cache", "storage"} <= set(health.json()["checks"])
    assert "# TYPE" in client.get("/metrics").content.decode()
