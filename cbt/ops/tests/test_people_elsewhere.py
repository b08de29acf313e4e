"""Accounts that companies and purchases hang on: /api/users where other apps have a say."""

import pytest

from accounts.models import User
from accounts.states import Role
from accounts.tests.factories import make_user, token_of
from catalog.tests.factories import make_offer
from cbt.kernel.models import AuditEvent
from commerce.tests.factories import make_purchase
from tenants.models import CompanyAdmin
from tenants.tests.factories import make_company, make_tenant_admin
from tests.support import Api, data_of, error_of

USERS = "/api/users"
NEW = {"name": "Siti", "email": "siti@example.com", "password": "password123", "role": "public_user"}


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


def test_create__when_tenant_admin_with_company__then_runs_it(api, desk):
    company = make_company()
    shown = data_of(desk.post(USERS, {**NEW, "role": "tenant_admin", "company_id": company.pk}), 201)
    assert shown["company_id"] == company.pk
    row = CompanyAdmin.objects.get(user_id=shown["id"])
    assert (row.company_id, row.is_primary) == (company.pk, True)
    second = {**NEW, "email": "b@example.com", "role": "tenant_admin", "company_id": company.pk}
    assert CompanyAdmin.objects.get(user_id=data_of(desk.post(USERS, second), 201)["id"]).is_primary is False
    data_of(api.post("/api/auth/login", {"email": NEW["email"], "password": NEW["password"]}))


def test_create__when_company_is_shut__then_locked_out(api, desk):
    body = {**NEW, "role": "tenant_admin", "company_id": make_company(is_active=False).pk}
    data_of(desk.post(USERS, body), 201)
    error_of(api.post("/api/auth/login", {"email": NEW["email"], "password": NEW["password"]}), 403, "COMPANY_INACTIVE")


@pytest.mark.parametrize(
    ("role", "message"),
    [
        ("tenant_admin", "The selected company id is invalid."),
        ("public_user", "Only a tenant admin can run a company."),
    ],
)
def test_create__when_company_does_not_fit__then_422_and_nothing_is_stored(desk, role, message):
    body = {**NEW, "role": role, "company_id": 999_999}
    assert error_of(desk.post(USERS, body), 422, "VALIDATION_ERROR")["errors"] == {"company_id": [message]}
    assert User.objects.count() == 1


def test_change__when_runs_a_company__then_role_stays(desk):
    admin = make_tenant_admin(make_company())
    message = "This user is an admin of a company. Remove it from the company first."
    _refused(desk.patch(_url(admin), {"role": "public_user"}), message)
    _refused(desk.patch(_url(admin), {"company_id": make_company().pk}), message)
    assert data_of(desk.patch(_url(admin), {"name": "Other", "company_id": admin.company_id}))["name"] == "Other"


def test_change__when_tenant_admin_without_company__then_can_be_given_one(desk):
    user, company = make_user(), make_company()
    body = {"role": "tenant_admin", "company_id": company.pk}
    assert data_of(desk.patch(_url(user), body))["company_id"] == company.pk
    assert CompanyAdmin.objects.get().user_id == user.pk


def test_delete__when_purchases_refer_to_it__then_deactivated_and_the_message_says_so(api, desk):
    user = make_user()
    purchase = make_purchase(user, make_offer())
    old = Api(token_of(user))
    for _ in range(2):
        response = desk.delete(_url(user))
        assert data_of(response) is None
        assert response.json()["message"] == (
            "User deactivated: purchases or other records refer to this account, so it cannot be deleted"
        )
    assert User.objects.get(pk=user.pk).is_active is False
    purchase.refresh_from_db()
    assert purchase.user_id == user.pk
    error_of(old.get("/api/auth/me"), 401, "UNAUTHENTICATED")
    assert AuditEvent.objects.filter(object_id=str(user.pk), object_type="accounts.user").count() == 1
    assert AuditEvent.objects.filter(action="accounts.user.deactivated").count() == 1


def test_delete__when_it_runs_a_company__then_400_and_it_stays(desk):
    admin = make_tenant_admin(make_company())
    _refused(desk.delete(_url(admin)), "This user is an admin of a company. Remove it from the company first.")
    assert User.objects.get(pk=admin.pk).is_active
