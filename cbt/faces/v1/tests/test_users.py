"""Accounts of this dialect, looked after by admins."""

import pytest

from accounts.models import Login, User
from accounts.services.named import named_create
from accounts.states import Role
from accounts.tests.factories import make_user, token_of
from cbt.kernel.errors import DomainError
from cbt.kernel.models import AuditEvent
from tests.support import Api, error_of, race

pytestmark = pytest.mark.django_db
NEW = {"username": "siti.aminah", "password": "password123", "role": "student"}


@pytest.fixture
def admin(db):
    return make_user(Role.SUPER_ADMIN, email=None, username="admin")


@pytest.fixture
def as_admin(admin):
    return Api(token_of(admin))


def test_create__then_the_documented_shape_and_they_can_sign_in(as_admin, api):
    response = as_admin.post("/v1/users", NEW)
    assert response.status_code == 201
    body = response.json()
    assert set(body) == {"id", "username", "role", "created_at"}
    assert (body["username"], body["role"]) == ("siti.aminah", "student")
    assert body["created_at"].endswith("Z")
    assert api.post("/v1/auth/login", {"username": "siti.aminah", "password": "password123"}).status_code == 200
    assert AuditEvent.objects.filter(action="accounts.user.created", object_id=str(body["id"])).count() == 1


@pytest.mark.parametrize(("role", "stored"), [("admin", "super_admin"), ("instructor", "instructor")])
def test_create__then_each_role(as_admin, role, stored):
    made = as_admin.post("/v1/users", {**NEW, "role": role}).json()
    assert made["role"] == role
    assert User.objects.get(pk=made["id"]).role == stored


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"password": "short"}, "password"), ({"password": "x" * 129}, "password"), ({"password": 1e8}, "password"),
        ({"username": "ab"}, "username"), ({"username": "a b c"}, "username"), ({"username": "a@b.test"}, "username"),
        ({"username": "removed:1"}, "username"), ({"username": "x" * 151}, "username"),
        ({"username": "日本語"}, "username"), ({"role": "super_admin"}, "role"), ({"role": "tenant_admin"}, "role"),
        ({"role": ""}, "role"),
    ],
)  # fmt: skip
def test_create__when_a_field_is_wrong__then_422_names_it(as_admin, change, field):
    body = error_of(as_admin.post("/v1/users", {**NEW, **change}), 422, "VALIDATION_ERROR")
    assert list(body["errors"]) == [field]
    assert User.objects.count() == 1


def test_create__when_the_username_is_taken_in_another_case__then_422(as_admin):
    as_admin.post("/v1/users", NEW)
    body = error_of(as_admin.post("/v1/users", {**NEW, "username": "SITI.Aminah"}), 422, "VALIDATION_ERROR")
    assert body["errors"] == {"username": ["The username has already been taken."]}


@pytest.mark.parametrize("role", [Role.TENANT_ADMIN, Role.PUBLIC_USER, Role.PARTICIPANT])
def test_reads__when_of_another_dialect__then_403(admin, role):
    api = Api(token_of(make_user(role)))
    for path in ("/v1/users", f"/v1/users/{admin.pk}"):
        error_of(api.get(path), 403, "FORBIDDEN")


def test_reads__then_students_for_an_instructor_and_oneself_for_all(admin):
    names = {"student1": Role.STUDENT, "student2": Role.STUDENT, "teacher": Role.INSTRUCTOR, "other": Role.INSTRUCTOR}
    made = {name: make_user(role, email=None, username=name) for name, role in names.items()}
    shut = make_user(Role.STUDENT, email=None, username="gone", is_active=False)
    everyone = [*made.values(), shut, admin]
    for reader, seen in (("teacher", ["student1", "student2", "teacher"]), ("student1", ["student1"])):
        api = Api(token_of(made[reader]))
        response = api.get("/v1/users")
        assert [row["username"] for row in response.json()] == seen
        assert response.headers["X-Total-Count"] == str(len(seen))
        assert [user.username for user in everyone if api.get(f"/v1/users/{user.pk}").status_code == 200] == seen
        error_of(api.get(f"/v1/users/{admin.pk}"), 404, "NOT_FOUND")
    assert api.get("/v1/users?role=instructor").json() == []
    assert api.get("/v1/users?search=student2").json() == []


@pytest.mark.parametrize("role", [Role.INSTRUCTOR, Role.STUDENT, Role.TENANT_ADMIN, Role.PUBLIC_USER])
def test_writes__when_no_admin__then_403(admin, role):
    api = Api(token_of(make_user(role)))
    error_of(api.delete(f"/v1/users/{admin.pk}"), 403, "FORBIDDEN")
    error_of(api.post("/v1/users", {**NEW, "role": "admin"}), 403, "FORBIDDEN")
    error_of(api.put(f"/v1/users/{admin.pk}", {"role": "admin"}), 403, "FORBIDDEN")


def test_list__then_an_array_with_headers_and_no_other_dialects(as_admin, admin):
    others = [make_user(Role.STUDENT, email=None, username=f"student{number}") for number in range(4)]
    make_user(Role.PUBLIC_USER)
    response = as_admin.get("/v1/users")
    assert [row["id"] for row in response.json()] == [admin.pk, *(other.pk for other in others)]
    assert response.headers["X-Total-Count"] == "5"
    assert "Link" not in response.headers


