"""The life of a subscription. Every change of state goes through `subscription_move`."""

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from cbt.kernel import audit, clock
from cbt.kernel.actor import SYSTEM, Actor
from cbt.kernel.errors import DomainError, ErrorCode, invalid
from tenants.engine.periods import add_months
from tenants.models import Company, CompanySubscription, SubscriptionPrice
from tenants.selectors.companies import company_for
from tenants.selectors.subscriptions import subscription_for
from tenants.services.invoices import payables_cancel, subscription_bill
from tenants.services.mails import expired_enqueue, expiring_enqueue
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
    expire_run_out(company, now)
    subscription = CompanySubscription(
        company=company, plan=price.plan, price=price, user_quota=user_quota, status=SubscriptionStatus.ACTIVE,
        billing_type=billing_type, started_at=now, expires_at=add_months(now, price.plan.duration_months),
        **terms_of(price), created_at=now, updated_at=now,
    )  # fmt: skip
    subscription_insert(subscription)
    audit.record(
        "tenants.subscription.granted", actor=actor, obj=subscription, company_id=company.pk,
        plan_id=plan_id, price_id=price_id, user_quota=user_quota, expires_at=clock.iso(subscription.expires_at),
    )  # fmt: skip
    return subscription


def terms_of(price: SubscriptionPrice) -> dict[str, Any]:
    """Return what is written down of a price when somebody subscribes at it."""
    return {
        "period_months": price.plan.duration_months,
        "base_quota": price.user_quota,
        "price_amount": price.price_amount,
        "price_per_additional_user_amount": price.price_per_additional_user_amount,
    }


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


def expire_run_out(company: Company, now: datetime) -> None:
    """Write down that the clock has ended a subscription, so that it does not stand in a new one's way."""
    for row in company.subscriptions.filter(status=SubscriptionStatus.ACTIVE, expires_at__lte=now):
        _expire(row, now)


def _expire(subscription: CompanySubscription, now: datetime) -> bool:
    moved = subscription_move(subscription=subscription, to=SubscriptionStatus.EXPIRED, actor=SYSTEM, now=now)
    if moved:
        expired_enqueue(subscription)
    return moved


@transaction.atomic
def subscription_cancel(*, subscription_id: int, actor: Actor) -> CompanySubscription:
    """End an active or pending subscription now. Calling again for a cancelled one changes nothing.

    What waits to be paid for it is cancelled with it; what was paid is not paid back. A running post-paid period is
    billed whole if anybody was registered. Raises NOT_FOUND out of reach, BUSINESS_RULE for one that has expired.
    Source: details W-29.
    """
    now = clock.now()
    company = company_for(actor, subscription_for(actor, subscription_id).company_id, lock=True)
    expire_run_out(company, now)
    subscription = subscription_for(actor, subscription_id)
    if subscription.status != SubscriptionStatus.CANCELLED:
        subscription_end(subscription=subscription, actor=actor, now=now)
    return subscription


def subscription_end(*, subscription: CompanySubscription, actor: Actor, now: datetime) -> None:
    """Cancel an open subscription with all that hangs on it, under the company's lock. Raises BUSINESS_RULE."""
    if SubscriptionStatus(subscription.status) in SUBSCRIPTION_OPEN:
        payables_cancel(subscription=subscription, actor=actor, now=now)
        # Who was registered counts, and is only known for sure once no more can be: lock, then look.
        subscription.refresh_from_db(from_queryset=CompanySubscription.objects.select_for_update())
        if subscription.status == SubscriptionStatus.ACTIVE:
            subscription_bill(subscription=subscription, now=now, actor=actor, is_closing=True)
    subscription_move(
        subscription=subscription, to=SubscriptionStatus.CANCELLED, actor=actor, now=now, cancelled_at=now
    )


def subscriptions_expire(*, dry_run: bool = False) -> int:
    """Write down which subscriptions the clock has ended and mail about it; return how many this call moved.

    One short transaction each; safe to run twice. Nothing waits for it: an expired one is refused by its date
    already. dry_run: only count.
    """
    now = clock.now()
    due = CompanySubscription.objects.filter(status=SubscriptionStatus.ACTIVE, expires_at__lte=now)
    if dry_run:
        return due.count()
    count = 0
    for subscription in due.order_by("expires_at", "pk")[:5000]:
        with transaction.atomic():
            count += _expire(subscription, now)
    return count


def subscriptions_remind() -> int:
    """Mail that a subscription ends within 14 and within 3 days, once each; return how many were reminded of."""
    now = clock.now()
    count = 0
    for days, already in ((3, [3]), (14, [3, 14])):
        ending = CompanySubscription.objects.filter(
            status=SubscriptionStatus.ACTIVE, expires_at__gt=now, expires_at__lte=now + timedelta(days=days)
        )
        for row in ending.exclude(reminded_days__in=already).order_by("pk")[:5000]:
            with transaction.atomic():
                count += _remind(row, days, already)
    return count


def _remind(row: CompanySubscription, days: int, already: list[int]) -> bool:
    same = CompanySubscription.objects.filter(pk=row.pk, expires_at=row.expires_at, status=SubscriptionStatus.ACTIVE)
    told = Q(reminded_days__isnull=True) | ~Q(reminded_days__in=already)
    if not same.filter(told).update(reminded_days=days):
        return False
    expiring_enqueue(row, days)
    return True
