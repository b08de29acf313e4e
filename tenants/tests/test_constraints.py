"""The rules the database itself holds: rows are written straight into it, past every service."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from accounts.states import Role
from accounts.tests.factories import make_user
from cbt.kernel import clock
from tenants.models import Company, CompanyAdmin, CompanySubscription, SubscriptionPlan
from tenants.states import SubscriptionStatus
from tenants.tests.factories import make_company, make_plan, make_price, make_subscription, make_tenant_admin

pytestmark = pytest.mark.django_db


def refused(act):
    with pytest.raises(IntegrityError), transaction.atomic():
        act()


def test_company_email__when_same_but_for_case__then_refused():
    make_company(email="office@example.com")
    refused(lambda: make_company(email="OFFICE@example.com", with_subscription=False))


def test_company_email__when_first_is_deleted__then_free():
    now = clock.now()
    make_company(email="office@example.com", is_active=False, deleted_at=now)
    make_company(email="office@example.com")
    refused(lambda: make_company(email="office@example.com", with_subscription=False))
    make_company(email="office@example.com", is_active=False, deleted_at=now)


@pytest.mark.parametrize("fact", ["deactivated_at", "deleted_at"])
def test_company_active__when_shut_or_deleted__then_refused(fact):
    company = make_company()
    refused(lambda: Company.objects.filter(pk=company.pk).update(**{fact: clock.now()}))


def test_company_active__when_never_activated__then_refused():
    company = make_company(is_active=False)
    refused(lambda: Company.objects.filter(pk=company.pk).update(is_active=True))


def test_admin__when_user_runs_two_companies__then_refused():
    user = make_tenant_admin()
    now = clock.now()
    refused(lambda: CompanyAdmin.objects.create(user=user, company=make_company(), created_at=now, updated_at=now))


def test_admin__when_second_primary__then_refused():
    company = make_company()
    make_tenant_admin(company)
    refused(lambda: make_tenant_admin(company, is_primary=True))
    make_tenant_admin(company, is_primary=False)
    make_tenant_admin(company, is_primary=False)
    make_tenant_admin(make_company(), is_primary=True)


def test_admin__when_user_is_deleted_below__then_protected():
    user = make_tenant_admin()
    with pytest.raises(ProtectedError):
        user.delete()


def test_price__when_same_quota_in_plan__then_refused():
    plan = make_plan()
    make_price(plan, user_quota=10)
    refused(lambda: make_price(plan, user_quota=10))
    make_price(make_plan(), user_quota=10)


@pytest.mark.parametrize("field", ["price_amount", "price_per_additional_user_amount"])
def test_price__when_negative__then_refused(field):
    plan = make_plan()
    refused(lambda: make_price(plan, **{field: Decimal("-0.01")}))
    make_price(plan, **{field: Decimal("0.00")})


def test_price__when_seeded_tier__then_fits_exactly():
    price = make_price(price_amount=Decimal("9999999999999.99"))
    price.refresh_from_db()
    assert price.price_amount == Decimal("9999999999999.99")


def test_price__when_a_subscription_uses_it__then_protected():
    subscription = make_subscription(make_company(with_subscription=False))
    with pytest.raises(ProtectedError):
        subscription.price.delete()


@pytest.mark.parametrize("months", [0, 1, 4, 24])
def test_plan__when_duration_is_not_offered__then_refused(months):
    refused(lambda: make_plan(duration_months=months))
    assert SubscriptionPlan.objects.count() == 0


@pytest.mark.parametrize("first", ["pending", "active"])
@pytest.mark.parametrize("second", ["pending", "active"])
def test_subscription__when_second_is_open__then_refused(first, second):
    company = make_company(with_subscription=False)
    make_subscription(company, status=first)
    refused(lambda: make_subscription(company, status=second))


def test_subscription__when_others_are_closed__then_any_number():
    company = make_company(with_subscription=False)
    now = clock.now()
    make_subscription(company, status=SubscriptionStatus.EXPIRED)
    make_subscription(company, status=SubscriptionStatus.EXPIRED)
    make_subscription(company, status=SubscriptionStatus.CANCELLED, cancelled_at=now)
    make_subscription(company, status=SubscriptionStatus.PENDING)
    assert company.subscriptions.count() == 4


@pytest.mark.parametrize(
    "change",
    [
        {"used_quota": 6},
        {"used_quota": -1},
        {"user_quota": 2, "used_quota": 3},
        {"status": "running"},
        {"billing_type": "free"},
        {"status": "cancelled"},
        {"status": "active", "cancelled_at": "now"},
        {"expires_at": "start"},
    ],
    ids=str,
)
def test_subscription__when_facts_contradict__then_refused(change):
    subscription = make_subscription(make_company(with_subscription=False), quota=5)
    words = {"now": clock.now(), "start": subscription.started_at}
    row = {name: words.get(value, value) for name, value in change.items()}
    refused(lambda: CompanySubscription.objects.filter(pk=subscription.pk).update(**row))


def test_subscription__when_quota_is_used_up_exactly__then_kept():
    subscription = make_subscription(make_company(with_subscription=False), quota=5)
    assert CompanySubscription.objects.filter(pk=subscription.pk).update(used_quota=5) == 1
    later = subscription.started_at + timedelta(seconds=1)
    assert CompanySubscription.objects.filter(pk=subscription.pk).update(expires_at=later) == 1


def test_admin__when_role_is_other__then_models_do_not_care_but_company_of_does():
    company = make_company()
    user = make_user(Role.PUBLIC_USER)
    now = clock.now()
    CompanyAdmin.objects.create(user=user, company=company, created_at=now, updated_at=now)
    from cbt.kernel.errors import DomainError
    from tenants.selectors.companies import company_of
    from tenants.tests.factories import tenant_actor

    with pytest.raises(DomainError) as caught:
        company_of(tenant_actor(user))
    assert caught.value.code == "COMPANY_ADMIN_NOT_FOUND"
