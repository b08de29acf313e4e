"""GET /api/audit: all for staff of the house, a company's own rows for its admins, and no secrets for anybody."""

import pytest
import time_machine

from accounts.states import Role
from accounts.tests.factories import make_user, token_of
from cbt.kernel import audit
from cbt.kernel.actor import SYSTEM, Actor, ActorKind
from cbt.kernel.models import AuditEvent
from cbt.ops.audit_api import without_secrets
from tenants.tests.factories import make_company, make_tenant_admin
from tests.support import PAGE_KEYS, Api, counted_queries, data_of, error_of

AUDIT = "/api/audit"
KEYS = {"id", "at", "action", "actor", "object_type", "object_id", "company_id", "data", "ip", "request_id"}


def act(action="a.b", *, actor=SYSTEM, company=None, obj=None, **data):
    return audit.record(
        action, actor=actor, obj=obj or company or make_user(), company_id=company.pk if company else None, **data
    )


def user_actor(user):
    return Actor(kind=ActorKind.USER, id=user.pk, role=user.role, ip="10.1.2.3")


@pytest.fixture
def boss(db):
    return make_user(Role.SUPER_ADMIN, name="Boss")


@pytest.fixture
def desk(boss):
    return Api(token_of(boss))


def actions(response):
    return [row["action"] for row in data_of(response)["data"]]


def test_list__then_exact_shape_newest_first(api):
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False):
        boss, company = make_user(Role.SUPER_ADMIN, name="Boss"), make_company()
        act("first")
        event = act("tenants.company.shut", actor=user_actor(boss), company=company, reason="late")
        response = api.as_(boss).get(AUDIT)
    assert response.json()["message"] == "Audit trail retrieved successfully"
    page = data_of(response)
    assert set(page) == PAGE_KEYS
    assert page["data"][0] == {
        "id": event.pk, "at": "2026-03-01T08:00:00Z", "action": "tenants.company.shut",
        "actor": {"kind": "user", "id": boss.pk, "name": "Boss"}, "object_type": "tenants.company",
        "object_id": str(company.pk), "company_id": company.pk, "data": {"reason": "late"}, "ip": "10.1.2.3",
        "request_id": "-",
    }  # fmt: skip
    assert page["data"][1]["actor"] == {"kind": "system", "id": None, "name": None}
    assert set(page["data"][1]) == KEYS


def test_list__when_company_admin__then_own_rows_only_and_staff_of_the_house_unnamed(api, boss):
    company, other = make_company(), make_company()
    admin = make_tenant_admin(company, name="Ani")
    AuditEvent.objects.all().delete()
    act("theirs", company=other)
    act("nobodys")
    act("by.staff", actor=user_actor(boss), company=company)
    act("by.self", actor=user_actor(admin), company=company)
    rows = data_of(api.as_(admin).get(AUDIT))["data"]
    assert [row["action"] for row in rows] == ["by.self", "by.staff"]
    assert (rows[0]["actor"], rows[0]["ip"]) == ({"kind": "user", "id": admin.pk, "name": "Ani"}, "10.1.2.3")
    assert (rows[1]["actor"], rows[1]["ip"]) == ({"kind": "user", "id": None, "name": None}, None)


@pytest.mark.parametrize(
    "query", ["company_id={other}", "company={other}", "actor={boss}", "actor_id={boss}&actor_kind=user"]
)
def test_list__when_company_admin_asks_for_others__then_nothing(api, boss, query):
    company, other = make_company(), make_company()
    admin = make_tenant_admin(company)
    act("theirs", company=other)
    act("by.staff", actor=user_actor(boss), company=company)
    assert actions(api.as_(admin).get(f"{AUDIT}?{query.format(other=other.pk, boss=boss.pk)}")) == []


def test_list__when_company_has_no_subscription__then_open(api):
    admin = make_tenant_admin(make_company(with_subscription=False))
    data_of(api.as_(admin).get(AUDIT))


