"""Making, changing and withdrawing plans and prices. Nobody's running subscription changes by it."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from cbt.kernel import audit, clock
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode, invalid, not_found
from tenants.models import SubscriptionPlan, SubscriptionPrice
from tenants.selectors.plans import plan_get, price_get

PLAN_FIELDS = frozenset({"name", "duration_months", "description", "is_active", "sort_order"})
PRICE_FIELDS = frozenset({"user_quota", "price_amount", "price_per_additional_user_amount", "is_active"})
QUOTA_TAKEN = "The user quota already exists for this subscription plan."
PRICE_USED = "This price is used by subscriptions and cannot be deleted. Deactivate it instead."


def _only(data: Mapping[str, object], known: frozenset[str]) -> dict[str, object]:
    if unknown := set(data) - known:
        raise TypeError(f"cannot set {sorted(unknown)}")
    return dict(data)


@transaction.atomic
def plan_create(*, data: Mapping[str, object], actor: Actor) -> SubscriptionPlan:
    """Put a plan on offer, without prices yet. data: of PLAN_FIELDS. Source: primary contract 7.4."""
    now = clock.now()
    plan = SubscriptionPlan(**_only(data, PLAN_FIELDS), created_at=now, updated_at=now)
    plan.save(force_insert=True)
    audit.record("tenants.plan.created", actor=actor, obj=plan, duration_months=plan.duration_months)
    return plan_get(plan.pk)


@transaction.atomic
def plan_update(*, plan_id: int, data: Mapping[str, object], actor: Actor) -> SubscriptionPlan:
    """Change a plan. Raises NOT_FOUND. Source: details 2.9."""
    plan = _plan_locked(plan_id)
    for name, value in _only(data, PLAN_FIELDS).items():
        setattr(plan, name, value)
    plan.updated_at = clock.now()
    plan.save()
    audit.record("tenants.plan.updated", actor=actor, obj=plan, changed=sorted(data))
    return plan_get(plan.pk)


@transaction.atomic
def plan_delete(*, plan_id: int, actor: Actor) -> None:
    """Withdraw a plan: nobody can buy it any more, subscriptions keep it. Raises NOT_FOUND. Source: details 2.9."""
    plan = _plan_locked(plan_id)
    plan.deleted_at = plan.updated_at = clock.now()
    plan.save(update_fields=["deleted_at", "updated_at"])
    audit.record("tenants.plan.deleted", actor=actor, obj=plan)


def _plan_locked(plan_id: int) -> SubscriptionPlan:
    plans = SubscriptionPlan.objects.select_for_update(no_key=True).filter(deleted_at__isnull=True)
    plan = plans.filter(pk=plan_id).first()
    if plan is None:
        raise not_found()
    return plan


@transaction.atomic
def price_create(*, plan_id: int, data: Mapping[str, object], actor: Actor) -> SubscriptionPrice:
    """Store a tier of a plan. data: of PRICE_FIELDS, amounts as Decimal.

    Raises VALIDATION_ERROR for an unknown plan or a quota the plan has a price for. Source: details 2.9.
    """
    if not SubscriptionPlan.objects.filter(pk=plan_id, deleted_at__isnull=True).exists():
        raise invalid(subscription_plan_id="The selected subscription plan id is invalid.")
    now = clock.now()
    price = SubscriptionPrice(plan_id=plan_id, **_only(data, PRICE_FIELDS), created_at=now, updated_at=now)
    _price_save(price)
    audit.record("tenants.price.created", actor=actor, obj=price, **_told(price))
    return price_get(price.pk)


@transaction.atomic
def price_update(
    *, price_id: int, data: Mapping[str, object], actor: Actor, plan_id: int | None = None
) -> SubscriptionPrice:
    """Change a tier; what was sold keeps the price it was sold at. plan_id: move it to another plan.

    Raises NOT_FOUND, VALIDATION_ERROR as `price_create`. Source: details 2.9.
    """
    price = _price_locked(price_id)
    if plan_id is not None and plan_id != price.plan_id:
        if price.subscriptions.exists():
            raise invalid(subscription_plan_id="This price is used by subscriptions and must stay with its plan.")
        if not SubscriptionPlan.objects.filter(pk=plan_id, deleted_at__isnull=True).exists():
            raise invalid(subscription_plan_id="The selected subscription plan id is invalid.")
        price.plan_id = plan_id
    for name, value in _only(data, PRICE_FIELDS).items():
        setattr(price, name, value)
    price.updated_at = clock.now()
    _price_save(price)
    audit.record("tenants.price.updated", actor=actor, obj=price, **_told(price))
    return price_get(price.pk)


@transaction.atomic
def price_delete(*, price_id: int, actor: Actor) -> None:
    """Remove a tier that nobody has ever bought.

    Raises NOT_FOUND, CONFLICT for one that a subscription uses. The row lock makes buyers wait: whoever buys
    locks the price too. Source: details 2.9.
    """
    price = _price_locked(price_id)
    if price.subscriptions.exists():
        raise DomainError(ErrorCode.CONFLICT, PRICE_USED)
    audit.record("tenants.price.deleted", actor=actor, obj=price, **_told(price))
    price.delete()


def _price_locked(price_id: int) -> SubscriptionPrice:
    price_get(price_id)
    price = SubscriptionPrice.objects.select_for_update().filter(pk=price_id).first()
    if price is None:
        raise not_found()
    return price


def _price_save(price: SubscriptionPrice) -> None:
    try:
        with transaction.atomic():
            price.save()
    except IntegrityError as error:
        if "price_plan_quota_unique" not in str(error) and "user_quota" not in str(error):
            raise
        raise invalid(user_quota=QUOTA_TAKEN) from None


def _told(price: SubscriptionPrice) -> dict[str, Any]:
    extra = price.price_per_additional_user_amount
    return {
        "plan_id": price.plan_id, "user_quota": price.user_quota, "price_amount": str(price.price_amount),
        "extra_amount": None if extra is None else str(extra), "is_active": price.is_active,
    }  # fmt: skip
