"""Smallest valid companies, their admins and subscriptions."""

import itertools
from datetime import timedelta
from decimal import Decimal
from typing import Any

from accounts.models import User
from accounts.states import Role
from accounts.tests.factories import make_user
from cbt.kernel import clock
from tenants.models import Company, CompanyAdmin, CompanySubscription, SubscriptionPlan, SubscriptionPrice
from tenants.services.subscriptions import terms_of
from tenants.states import BillingType, SubscriptionStatus

_number = itertools.count(1)


def make_plan(*, duration_months: int = 3, **fields: Any) -> SubscriptionPlan:
    """Store a plan without prices."""
    now = clock.now()
    fields = {"name": f"Plan {next(_number)}", "created_at": now, "updated_at": now, **fields}
    return SubscriptionPlan.objects.create(duration_months=duration_months, **fields)


def make_price(plan: SubscriptionPlan | None = None, *, user_quota: int = 10, **fields: Any) -> SubscriptionPrice:
    """Store a price, of a new plan when none is given."""
    now = clock.now()
    fields = {
        "price_amount": Decimal("900000.00"), "price_per_additional_user_amount": Decimal("45000.00"),
        "created_at": now, "updated_at": now, **fields,
    }  # fmt: skip
    return SubscriptionPrice.objects.create(plan=plan or make_plan(), user_quota=user_quota, **fields)


def make_subscription(company: Company, *, quota: int = 100, **fields: Any) -> CompanySubscription:
    """Store a subscription that is active for 90 days from now (change it by fields)."""
    now = clock.now()
    price = fields.pop("price", None) or make_price()
    fields = {
        "status": SubscriptionStatus.ACTIVE, "billing_type": BillingType.PRE_PAID, "started_at": now,
        "expires_at": now + timedelta(days=90), **terms_of(price), "created_at": now, "updated_at": now, **fields,
    }  # fmt: skip
    return CompanySubscription.objects.create(company=company, plan=price.plan, price=price, user_quota=quota, **fields)


def make_company(*, with_subscription: bool = True, quota: int = 100, is_active: bool = True, **fields: Any) -> Company:
    """Store a company without admins, active and subscribed unless told otherwise; is_active False: never opened."""
    number = next(_number)
    now = clock.now()
    fields = {
        "name": f"PT Contoh {number}", "email": f"office{number}@example.com",
        "activated_at": now if is_active else None, "created_at": now, "updated_at": now, **fields,
    }  # fmt: skip
    company = Company.objects.create(is_active=is_active, **fields)
    if with_subscription:
        make_subscription(company, quota=quota)
    return company


def make_tenant_admin(company: Company | None = None, *, is_primary: bool | None = None, **fields: Any) -> User:
    """Store a verified user who runs the company (a new one when none is given); the first is the primary admin."""
    company = company or make_company()
    user = make_user(Role.TENANT_ADMIN, company_id=company.pk, **fields)
    if is_primary is None:
        is_primary = not company.admins.exists()
    now = clock.now()
    CompanyAdmin.objects.create(user=user, company=company, is_primary=is_primary, created_at=now, updated_at=now)
    return user


def super_actor() -> Any:
    """Return a super admin as services see one."""
    from cbt.kernel.actor import Actor, ActorKind

    user = make_user(Role.SUPER_ADMIN)
    return Actor(kind=ActorKind.USER, id=user.pk, role=user.role, permissions=user.permission_set(), email=user.email)


def tenant_actor(user: User) -> Any:
    """Return a tenant admin as services see one."""
    from cbt.kernel.actor import Actor, ActorKind

    return Actor(
        kind=ActorKind.USER, id=user.pk, role=user.role, permissions=user.permission_set(),
        company_id=user.company_id, email=user.email,
    )  # fmt: skip
