"""Staff looks after accounts: /api/users. Details 2.11, W-9d, W-50, W-58."""

import pytest
import time_machine

from accounts.models import EmailVerification, Login, PasswordReset, PublicProfile, User
from accounts.services.passwords import password_forgot
from accounts.services.people import DomainError, person_remove, person_update
from accounts.services.users import users_lock
from accounts.services.verification import verification_send
from accounts.states import ROLE_PERMISSIONS, Role
from accounts.tests.factories import PASSWORD, make_user, token_of
from accounts.tests.mailbox import mails, query_of
from cbt.kernel.actor import SYSTEM
from cbt.kernel.errors import ErrorCode
from cbt.kernel.models import AuditEvent
from tests.support import PAGE_KEYS, Api, counted_queries, data_of, error_of, run_jobs

USERS = "/api/users"
LISTED = {
    "id", "name", "email", "email_verified_at", "roles", "created_at", "updated_at", "company_id", "is_active",
}  # fmt: skip
ONE = LISTED | {"permissions", "userable"}
NEW = {"name": "Siti", "email": "siti@example.com", "password": "password123", "role": "public_user"}
TOLD = {"phone": "0811", "date_of_birth": "1990-01-01", "address": "Jl. 1", "biodata": {"hobby": "x"}}


@pytest.fixture
def boss(db):
    return make_user(Role.SUPER_ADMIN, name="Boss", email="boss@example.com")


@pytest.fixture
def desk(boss):
    return Api(token_of(boss))


def _url(user):
    return f"{USERS}/{user.pk}"


def _refused(response, message):
    assert error_of(response, 400, "BUSINESS_RULE")["message"] == message


# --- list -------------------------------------------------------------------------------------------


def test_list__then_page_of_user_shapes_newest_first(api):
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False) as clock:
        desk = api.as_(make_user(Role.SUPER_ADMIN, name="Boss"))
        clock.shift(60)
        user = make_user(name="Budi", email="budi@example.com")
        response = desk.get(USERS)
    assert response.json()["message"] == "Users retrieved successfully"
    page = data_of(response)
    assert set(page) == PAGE_KEYS
    assert page["data"][0] == {
        "id": user.pk, "name": "Budi", "email": "budi@example.com", "email_verified_at": "2026-03-01T08:01:00Z",
        "roles": ["public_user"], "created_at": "2026-03-01T08:01:00Z", "updated_at": "2026-03-01T08:01:00Z",
        "company_id": None, "is_active": True,
    }  # fmt: skip
    assert [row["name"] for row in page["data"]] == ["Budi", "Boss"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"role": "public_user"}, ["Citra", "Budi"]),
        ({"role": "tenant_admin"}, ["Ani"]),
        ({"role": ""}, ["Citra", "Ani", "Budi", "Boss"]),
        ({"search": "BUDI"}, ["Budi"]),
        ({"search": "ani@"}, ["Ani"]),
        ({"search": "%"}, []),
        ({"is_active": "false"}, ["Citra"]),
        ({"is_active": "1", "role": "public_user"}, ["Budi"]),
        ({"sort_by": "name", "sort_order": "asc"}, ["Ani", "Boss", "Budi", "Citra"]),
        ({"sort_by": "email"}, ["Citra", "Budi", "Boss", "Ani"]),
        ({"sort_by": "role", "sort_order": "asc", "per_page": 1, "page": 3}, ["Boss"]),
    ],
)
def test_list__when_filtered_or_sorted__then_only_those_in_order(desk, query, names):
    people = [("Budi", Role.PUBLIC_USER), ("Ani", Role.TENANT_ADMIN), ("Citra", Role.PUBLIC_USER)]
    for number, (name, role) in enumerate(people):
        make_user(role, name=name, email=f"{name.lower()}@example.com", is_active=name != "Citra")
        User.objects.filter(name=name).update(created_at=f"2990-01-0{number + 1}T00:00:00Z")
    assert [row["name"] for row in data_of(desk.get(USERS, query))["data"]] == names


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"role": "admin"}, "role"),
        ({"sort_by": "password"}, "sort_by"),
        ({"sort_by": "logins__ip"}, "sort_by"),
        ({"sort_order": "up"}, "sort_order"),
        ({"is_active": "maybe"}, "is_active"),
    ],
)
def test_list__when_asked_wrongly__then_422(desk, query, field):
    assert set(error_of(desk.get(USERS, query), 422, "VALIDATION_ERROR")["errors"]) == {field}


