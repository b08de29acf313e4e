"""The life of a subscription. Every change of state goes through `subscription_move`."""

from datetime import datetime

from django.db import IntegrityError, transaction

from cbt.kernel import audit, clock
from cbt.kernel.actor import SYSTEM, Actor
from cbt.kernel.errors import DomainError, ErrorCode, invalid
from tenants.engine.periods import add_months
from tenants.models import Company, CompanySubscription, SubscriptionPrice
from tenants.selectors.companies import company_for
from tenants.selectors.subscriptions import subscription_for
from tenants.states import SUBSCRIPTION_OPEN, BillingType, SubscriptionStatus, may_move

ALREADY_OPEN = "The company already has an active or pending subscription."


def subscription_move(
    *, subscription: CompanySubscription, to: SubscriptionStatus, actor: Actor, now: datetime, **facts: object
) -> bool:
    """Move a subscription by compare-and-set and tell whether this call did it. ``facts`` are stored with it.

    The caller's transaction. Raises BUSINESS_RULE for a move the table does not allow; a subscription that has
    left its state in the meantime is left alone (False).
    """
    old = SubscriptionStatus(subscription.status)
    if not may_move(old, to):
        raise DomainError(ErrorCode.BUSINESS_RULE, f"A subscription that is {old.value} cannot become {to.value}.")
    moved = CompanySubscription.objects.filter(pk=subscription.pk, status=old).update(
        status=to, updated_at=now, **facts
    )
    if not moved:
        return False
    subscription.refresh_from_db()
    audit.record(
        "tenants.subscription.moved", actor=actor, obj=subscription, company_id=subscription.company_id,
        old=old.value, new=to.value,
    )  # fmt: skip
    return True


@transaction.atomic
def subscription_grant(
    *,
    company_id: int,
    plan_id: int,
    price_id: int,
    user_quota: int,
    actor: Actor,
    billing_type: BillingType = BillingType.PRE_PAID,
) -> CompanySubscription:
    """Give a company a subscription that is active from now for the plan's months, without any payment.

    For staff and for demo data. user_quota: people that may be registered (>= 1), whatever the price's tier says.
    Raises NOT_FOUND for an unknown or deleted company, VALIDATION_ERROR for a price of another or a deleted plan
    or a quota below 1, CONFLICT while another subscription is active or pending.
    Source: details 4 (a subscription counts from its activation), W-23, W-25.
    """
    now = clock.now()
    company = company_for(actor, company_id, lock=True)
    if user_quota < 1:
        raise invalid(user_quota="The user quota must be at least 1.")
    price = SubscriptionPrice.objects.select_related("plan").filter(pk=price_id, plan_id=plan_id).first()
    if price is None or price.plan.deleted_at is not None:
        raise invalid(subscription_price_id="The selected subscription price id is invalid.")
    _expire_run_out(company, now)
    subscription = CompanySubscription(
        company=company, plan=price.plan, price=price, user_quota=user_quota, status=SubscriptionStatus.ACTIVE,
        billing_type=billing_type, started_at=now, expires_at=add_months(now, price.plan.duration_months),
        created_at=now, updated_at=now,
    )  # fmt: skip
    subscription_insert(subscription)
    audit.record(
        "tenants.subscription.granted", actor=actor, obj=subscription, company_id=company.pk,
        plan_id=plan_id, price_id=price_id, user_quota=user_quota, expires_at=clock.iso(subscription.expires_at),
    )  # fmt: skip
    return subscription


def subscription_insert(subscription: CompanySubscription) -> None:
    """Store a new subscription; the database holds the rule of one open subscription a company.

    Raises CONFLICT when the company already has one.
    """
    try:
        with transaction.atomic():
            subscription.save(force_insert=True)
    except IntegrityError:
        if not _open_of(subscription.company_id):
            raise
        raise DomainError(ErrorCode.CONFLICT, ALREADY_OPEN) from None


def _open_of(company_id: int) -> bool:
    return CompanySubscription.objects.filter(company_id=company_id, status__in=SUBSCRIPTION_OPEN).exists()


def _expire_run_out(company: Company, now: datetime) -> None:
    """Write down that the clock has ended a subscription, so that it does not stand in a new one's way."""
    for row in company.subscriptions.filter(status=SubscriptionStatus.ACTIVE, expires_at__lte=now):
        subscription_move(subscription=row, to=SubscriptionStatus.EXPIRED, actor=SYSTEM, now=now)


@transaction.atomic
def subscription_cancel(*, subscription_id: int, actor: Actor) -> CompanySubscription:
    """End an active or pending subscription now. Calling again for a cancelled one changes nothing.

    Raises NOT_FOUND out of reach, BUSINESS_RULE for one that has expired. Source: details W-29.
    """
    now = clock.now()
    company = company_for(actor, subscription_for(actor, subscription_id).company_id, lock=True)
    _expire_run_out(company, now)
    subscription = subscription_for(actor, subscription_id)
    if subscription.status != SubscriptionStatus.CANCELLED:
        subscription_move(
            subscription=subscription, to=SubscriptionStatus.CANCELLED, actor=actor, now=now, cancelled_at=now
        )
    return subscription


def subscriptions_expire() -> int:
    """Write down which subscriptions the clock has ended; return how many this call moved. Safe to run twice.

    One short transaction each. Nothing waits for it: an expired one is refused by its date already.
    """
    now = clock.now()
    due = CompanySubscription.objects.filter(status=SubscriptionStatus.ACTIVE, expires_at__lte=now)
    count = 0
    for subscription in due.order_by("expires_at", "pk")[:5000]:
        with transaction.atomic():
            count += subscription_move(subscription=subscription, to=SubscriptionStatus.EXPIRED, actor=SYSTEM, now=now)
    return count