def test_list__when_private_buyer_company_shut_or_nobody__then_refused(api):
    error_of(api.get(AUDIT), 401, "UNAUTHENTICATED")
    assert error_of(api.as_(make_user()).get(AUDIT), 403, "FORBIDDEN")["message"] == "Unauthorized"
    lonely = make_user(Role.TENANT_ADMIN)
    error_of(api.as_(lonely).get(AUDIT), 403, "COMPANY_ADMIN_NOT_FOUND")
    error_of(api.as_(make_user(Role.SUPER_ADMIN)).post(AUDIT), 405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["c.d", "a.bc", "a.b.x", "a.b"]),
        ("?action=a.b", ["a.b.x", "a.b"]),
        ("?action=a.b.", ["a.b.x"]),
        ("?action=a", ["a.bc", "a.b.x", "a.b"]),
        ("?action=a.b.x&action=", ["c.d", "a.bc", "a.b.x", "a.b"]),
        ("?object_type=tenants.company", ["c.d"]),
        ("?object_type=accounts.user&per_page=1", ["a.bc"]),
        ("?object_id=0", []),
        ("?actor_kind=system", ["c.d", "a.bc", "a.b.x"]),
        ("?actor={boss}", ["a.b"]),
        ("?actor={boss}&actor_kind=session", []),
        ("?date_from=2026-03-02", ["c.d", "a.bc"]),
        ("?date_to=2026-03-01", ["a.b.x", "a.b"]),
        ("?date_from=2026-03-01T12:00:00Z&date_to=2026-03-02T11:00:00Z", ["a.b.x", "a.bc"][::-1]),
        ("?company_id=", ["c.d", "a.bc", "a.b.x", "a.b"]),
        ("?page=9", []),
    ],
)
def test_list__when_filtered__then_only_those(api, query, found):
    boss, company, user = make_user(Role.SUPER_ADMIN), make_company(), make_user()
    AuditEvent.objects.all().delete()
    for moment, action, more in [
        ("2026-03-01T10:00:00Z", "a.b", {"actor": user_actor(boss), "obj": user}),
        ("2026-03-01T23:59:59Z", "a.b.x", {"obj": user}),
        ("2026-03-02T10:00:00Z", "a.bc", {"obj": user}),
        ("2026-03-02T12:00:00Z", "c.d", {"company": company}),
    ]:
        with time_machine.travel(moment, tick=False):
            act(action, **more)
    assert actions(api.as_(boss).get(f"{AUDIT}{query.format(boss=boss.pk)}")) == found


@pytest.mark.parametrize(
    ("query", "field"),
    [("actor=x", "actor"), ("company_id=-1", "company_id"), ("actor_kind=god", "actor_kind"),
     ("date_from=x", "date_from"), ("date_to=2026-13-01", "date_to"), ("per_page=0", "per_page")],
)  # fmt: skip
def test_list__when_asked_wrongly__then_422(desk, query, field):
    assert set(error_of(desk.get(f"{AUDIT}?{query}"), 422, "VALIDATION_ERROR")["errors"]) == {field}


def test_list__then_no_secret_is_told(desk):
    token = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    act("a.b", new_password="hunter2", nested={"api_token": "t", "list": [f"link {token}"]}, text="a@example.com", n=1)
    body = desk.get(AUDIT).content.decode()
    for secret in ("hunter2", token, "a@example.com"):
        assert secret not in body
    assert data_of(desk.get(AUDIT))["data"][0]["data"] == {
        "new_password": "[redacted]", "nested": {"api_token": "[redacted]", "list": ["link [token]"]},
        "text": "[address]", "n": 1,
    }  # fmt: skip


def test_without_secrets__then_other_values_stay():
    data = {"a": None, "b": True, "c": 1.5, "d": ["x", {"e": "f"}]}
    assert without_secrets(data) == data


def test_list__when_rows_and_actors_grow__then_queries_do_not(desk):
    def queries(count):
        for _ in range(count):
            act("x", actor=user_actor(make_user()))
        with counted_queries() as statements:
            data_of(desk.get(AUDIT, {"per_page": 100}))
        return len(statements)

    assert (queries(2), queries(18)) == (4, 4)  # login, count, rows, names