def test_list__when_rows_grow__then_queries_do_not(desk):
    def queries(count):
        for _ in range(count):
            make_user()
        with counted_queries() as statements:
            data_of(desk.get(USERS, {"per_page": 100}))
        return len(statements)

    assert (queries(2), queries(18)) == (4, 4)


@pytest.mark.parametrize("role", [Role.TENANT_ADMIN, Role.PUBLIC_USER])
def test_any__when_not_staff__then_403(api, role):
    other, caller = make_user(), api.as_(make_user(role))
    for response in (
        caller.get(USERS), caller.post(USERS, NEW), caller.get(_url(other)), caller.put(_url(other), {"name": "x"}),
        caller.patch(_url(other), {"name": "x"}), caller.delete(_url(other)),
    ):  # fmt: skip
        assert error_of(response, 403, "FORBIDDEN")["message"] == "Unauthorized"
    assert User.objects.filter(pk=other.pk, name=other.name).exists()


def test_any__when_missing__then_404(desk):
    for response in (
        desk.get(f"{USERS}/999999"), desk.put(f"{USERS}/999999", {"name": "x"}), desk.delete(f"{USERS}/999999"),
    ):  # fmt: skip
        assert error_of(response, 404, "NOT_FOUND")["message"] == "Resource not found"


# --- create -----------------------------------------------------------------------------------------


def test_create__when_private_buyer__then_profile_and_can_sign_in(api, desk, boss):
    response = desk.post(USERS, {**NEW, "userable": TOLD})
    assert response.json()["message"] == "User created successfully"
    shown = data_of(response, 201)
    assert set(shown) == ONE
    assert shown["roles"] == ["public_user"]
    assert set(shown["permissions"]) == {perm.value for perm in ROLE_PERMISSIONS[Role.PUBLIC_USER]}
    assert shown["userable"] == {"id": PublicProfile.objects.get().pk, **TOLD}
    data_of(api.post("/api/auth/login", {"email": NEW["email"], "password": NEW["password"]}))
    event = AuditEvent.objects.get(action="accounts.user.created")
    assert (event.actor_id, event.object_id, event.data) == (boss.pk, str(shown["id"]), {"role": "public_user"})
    assert mails() == []


@pytest.mark.parametrize("userable", [None, {}, {"phone": None}])
def test_create__when_userable_says_nothing__then_empty_profile(desk, userable):
    shown = data_of(desk.post(USERS, {**NEW, "userable": userable}), 201)
    assert shown["userable"] == {
        "id": PublicProfile.objects.get().pk, "phone": None, "date_of_birth": None, "address": None, "biodata": None,
    }  # fmt: skip


@pytest.mark.parametrize("role", ["super_admin", "tenant_admin"])
def test_create__when_other_role__then_no_profile(desk, role):
    shown = data_of(desk.post(USERS, {**NEW, "role": role, "userable": TOLD}), 201)
    assert (shown["roles"], shown["userable"], shown["company_id"]) == ([role], None, None)
    assert PublicProfile.objects.count() == 0


def test_create__when_address_is_to_be_proved__then_link_is_mailed(api, desk):
    shown = data_of(desk.post(USERS, {**NEW, "email_verified": False}), 201)
    assert shown["email_verified_at"] is None
    data_of(api.post("/api/auth/verify-email", {"token": query_of(mails()[0])["token"]}))


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"email": "BOSS@example.com"}, {"email": ["The email has already been taken."]}),
        ({"email": "x"}, {"email": ["The email must be a valid email address."]}),
        ({"password": "short"}, {"password": ["The password must be at least 8 characters."]}),
        ({"role": "admin"}, {"role": ["The selected role is invalid."]}),
        ({"role": None}, {"role": ["The role field is required."]}),
        ({"name": ""}, {"name": ["The name field is required."]}),
        ({"userable": {"phone": "1" * 21}}, {"userable.phone": ["The phone must not be greater than 20 characters."]}),
        ({"userable": "x"}, {"userable.non_field_errors": ["Invalid data. Expected a dictionary, but got str."]}),
    ],
)
def test_create__when_wrong__then_422(desk, change, errors):
    assert error_of(desk.post(USERS, {**NEW, **change}), 422, "VALIDATION_ERROR")["errors"] == errors
    assert User.objects.count() == 1


def test_create__when_empty__then_four_fields_are_named(desk):
    assert set(error_of(desk.post(USERS, {}), 422, "VALIDATION_ERROR")["errors"]) == {
        "name", "email", "password", "role",
    }  # fmt: skip


