"""What is on offer, and what staff keeps of it."""

from django.db.models import Prefetch, QuerySet

from cbt.kernel.errors import not_found
from tenants.models import SubscriptionPlan, SubscriptionPrice


def _tiers(*, only_active: bool = False) -> Prefetch:
    prices = SubscriptionPrice.objects.order_by("user_quota", "id")
    return Prefetch("prices", queryset=prices.filter(is_active=True) if only_active else prices)


def plan_list() -> QuerySet[SubscriptionPlan]:
    """Return the plans that are not withdrawn, with all their prices. Screen: contract 7.4."""
    return SubscriptionPlan.objects.filter(deleted_at__isnull=True).prefetch_related(_tiers())


def plan_get(plan_id: int) -> SubscriptionPlan:
    """Return one plan with its prices. Raises NOT_FOUND, also for a withdrawn one."""
    plan = plan_list().filter(pk=plan_id).first()
    if plan is None:
        raise not_found()
    return plan


def plans_available() -> QuerySet[SubscriptionPlan]:
    """Return what a company may buy now: active plans in their order, with their active prices."""
    plans = SubscriptionPlan.objects.filter(deleted_at__isnull=True, is_active=True)
    return plans.order_by("sort_order", "id").prefetch_related(_tiers(only_active=True))


def price_list(plan_id: int) -> QuerySet[SubscriptionPrice]:
    """Return the prices of one plan. Raises NOT_FOUND for an unknown or withdrawn plan."""
    return SubscriptionPrice.objects.filter(plan=plan_get(plan_id))


def price_get(price_id: int) -> SubscriptionPrice:
    """Return one price with its plan. Raises NOT_FOUND, also for one of a withdrawn plan."""
    prices = SubscriptionPrice.objects.select_related("plan").filter(plan__deleted_at__isnull=True)
    price = prices.filter(pk=price_id).first()
    if price is None:
        raise not_found()
    return price
