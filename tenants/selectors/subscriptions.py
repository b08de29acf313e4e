"""What a company may use now."""

from datetime import datetime

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