# --- show -------------------------------------------------------------------------------------------


def test_show__then_permissions_and_profile(desk):
    user = make_user()
    response = desk.get(_url(user))
    assert response.json()["message"] == "User retrieved successfully"
    shown = data_of(response)
    assert set(shown) == ONE
    assert len(shown["permissions"]) == 10
    assert set(shown["userable"]) == {"id", "phone", "date_of_birth", "address", "biodata"}
    with counted_queries() as statements:
        data_of(desk.get(_url(user)))
    assert len(statements) == 2


# --- change -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["put", "patch"])
def test_change__then_only_what_was_sent(desk, method):
    user = make_user(name="Budi", email="budi@example.com")
    token = token_of(user)
    response = getattr(desk, method)(_url(user), {"name": "Budiman", "userable": {"phone": "0811"}})
    assert response.json()["message"] == "User updated successfully"
    shown = data_of(response)
    assert set(shown) == ONE
    assert (shown["name"], shown["email"], shown["userable"]["phone"]) == ("Budiman", "budi@example.com", "0811")
    data_of(Api(token).get("/api/auth/me"))
    event = AuditEvent.objects.get(action="accounts.user.updated")
    assert event.data == {"fields": ["name", "phone"], "role": "public_user", "old_role": "public_user"}


def test_change__when_nothing_or_nulls__then_nothing_changes(desk):
    user = make_user()
    before = data_of(desk.get(_url(user)))
    for body in ({}, dict.fromkeys(["name", "email", "password", "role", "company_id", "is_active", "userable"])):
        assert data_of(desk.put(_url(user), body)) == before
    assert data_of(desk.put(_url(user), {"name": "", "password": "", "role": ""})) == before
    assert not AuditEvent.objects.exists()


def test_change__when_form_repeats_all__then_own_unchanged_email_is_accepted(desk):
    user = make_user(email="budi@example.com")
    body = {"name": user.name, "email": "budi@example.com", "role": "public_user", "is_active": True}
    assert data_of(desk.put(_url(user), body))["email"] == "budi@example.com"
    assert mails() == []


def test_change__when_email_is_anothers__then_422(desk):
    user = make_user()
    body = error_of(desk.put(_url(user), {"email": "Boss@Example.com", "name": "x"}), 422, "VALIDATION_ERROR")
    assert body["errors"] == {"email": ["The email has already been taken."]}
    assert User.objects.get(pk=user.pk).name == user.name


def test_change__when_staff_sets_an_email__then_counts_at_once_and_the_old_one_is_told(api, desk):
    user = make_user(email="old@example.com")
    password_forgot(email=user.email)
    run_jobs()
    verification_send(user=user, email="wanted@example.com")
    shown = data_of(desk.patch(_url(user), {"email": "new@example.com"}))
    assert shown["email"] == "new@example.com"
    assert shown["email_verified_at"] is not None
    data_of(api.post("/api/auth/login", {"email": "new@example.com", "password": PASSWORD}))
    told = [message for message in mails() if message.subject == "Email Akun Diubah - RuangTes"]
    assert [message.to for message in told] == [["old@example.com"]]
    assert "n•••@example.com" in told[0].body
    assert PasswordReset.objects.filter(used_at__isnull=True).count() == 0
    assert EmailVerification.objects.filter(used_at__isnull=True).count() == 0


def test_change__when_unproved_account_gets_an_email__then_the_new_one_is_to_be_proved(desk):
    user = make_user(is_verified=False, email="old@example.com")
    verification_send(user=user)
    assert data_of(desk.patch(_url(user), {"email": "new@example.com"}))["email_verified_at"] is None
    links = [message.to[0] for message in mails() if message.subject == "Verifikasi Email - RuangTes"]
    assert links == ["new@example.com"]  # the link to the old address was void before it was sent
    row = EmailVerification.objects.get(used_at__isnull=True)
    assert row.email == "new@example.com"


def test_change__when_it_is_ones_own_email__then_it_has_to_be_proved(desk, boss):
    assert data_of(desk.patch(_url(boss), {"email": "new@example.com"}))["email"] == "boss@example.com"
    assert {message.to[0] for message in mails()} == {"new@example.com", "boss@example.com"}


