"""The number of people a company may register, counted so that no two requests share a place."""

from datetime import datetime

from django.db import connection
from django.db.models import F

from cbt.kernel.errors import DomainError, ErrorCode
from tenants.models import CompanySubscription
from tenants.selectors.subscriptions import active_subscription
from tenants.states import SubscriptionStatus


def quota_take(*, company_id: int, count: int, now: datetime) -> None:
    """Take ``count`` places (>= 1) of the company's active subscription, all or none, in one statement.

    Call it in the transaction that stores the people: if that is undone, so is this. The condition stands in the
    UPDATE itself, so parallel takes wait for each other's row and see its new value.
    Raises SUBSCRIPTION_REQUIRED, or QUOTA_EXCEEDED with details {"remaining"}. Source: details 5, W-11, W-12.
    """
    if not connection.in_atomic_block:
        raise AssertionError("quota_take belongs into the transaction that stores what the quota is for")
    if count < 1:
        raise ValueError("count must be at least 1")
    taken = CompanySubscription.objects.filter(
        company_id=company_id,
        status=SubscriptionStatus.ACTIVE,
        expires_at__gt=now,
        used_quota__lte=F("user_quota") - count,
    ).update(used_quota=F("used_quota") + count, updated_at=now)
    if taken:
        return
    subscription = active_subscription(company_id, now)
    if subscription is None:
        raise DomainError(ErrorCode.SUBSCRIPTION_REQUIRED, "No active subscription found")
    remaining = subscription.remaining_quota
    raise DomainError(
        ErrorCode.QUOTA_EXCEEDED, f"User quota exceeded. {remaining} left.", details={"remaining": remaining}
    )
