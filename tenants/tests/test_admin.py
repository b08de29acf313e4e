"""The Django admin as staff uses it."""

import pytest

from accounts.states import Role
from accounts.tests.factories import make_user
from cbt.kernel import clock
from cbt.kernel.models import AuditEvent
from tenants.models import Company, CompanyAdmin, CompanySubscription, SubscriptionPlan
from tenants.services.initial_data import load_plans
from tenants.tests.factories import make_company, make_price, make_subscription, make_tenant_admin
from tests.support import counted_queries

pytestmark = pytest.mark.django_db
BASE = "/admin/tenants"


@pytest.fixture
def staff(client):
    client.force_login(make_user(Role.SUPER_ADMIN))
    return client


def run_action(client, path, action, *rows, follow=True):
    data = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(f"{BASE}/{path}/", data, follow=follow)


@pytest.mark.parametrize(
    "path",
    [
        "company",
        "companyadmin",
        "companysubscription",
        "subscriptionplan",
        "subscriptionprice",
        "invoice",
        "subscriptiontransaction",
    ],
)
def test_pages__when_tenant__then_shut(client, path):
    client.force_login(make_tenant_admin())
    assert client.get(f"{BASE}/{path}/").status_code == 302


def test_companies__then_searched_filtered_and_as_many_queries_for_many(staff):
    def page(**params):
        with counted_queries() as statements:
            html = staff.get(f"{BASE}/company/", params).content.decode()
        return html, len(statements)

    make_tenant_admin(make_company(name="PT Satu", quota=7), email="siti@example.com")
    make_company(name="PT Dua", with_subscription=False)
    make_company(name="PT Lama", with_subscription=False, is_active=False, deleted_at=clock.now())
    html, few = page()
    assert "PT Satu" in html and "PT Dua" in html and "PT Lama" not in html
    assert "0 of 7 used" in html
    assert "PT Dua" not in page(q="siti@example.com")[0]
    assert "PT Satu" not in page(subscribed="no")[0]
    assert "PT Dua" not in page(subscribed="yes")[0]
    assert "PT Lama" in page(deleted="yes")[0]
    for _ in range(15):
        company = make_company()
        make_tenant_admin(company)
        make_subscription(company, status="expired")
    assert page()[1] == few


def test_company__then_its_page_shows_admins_and_subscriptions(staff):
    company = make_company(quota=33)
    user = make_tenant_admin(company, name="Siti")
    html = staff.get(f"{BASE}/company/{company.pk}/change/").content.decode()
    assert "Siti" in html and user.email in html
    assert "33" in html
    assert f"{BASE}/companysubscription/add/?company={company.pk}" in html
    assert f"{BASE}/companyadmin/add/?company={company.pk}" in html


def test_company__when_added_and_changed__then_by_the_services(staff):
    form = {"name": "PT Baru", "email": "baru@example.com", "settings": "{}", "is_active": "on"}
    assert staff.post(f"{BASE}/company/add/", form).status_code == 302
    company = Company.objects.get()
    assert (company.is_active, company.activated_at == company.created_at) == (True, True)
    change = {"name": "PT Lain", "email": "baru@example.com", "settings": '{"a": 1}', "is_active": ""}
    formsets = {
        f"{prefix}-{key}": 0 for prefix in ("admins", "subscriptions") for key in ("TOTAL_FORMS", "INITIAL_FORMS")
    }
    assert staff.post(f"{BASE}/company/{company.pk}/change/", {**change, **formsets}).status_code == 302
    company.refresh_from_db()
    assert (company.name, company.settings, company.is_active) == ("PT Lain", {"a": 1}, True)
    actions = AuditEvent.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["tenants.company.created", "tenants.company.updated"]
    twin = staff.post(f"{BASE}/company/add/", {**form, "email": "BARU@example.com"})
    assert "The email has already been taken." in twin.content.decode()
    assert Company.objects.count() == 1


def test_company__when_shut_opened_and_deleted_by_actions__then_told(staff):
    company = make_company()
    user = make_tenant_admin(company)
    assert "1 deactivated." in run_action(staff, "company", "deactivate", company).content.decode()
    user.refresh_from_db()
    assert user.is_locked is True
    assert "1 activated." in run_action(staff, "company", "activate", company).content.decode()
    assert "1 deleted." in run_action(staff, "company", "delete_softly", company).content.decode()
    company.refresh_from_db()
    assert company.deleted_at is not None
    assert staff.get(f"{BASE}/company/{company.pk}/change/").status_code == 200
    assert staff.post(f"{BASE}/company/{company.pk}/change/", {"name": "x"}).status_code == 403
    assert staff.post(f"{BASE}/company/{company.pk}/delete/", {"post": "yes"}).status_code == 403


def test_admins__when_added_promoted_and_removed__then_by_the_services(staff):
    company = make_company()
    form = {"company": company.pk, "name": "Siti", "email": "siti@example.com", "password": "password123"}
    assert staff.post(f"{BASE}/companyadmin/add/", form).status_code == 302
    again = staff.post(f"{BASE}/companyadmin/add/", form).content.decode()
    assert "The email has already been taken." in again
    first = CompanyAdmin.objects.get()
    assert (first.is_primary, first.user.name) == (True, "Siti")
    second = make_tenant_admin(company).company_admin
    refusal = run_action(staff, "companyadmin", "remove", first).content.decode()
    assert "Make another admin the primary one first." in refusal
    assert "1 made primary." in run_action(staff, "companyadmin", "make_primary", second).content.decode()
    assert "1 removed." in run_action(staff, "companyadmin", "remove", first).content.decode()
    assert list(CompanyAdmin.objects.values_list("pk", "is_primary")) == [(second.pk, True)]
    assert staff.get(f"{BASE}/companyadmin/{second.pk}/change/").status_code == 200
    assert "siti" not in staff.get(f"{BASE}/companyadmin/", {"q": company.name}).content.decode()