def test_list__when_paged__then_link_leads_on(as_admin):
    for number in range(4):
        make_user(Role.STUDENT, email=None, username=f"student{number}")
    response = as_admin.get("/v1/users?per_page=2&page=2&role=student&search=student")
    assert [row["username"] for row in response.json()] == ["student2", "student3"]
    assert response.headers["X-Total-Count"] == "4"
    base = "http://testserver/v1/users?role=student&search=student&per_page=2"
    assert response.headers["Link"] == (
        f'<{base}&page=1>; rel="first", <{base}&page=1>; rel="prev", <{base}&page=2>; rel="last"'
    )


def test_list__when_limit_is_sent__then_the_page_form(as_admin, admin):
    body = as_admin.get("/v1/users?limit=1").json()
    assert (set(body), body["total"], body["page"], body["limit"]) == ({"data", "total", "page", "limit"}, 1, 1, 1)
    assert body["data"][0]["id"] == admin.pk


def test_list__when_nothing_changed__then_304_and_a_change_shows_at_once(as_admin):
    tag = as_admin.get("/v1/users").headers["ETag"]
    kept = as_admin.get("/v1/users", headers={"If-None-Match": tag})
    assert (kept.status_code, kept.content, kept.headers["ETag"]) == (304, b"", tag)
    as_admin.post("/v1/users", NEW)
    fresh = as_admin.get("/v1/users", headers={"If-None-Match": tag})
    assert (fresh.status_code, len(fresh.json())) == (200, 2)


def test_show__then_the_documented_shape_and_404_for_other_dialects(as_admin, admin):
    assert set(as_admin.get(f"/v1/users/{admin.pk}").json()) == {"id", "username", "role", "created_at"}
    buyer = make_user(Role.PUBLIC_USER)
    for number in (buyer.pk, 10**9):
        error_of(as_admin.get(f"/v1/users/{number}"), 404, "NOT_FOUND")
        error_of(as_admin.put(f"/v1/users/{number}", {"role": "admin"}), 404, "NOT_FOUND")
        error_of(as_admin.delete(f"/v1/users/{number}"), 404, "NOT_FOUND")


def test_update__when_a_password_is_given__then_logins_end(as_admin, api):
    user = make_user(Role.STUDENT, email=None, username="siti")
    token = token_of(user)
    changed = as_admin.put(f"/v1/users/{user.pk}", {"password": "password456"})
    assert changed.json()["username"] == "siti"
    error_of(Api(token).post("/v1/auth/logout"), 401, "UNAUTHENTICATED")
    assert api.post("/v1/auth/login", {"username": "siti", "password": "password456"}).status_code == 200


def test_update__when_the_role_changes__then_logins_end(as_admin):
    user = make_user(Role.STUDENT, email=None, username="siti")
    token_of(user)
    assert as_admin.put(f"/v1/users/{user.pk}", {"role": "instructor"}).json()["role"] == "instructor"
    assert Login.objects.filter(user=user, revoked_at=None).count() == 0


def test_update__when_it_is_oneself__then_no_other_role(as_admin, admin):
    make_user(Role.SUPER_ADMIN)
    error_of(as_admin.put(f"/v1/users/{admin.pk}", {"role": "student"}), 400, "BUSINESS_RULE")


def test_delete__then_gone_and_the_name_is_free(as_admin):
    made = as_admin.post("/v1/users", NEW).json()
    response = as_admin.delete(f"/v1/users/{made['id']}")
    assert (response.status_code, response.content) == (204, b"")
    error_of(as_admin.get(f"/v1/users/{made['id']}"), 404, "NOT_FOUND")
    assert as_admin.post("/v1/users", NEW).status_code == 201


def test_delete__when_the_last_admin__then_refused(as_admin, admin):
    error_of(as_admin.delete(f"/v1/users/{admin.pk}"), 400, "BUSINESS_RULE")
    assert User.objects.filter(pk=admin.pk, is_active=True).exists()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_delete__when_two_admins_remove_each_other__then_one_is_left():
    pair = [make_user(Role.SUPER_ADMIN, email=None, username=f"admin{number}") for number in range(2)]
    tokens = [token_of(user) for user in pair]
    results = race(2, lambda index: Api(tokens[index]).delete(f"/v1/users/{pair[1 - index].pk}").status_code)
    assert sorted(results)[0] == 204
    assert results.count(204) == 1
    assert User.objects.filter(role=Role.SUPER_ADMIN, is_active=True).count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_create__when_eight_race_for_one_name_in_two_cases__then_one():
    def act(index):
        name = "Twin.User" if index % 2 else "twin.user"
        return named_create(username=name, password="password123", role=Role.STUDENT)

    results = race(8, act)
    refused = [one for one in results if isinstance(one, DomainError)]
    assert len(refused) == 7
    assert {str(one.fields) for one in refused} == {"{'username': ['The username has already been taken.']}"}
    assert User.objects.count() == 1