def test_change__when_password__then_logins_and_links_end(api, desk):
    user = make_user(email="budi@example.com")
    old = Api(token_of(user))
    password_forgot(email=user.email)
    run_jobs()
    verification_send(user=user, email="thief@example.com")
    data_of(desk.patch(_url(user), {"password": "brand-new-1"}))
    error_of(old.get("/api/auth/me"), 401, "UNAUTHENTICATED")
    assert PasswordReset.objects.filter(used_at__isnull=True).count() == 0
    assert EmailVerification.objects.filter(used_at__isnull=True).count() == 0
    data_of(api.post("/api/auth/login", {"email": user.email, "password": "brand-new-1"}))
    assert "brand-new-1" not in str(AuditEvent.objects.values())


def test_change__when_ones_own_password__then_this_login_goes_on(desk, boss):
    other = Api(token_of(boss))
    data_of(desk.patch(_url(boss), {"password": "brand-new-1"}))
    data_of(desk.get(USERS))
    error_of(other.get(USERS), 401, "UNAUTHENTICATED")


def test_change__when_role__then_logins_end_and_a_buyer_gets_a_profile(desk):
    other = make_user(Role.SUPER_ADMIN)
    old = Api(token_of(other))
    shown = data_of(desk.patch(_url(other), {"role": "public_user", "userable": {"phone": "1"}}))
    assert (shown["roles"], shown["userable"]["phone"]) == (["public_user"], "1")
    assert "view_users" not in shown["permissions"]
    error_of(old.get("/api/auth/me"), 401, "UNAUTHENTICATED")
    back = data_of(desk.patch(_url(other), {"role": "super_admin"}))
    assert (back["roles"], back["userable"]) == (["super_admin"], None)
    data_of(desk.patch(_url(other), {"role": "public_user"}))
    assert PublicProfile.objects.count() == 1
    event = AuditEvent.objects.filter(action="accounts.user.updated").last()
    assert (event.data["old_role"], event.data["role"]) == ("super_admin", "public_user")


def test_change__when_oneself__then_neither_role_nor_activity(desk, boss):
    make_user(Role.SUPER_ADMIN)
    _refused(desk.patch(_url(boss), {"role": "public_user"}), "You cannot change your own role.")
    _refused(desk.patch(_url(boss), {"is_active": False}), "You cannot deactivate your own account.")
    _refused(desk.delete(_url(boss)), "You cannot delete your own account.")
    data_of(desk.patch(_url(boss), {"role": "super_admin", "is_active": True, "name": "Chief"}))


def test_change__when_deactivated_and_back__then_shut_and_open(api, desk):
    user = make_user()
    old = Api(token_of(user))
    assert data_of(desk.patch(_url(user), {"is_active": False}))["is_active"] is False
    error_of(old.get("/api/auth/me"), 401, "UNAUTHENTICATED")
    body = {"email": user.email, "password": PASSWORD}
    error_of(api.post("/api/auth/login", body), 401, "INVALID_CREDENTIALS")
    data_of(desk.patch(_url(user), {"is_active": True}))
    data_of(api.post("/api/auth/login", body))


# --- delete -----------------------------------------------------------------------------------------


def test_delete__then_gone_with_logins_profile_and_proofs(desk, boss):
    user = make_user()
    token_of(user)
    verification_send(user=user)
    response = desk.delete(_url(user))
    assert data_of(response) is None
    assert response.json()["message"] == "User deleted successfully"
    assert not User.objects.filter(pk=user.pk).exists()
    assert (PublicProfile.objects.count(), EmailVerification.objects.count(), Login.objects.count()) == (0, 0, 1)
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.object_id) == ("accounts.user.deleted", boss.pk, str(user.pk))
    error_of(desk.delete(_url(user)), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    "act",
    [
        lambda pk: person_remove(user_id=pk, actor=SYSTEM),
        lambda pk: person_update(user_id=pk, role=Role.PUBLIC_USER, actor=SYSTEM),
        lambda pk: person_update(user_id=pk, is_active=False, actor=SYSTEM),
        lambda pk: users_lock(user_ids=[pk], locked=True, actor=SYSTEM),
    ],
)
@pytest.mark.parametrize("other", [None, {"is_active": False}, {"is_locked": True}, {"is_verified": False}])
def test_last_super_admin__then_stays_whoever_asks(boss, act, other):
    """One who cannot sign in does not count as another."""
    if other is not None:
        make_user(Role.SUPER_ADMIN, **other)
    with pytest.raises(DomainError, match="The last super admin cannot be removed") as caught:
        act(boss.pk)
    assert caught.value.code == ErrorCode.BUSINESS_RULE
    boss.refresh_from_db()
    assert (boss.role, boss.is_active, boss.is_locked) == ("super_admin", True, False)
