"""What a company buys: a subscription, more people for it, more time. Paid in advance or billed with the period.

Locks are taken in one order everywhere: company, payment, transaction or invoice, subscription. Whoever decides a
payment begins with the payment and never needs the company.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import F

from cbt.kernel import audit, clock
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode, invalid
from commerce.models import Payment
from commerce.selectors.payments import payment_latest
from commerce.services.payments import payment_open, payment_settle_free
from commerce.states import PaymentStatus, Purpose
from tenants.engine.amounts import Terms, extra_total, whole_amount
from tenants.engine.periods import add_months
from tenants.models import Company, CompanySubscription, Invoice, SubscriptionPrice, SubscriptionTransaction
from tenants.selectors.companies import company_for
from tenants.selectors.subscriptions import subscription_for
from tenants.services.extensions import BEING_VERIFIED, extension_lock, orders_lock
from tenants.services.invoices import invoice_cancel, invoice_make, invoices_unpaid, subscription_bill
from tenants.services.numbers import transaction_insert
from tenants.services.subscriptions import expire_run_out, subscription_insert, terms_of
from tenants.states import (
    INVOICE_OPEN,
    BillingType,
    InvoiceKind,
    SubscriptionStatus,
    TransactionKind,
    TransactionStatus,
)

UNPAID = "Please pay the open invoices of earlier periods first."
QUOTA_NOT_ACTIVE = "Subscription must be active to purchase additional quota."
EXTEND_NOT_ACTIVE = "Only active subscriptions can be extended."
EXTENSION_WAITS = "An extension is already waiting for its payment to be verified."
NONE_SOLD = "This tier sells no additional users."
#: Nothing costs more: what follows from it (tax, longer extensions) still fits the columns.
MAX_AMOUNT = Decimal(10) ** 12
MAX_QUOTA = 2**31 - 1
#: How far ahead a subscription may reach, and how many of its orders for more people may wait to be paid.
MAX_MONTHS_AHEAD = 60
MAX_OPEN_ORDERS = 20
TOO_FAR = "A subscription can reach at most five years ahead."
TOO_MANY_ORDERS = "Please pay the open quota purchases first."


@dataclass(frozen=True, slots=True)
class Bought:
    """What a purchase left. Post-paid: no payment, and for a subscription no transaction; it is billed later."""

    subscription: CompanySubscription
    transaction: SubscriptionTransaction | None = None
    payment: Payment | None = None


@transaction.atomic
def subscription_purchase(
    *,
    company_id: int,
    plan_id: int,
    price_id: int,
    billing_type: BillingType,
    actor: Actor,
    additional_users: int = 0,
    notes: str = "",
) -> Bought:
    """Subscribe a company to a tier of a plan, with ``additional_users`` more people.

    Pre-paid: pending, with a transaction and a payment; it starts when the payment is approved (at once when it
    costs nothing). Post-paid: active from now, billed at the end of the period.
    Raises VALIDATION_ERROR (plan, price, people), CONFLICT while another subscription is active or pending,
    BUSINESS_RULE for post-paid while earlier periods are unpaid. Source: primary contract 8.2, details 5, W-25, W-41.
    """
    now = clock.now()
    company = company_for(actor, company_id, lock=True)
    price = _price(plan_id, price_id)
    _settle_past(company, now)
    subscription = _subscription(company, price, billing_type, additional_users, notes, now)
    if billing_type == BillingType.POST_PAID:
        _refuse_debtors(company.pk)
    subscription_insert(subscription)
    audit.record(
        "tenants.subscription.purchased", actor=actor, obj=subscription, company_id=company.pk, price_id=price.pk,
        billing_type=subscription.billing_type, user_quota=subscription.user_quota,
    )  # fmt: skip
    if billing_type == BillingType.POST_PAID:
        return Bought(subscription)
    extra = extra_total(subscription.terms, additional_users)
    metadata = {
        "kind": TransactionKind.PURCHASE.value, "additional_users": additional_users,
        "base_amount": str(price.price_amount), "additional_amount": str(extra),
    }  # fmt: skip
    return _pay_first(subscription, price.price_amount + extra, metadata, actor, now)


def _price(plan_id: int, price_id: int) -> SubscriptionPrice:
    """Lock what is bought: nobody deletes it meanwhile."""
    prices = SubscriptionPrice.objects.select_for_update(of=("self",), no_key=True).select_related("plan")
    price = prices.filter(pk=price_id, plan_id=plan_id).first()
    if price is None or not price.is_active:
        raise invalid(subscription_price_id="The selected subscription price id is invalid.")
    if price.plan.deleted_at is not None or not price.plan.is_active:
        raise invalid(subscription_plan_id="The selected subscription plan id is invalid.")
    return price


def _settle_past(company: Company, now: datetime) -> None:
    """Write down what the clock has ended, and bill it: a job that is late must not let a debtor through."""
    expire_run_out(company, now)
    ended = company.subscriptions.filter(status=SubscriptionStatus.EXPIRED, billing_type=BillingType.POST_PAID)
    for row in ended.select_related("plan"):
        subscription_bill(subscription=row, now=now)


def _refuse_debtors(company_id: int) -> None:
    if invoices_unpaid(company_id).exists():
        raise DomainError(ErrorCode.BUSINESS_RULE, UNPAID)


def _subscription(
    company: Company,
    price: SubscriptionPrice,
    billing_type: BillingType,
    additional_users: int,
    notes: str,
    now: datetime,
) -> CompanySubscription:
    is_post_paid = billing_type == BillingType.POST_PAID
    subscription = CompanySubscription(
        company=company, plan=price.plan, price=price, user_quota=price.user_quota + additional_users,
        status=SubscriptionStatus.ACTIVE if is_post_paid else SubscriptionStatus.PENDING, billing_type=billing_type,
        started_at=now, expires_at=add_months(now, price.plan.duration_months), **terms_of(price), notes=notes,
        created_at=now, updated_at=now,
    )  # fmt: skip
    if additional_users and subscription.price_per_additional_user_amount is None:
        raise invalid(additional_users=NONE_SOLD)
    if subscription.user_quota < 1:
        raise invalid(additional_users="The additional users must be at least 1 for this tier.")
    _refuse_too_much(subscription.terms, subscription.user_quota)
    return subscription


def _refuse_too_much(terms: Terms, user_quota: int) -> None:
    if user_quota > MAX_QUOTA or whole_amount(terms, user_quota) > MAX_AMOUNT:
        raise invalid(additional_users="The additional users are too many.")


def _pay_first(
    subscription: CompanySubscription, amount: Decimal, metadata: dict[str, object], actor: Actor, now: datetime
) -> Bought:
    row = SubscriptionTransaction(
        subscription=subscription, amount=amount, status=TransactionStatus.PENDING, metadata=metadata,
        created_at=now, updated_at=now,
    )  # fmt: skip
    transaction_insert(row, now)
    payment = payment_open(
        purpose=Purpose.SUBSCRIPTION_TRANSACTION, payable_id=row.pk, amount=amount, now=now,
        company_id=subscription.company_id, actor=actor,
    )  # fmt: skip
    if amount == 0:
        payment = payment_settle_free(payment=payment, actor=actor, now=now)
        row.refresh_from_db()
        subscription.refresh_from_db()
    return Bought(subscription, row, payment)


def _own_active(subscription_id: int, actor: Actor, now: datetime, refusal: str) -> CompanySubscription:
    """Lock the company, and return its subscription as it is under the lock. Raises NOT_FOUND, BUSINESS_RULE."""
    company_for(actor, subscription_for(actor, subscription_id).company_id, lock=True)
    subscription = subscription_for(actor, subscription_id)
    if not subscription.is_active_at(now):
        raise DomainError(ErrorCode.BUSINESS_RULE, refusal)
    if subscription.billing_type == BillingType.POST_PAID:
        subscription_bill(subscription=subscription, now=now)
        _refuse_debtors(subscription.company_id)
    return subscription


@transaction.atomic
def quota_purchase(*, subscription_id: int, additional_users: int, actor: Actor) -> Bought:
    """Buy ``additional_users`` (>= 1) more people for an active subscription at the price agreed for each.

    Pre-paid: they count when the payment is approved. Post-paid: at once, billed with the period.
    Raises NOT_FOUND out of reach; BUSINESS_RULE when it is not active, sells none, has 20 unpaid orders already,
    earlier periods are unpaid, or the proof of an extension waits for a decision.
    Source: primary contract 8.2, details 5, W-14, W-24.
    """
    now = clock.now()
    subscription = _own_active(subscription_id, actor, now, QUOTA_NOT_ACTIVE)
    terms = subscription.terms
    if terms.extra_amount is None:
        raise DomainError(ErrorCode.BUSINESS_RULE, NONE_SOLD)
    _refuse_too_much(terms, subscription.user_quota + additional_users)
    waiting = subscription.transactions.filter(status__in=[TransactionStatus.PENDING, TransactionStatus.FAILED])
    if waiting.count() >= MAX_OPEN_ORDERS:
        raise DomainError(ErrorCode.BUSINESS_RULE, TOO_MANY_ORDERS)
    extension = extension_lock(subscription.pk)
    if extension is not None and extension.is_proved:
        raise DomainError(ErrorCode.BUSINESS_RULE, BEING_VERIFIED)
    amount = extra_total(terms, additional_users)
    kind = TransactionKind.QUOTA_PURCHASE.value
    metadata = {
        "kind": kind, "type": kind, "additional_users": additional_users, "price_per_user": str(terms.extra_amount),
    }  # fmt: skip
    if subscription.billing_type == BillingType.PRE_PAID:
        bought = _pay_first(subscription, amount, metadata, actor, now)
    else:
        bought = _quota_now(subscription, additional_users, amount, metadata, now)
    audit.record(
        "tenants.subscription.quota_bought", actor=actor, obj=subscription, company_id=subscription.company_id,
        additional_users=additional_users, amount=str(amount),
    )  # fmt: skip
    return bought


def _quota_now(
    subscription: CompanySubscription, count: int, amount: Decimal, metadata: dict[str, object], now: datetime
) -> Bought:
    row = SubscriptionTransaction(
        subscription=subscription, amount=amount, status=TransactionStatus.COMPLETED, metadata=metadata,
        completed_at=now, created_at=now, updated_at=now,
    )  # fmt: skip
    transaction_insert(row, now)
    CompanySubscription.objects.filter(pk=subscription.pk).update(user_quota=F("user_quota") + count, updated_at=now)
    subscription.refresh_from_db()
    return Bought(subscription, row)


@transaction.atomic
def subscription_extend(*, subscription_id: int, months: int, actor: Actor) -> CompanySubscription:
    """Ask for ``months`` (1 to 12) more of an active subscription.

    Pre-paid: an invoice with a payment; the time is added when it is approved. Asking again replaces an unpaid
    request, and people granted meanwhile bill it anew. Post-paid: added at once, billed with its periods.
    Raises NOT_FOUND out of reach; BUSINESS_RULE when it is not active, would reach beyond five years, or earlier
    periods are unpaid; CONFLICT when a proof for the earlier request waits to be verified.
    Source: primary contract 8.2, details 5, W-14, W-24.
    """
    now = clock.now()
    subscription = _own_active(subscription_id, actor, now, EXTEND_NOT_ACTIVE)
    if add_months(subscription.expires_at, months) > add_months(now, MAX_MONTHS_AHEAD):
        raise DomainError(ErrorCode.BUSINESS_RULE, TOO_FAR)
    if subscription.billing_type == BillingType.PRE_PAID:
        orders_lock(subscription)  # none of them is granted between reading the quota and billing it
        subscription = subscription_for(actor, subscription_id)
        _replace_open(subscription, actor, now)
        invoice_make(
            subscription=subscription, kind=InvoiceKind.EXTENSION, months=months,
            user_quota=subscription.user_quota, actor=actor, now=now,
        )  # fmt: skip
    else:
        time_add(subscription_id=subscription.pk, months=months, now=now)
    audit.record(
        "tenants.subscription.extension_asked", actor=actor, obj=subscription, company_id=subscription.company_id,
        months=months, billing_type=subscription.billing_type,
    )  # fmt: skip
    return subscription_for(actor, subscription_id)


def _replace_open(subscription: CompanySubscription, actor: Actor, now: datetime) -> None:
    """Take back the request before, unless its payment is shown already."""
    earlier = subscription.invoices.filter(kind=InvoiceKind.EXTENSION, status__in=INVOICE_OPEN)
    for invoice in earlier:
        invoice_cancel(invoice_id=invoice.pk, actor=actor, now=now)  # holds the payment: no proof comes any more
        payment = payment_latest(Purpose.INVOICE, invoice.pk)
        if payment is not None and payment.status == PaymentStatus.CANCELLED and payment.proof_file:
            raise DomainError(ErrorCode.CONFLICT, EXTENSION_WAITS)
        if Invoice.objects.filter(pk=invoice.pk, status__in=INVOICE_OPEN).exists():
            raise DomainError(ErrorCode.CONFLICT, EXTENSION_WAITS)


def time_add(*, subscription_id: int, months: int, now: datetime) -> CompanySubscription:
    """Move the end of a subscription by calendar months, in the caller's transaction; returns it, locked.

    One that has run out meanwhile starts again from now: what was paid for is given.
    The row lock makes parallel calls add up. Source: details 5.
    """
    subscription = subscription_lock(subscription_id)
    base = max(subscription.expires_at, now)
    subscription.expires_at = add_months(base, months)
    subscription.reminded_days = None
    subscription.updated_at = now
    subscription.save(update_fields=["expires_at", "reminded_days", "updated_at"])
    return subscription


def subscription_lock(subscription_id: int) -> CompanySubscription:
    """Return a subscription's row as it is now, locked until commit."""
    return CompanySubscription.objects.select_for_update().get(pk=subscription_id)
