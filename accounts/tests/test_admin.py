"""The Django admin: lists, the add form, and actions that go through services."""

import pytest
from django.test import Client

from accounts.models import Login, User
from accounts.states import Role
from accounts.tests.factories import PASSWORD, make_user, token_of
from accounts.tests.mailbox import mails
from cbt.kernel.models import AuditEvent
from tests.support import Api, counted_queries, data_of, error_of

USERS = "/admin/accounts/user/"
LOGINS = "/admin/accounts/login/"


@pytest.fixture
def boss(db):
    return make_user(Role.SUPER_ADMIN, name="Boss")


@pytest.fixture
def desk(boss):
    client = Client()
    client.force_login(boss)
    return client


def _act(desk, url, action, *objects):
    return desk.post(url, {"action": action, "_selected_action": [str(one.pk) for one in objects]}, follow=True)


def test_sign_in__when_password_is_right__then_only_super_admins_enter(boss):
    for user, status in [(boss, 302), (make_user(), 200), (make_user(Role.TENANT_ADMIN, company_id=1), 200)]:
        response = Client().post("/admin/login/?next=/admin/", {"username": user.email, "password": PASSWORD})
        assert response.status_code == status


@pytest.mark.parametrize("change", [{"is_locked": True}, {"is_active": False}, {"email_verified_at": None}])
def test_session__when_account_is_shut__then_ends_at_once(desk, boss, change):
    assert desk.get(USERS).status_code == 200
    User.objects.filter(pk=boss.pk).update(**change)
    assert desk.get(USERS).status_code == 302


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?q=budi", {"Budi"}),
        ("?q=ANI@EXAMPLE", {"Ani"}),
        ("?role__exact=tenant_admin", {"Ani"}),
        ("?verified=no", {"Budi"}),
        ("?verified=yes", {"Boss", "Ani"}),
        ("?is_locked__exact=1", {"Ani"}),
    ],
)
def test_users__when_searched_or_filtered__then_only_those(desk, query, names):
    make_user(name="Budi", email="b@example.com", is_verified=False)
    make_user(Role.TENANT_ADMIN, name="Ani", email="ani@example.com", company_id=1, is_locked=True)
    found = desk.get(USERS + query).context["cl"].queryset
    assert {user.name for user in found} == names


def test_add__then_user_is_made_by_the_service_and_mailed(desk, boss):
    body = {"name": "Citra", "email": "citra@example.com", "role": "public_user", "company_id": ""}
    assert desk.get(USERS + "add/").status_code == 200
    response = desk.post(USERS + "add/", {**body, "password1": "  password ", "password2": "  password "})
    assert response.status_code == 302, response.context["errors"]
    user = User.objects.get(email="citra@example.com")
    assert (user.role, user.is_verified, user.check_password("  password ")) == ("public_user", False, True)
    assert user.profile.pk
    event = AuditEvent.objects.get(action="accounts.user.created")
    assert (event.actor_id, event.object_id) == (boss.pk, str(user.pk))
    assert mails()[0].to == ["citra@example.com"]


@pytest.mark.parametrize(
    "change", [{"password2": "other-password"}, {"password1": "short", "password2": "short"}, {"email": "BOSS@x.co"}]
)
def test_add__when_wrong__then_form_says_so(desk, boss, change):
    User.objects.filter(pk=boss.pk).update(email="boss@x.co")
    body = {"name": "C", "email": "c@x.co", "role": "public_user", "password1": PASSWORD, "password2": PASSWORD}
    response = desk.post(USERS + "add/", {**body, **change})
    assert response.status_code == 200
    assert response.context["errors"]
    assert User.objects.count() == 1


def test_change__then_only_the_name_can_be_changed(desk):
    user = make_user(name="Budi", email="b@example.com")
    url = f"{USERS}{user.pk}/change/"
    assert desk.get(url).status_code == 200
    desk.post(url, {"name": "Budiman", "email": "evil@example.com", "role": "super_admin", "is_locked": "1"})
    user.refresh_from_db()
    assert (user.name, user.email, user.role, user.is_locked) == ("Budiman", "b@example.com", "public_user", False)
    assert desk.post(f"{USERS}{user.pk}/delete/", {"post": "yes"}).status_code == 403


def test_actions__then_each_goes_through_its_service(desk):
    user = make_user(is_verified=False)
    token = token_of(user)
    _act(desk, USERS, "send_verification", user, make_user())
    assert [message.to for message in mails()] == [[user.email]]
    _act(desk, USERS, "sign_out", user)
    error_of(Api(token).get("/api/auth/me"), 401, "UNAUTHENTICATED")
    _act(desk, USERS, "lock", user)
    assert User.objects.get(pk=user.pk).is_locked
    _act(desk, USERS, "unlock", user)
    assert not User.objects.get(pk=user.pk).is_locked
    assert set(AuditEvent.objects.values_list("action", flat=True)) == {
        "accounts.user.signed_out", "accounts.user.locked", "accounts.user.unlocked",
    }  # fmt: skip


def test_lock__when_it_would_shut_oneself_out__then_refused(desk, boss):
    response = _act(desk, USERS, "lock", boss)
    assert "You cannot lock your own account." in response.content.decode()
    assert not User.objects.get(pk=boss.pk).is_locked


def test_logins__then_read_only_with_revoke(desk):
    user = make_user()
    token, other = token_of(user), token_of(user)
    first = Login.objects.order_by("created_at").first()
    assert desk.get(LOGINS).status_code == 200
    assert desk.get(f"{LOGINS}{first.pk}/change/").status_code == 200
    assert desk.post(f"{LOGINS}{first.pk}/change/", {"scope": "full"}).status_code == 403
    assert desk.get(f"{LOGINS}add/").status_code == 403
    assert desk.post(f"{LOGINS}{first.pk}/delete/", {"post": "yes"}).status_code == 403
    _act(desk, LOGINS, "revoke", first)
    error_of(Api(token).get("/api/auth/me"), 401, "UNAUTHENTICATED")
    data_of(Api(other).get("/api/auth/me"))
    first.refresh_from_db()
    assert first.revoke_reason == "revoked by staff"


@pytest.mark.parametrize("url", [USERS, LOGINS])
def test_lists__when_rows_grow__then_queries_do_not(desk, url):
    def rows(count):
        for _ in range(count):
            token_of(make_user())
        with counted_queries() as statements:
            assert desk.get(url).status_code == 200
        return len(statements)

    assert rows(2) == rows(18)


def test_own_password__when_changed__then_by_the_use_case_and_other_logins_end(desk, boss, api):
    url = "/admin/password_change/"
    caller = api.as_(boss)
    body = {"old_password": PASSWORD, "new_password1": "another-password", "new_password2": "another-password"}
    assert desk.get(url).status_code == 200
    for wrong in (
        {"old_password": "wrong-password"},
        {"new_password2": "other"},
        dict.fromkeys(list(body)[1:], "short"),
    ):
        assert desk.post(url, {**body, **wrong}).status_code == 200
    assert caller.get("/api/auth/me").status_code == 200
    assert desk.post(url, body).status_code == 302
    boss.refresh_from_db()
    assert boss.check_password("another-password")
    assert caller.get("/api/auth/me").status_code == 401
    assert desk.get(USERS).status_code == 200
    assert AuditEvent.objects.filter(action__contains="password", actor_id=boss.pk).exists()