def test_subscription__when_granted__then_active_read_only_and_cancelled_by_action(staff):
    company, price = make_company(with_subscription=False), make_price(user_quota=30)
    assert staff.get(f"{BASE}/companysubscription/add/?company={company.pk}").status_code == 200
    form = {"company": company.pk, "price": price.pk, "user_quota": "", "billing_type": "pre_paid"}
    assert staff.post(f"{BASE}/companysubscription/add/", form).status_code == 302
    row = CompanySubscription.objects.get()
    assert (row.status, row.user_quota, row.used_quota) == ("active", 30, 0)
    twin = staff.post(f"{BASE}/companysubscription/add/", form).content.decode()
    assert "The company already has an active or pending subscription." in twin
    page = staff.get(f"{BASE}/companysubscription/{row.pk}/change/").content.decode()
    assert 'name="used_quota"' not in page
    assert staff.post(f"{BASE}/companysubscription/{row.pk}/change/", {"used_quota": 0}).status_code == 403
    assert "1 cancelled." in run_action(staff, "companysubscription", "cancel", row).content.decode()
    row.refresh_from_db()
    assert row.status == "cancelled"
    custom = make_price(row.plan, user_quota=0)
    none = staff.post(f"{BASE}/companysubscription/add/", {**form, "price": custom.pk}).content.decode()
    assert "The user quota must be at least 1." in none
    assert (
        staff.post(f"{BASE}/companysubscription/add/", {**form, "price": custom.pk, "user_quota": 4}).status_code == 302
    )


PLAN = {"name": "Promo", "duration_months": 3, "is_active": "on", "sort_order": 1, "description": ""}


def test_plan__when_made_changed_and_withdrawn__then_by_its_services(staff):
    assert staff.post(f"{BASE}/subscriptionplan/add/", PLAN).status_code == 302
    plan = SubscriptionPlan.objects.get()
    page = staff.get(f"{BASE}/subscriptionplan/{plan.pk}/change/")
    prices = {"prices-TOTAL_FORMS": 0, "prices-INITIAL_FORMS": 0}
    assert page.status_code == 200
    url = f"{BASE}/subscriptionplan/{plan.pk}/change/"
    assert staff.post(url, {**PLAN, **prices, "name": "Lebaran"}).status_code == 302
    assert "Lebaran" in staff.get(f"{BASE}/subscriptionplan/", {"q": "lebaran"}).content.decode()
    run_action(staff, "subscriptionplan", "withdraw", plan)
    plan.refresh_from_db()
    assert (plan.name, plan.deleted_at is None) == ("Lebaran", False)
    actions = list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["tenants.plan.created", "tenants.plan.updated", "tenants.plan.deleted"]


def test_price__when_made_changed_and_removed__then_by_its_services_and_used_ones_stay(staff):
    load_plans()
    plan = SubscriptionPlan.objects.get(seed_key="paket-3-bulan")
    used = plan.prices.get(user_quota=10)
    make_subscription(make_company(with_subscription=False), price=used)
    body = {"plan": plan.pk, "user_quota": 50, "price_amount": "3500000", "price_per_additional_user_amount": ""}
    page = f"{BASE}/subscriptionprice"
    assert staff.get(f"{page}/add/", {"plan": plan.pk}).status_code == 200
    assert staff.post(f"{page}/add/", {**body, "is_active": "on"}).status_code == 302
    made = plan.prices.get(user_quota=50)
    assert made.price_per_additional_user_amount is None
    twice = staff.post(f"{page}/add/", body)
    assert (twice.status_code, bool(twice.context["errors"])) == (200, True)
    assert staff.post(f"{page}/{made.pk}/change/", {**body, "price_amount": "3600000"}).status_code == 302
    made.refresh_from_db()
    assert (made.price_amount, made.is_active) == (3_600_000, False)
    other = SubscriptionPlan.objects.get(seed_key="paket-6-bulan").pk
    moved = staff.post(f"{page}/{used.pk}/change/", {**body, "plan": other, "user_quota": 11})
    assert "must stay with its plan" in moved.content.decode()
    html = run_action(staff, "subscriptionprice", "remove", used, made).content.decode()
    assert "Deactivate it instead" in html and "1 deleted." in html
    assert list(plan.prices.order_by("user_quota").values_list("user_quota", flat=True)) == [0, 5, 10, 30]
    actions = list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["tenants.price.created", "tenants.price.updated", "tenants.price.deleted"]


def test_user__when_made_with_a_company__then_appointed_there_or_told_why_not(staff):
    company = make_company()
    body = {
        "name": "Siti", "email": "siti@example.com", "role": "tenant_admin", "company_id": company.pk,
        "password1": "password123", "password2": "password123", "is_verified": "on",
    }  # fmt: skip
    page = "/admin/accounts/user/add/"
    for wrong in ({"company_id": 909_090}, {"role": "public_user"}):
        answer = staff.post(page, {**body, **wrong})
        assert (answer.status_code, "company_id" in answer.context["adminform"].errors) == (200, True)
    assert not CompanyAdmin.objects.exists()
    assert staff.post(page, body).status_code == 302
    assert CompanyAdmin.objects.get().user.email == "siti@example.com"
