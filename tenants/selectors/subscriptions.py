"""What a company may use now."""

from datetime import datetime

from django.db.models import QuerySet

from cbt.kernel.actor import Actor
from cbt.kernel.errors import not_found
from tenants.models import CompanySubscription
from tenants.selectors.companies import companies_for
from tenants.states import SubscriptionStatus


def active_subscription(company_id: int, now: datetime) -> CompanySubscription | None:
    """Return the company's subscription that is active and unexpired at ``now``, or None. At most one exists."""
    return CompanySubscription.objects.filter(
        company_id=company_id, status=SubscriptionStatus.ACTIVE, expires_at__gt=now
    ).first()


def subscription_for(actor: Actor, subscription_id: int) -> CompanySubscription:
    """Return a subscription of a company within reach; NOT_FOUND alike for absent and foreign ones."""
    rows = CompanySubscription.objects.filter(pk=subscription_id, company__in=companies_for(actor))
    subscription = rows.select_related("company", "plan", "price").first()
    if subscription is None:
        raise not_found("Subscription not found")
    return subscription


def subscription_history(company_id: int) -> QuerySet[CompanySubscription]:
    """Return all subscriptions of a company, newest first, with plan, price, transactions and invoices."""
    rows = CompanySubscription.objects.filter(company_id=company_id).order_by("-created_at", "-id")
    return rows.select_related("plan", "price").prefetch_related("transactions", "invoices")


def subscription_running(company_id: int, now: datetime) -> CompanySubscription:
    """Return what is active now, as `subscription_history` does. Raises NOT_FOUND. Screen: contract 8.2."""
    running = subscription_history(company_id).filter(status=SubscriptionStatus.ACTIVE, expires_at__gt=now).first()
    if running is None:
        raise not_found("No active subscription found")
    return running
