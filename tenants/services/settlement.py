"""What follows when commerce has decided a payment of a company. Registered in `tenants.apps`.

All of it runs inside the deciding transaction, the payment's row locked: so the decision and what it brings are
stored together, once. A refusal here undoes the decision.
"""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F

from cbt.kernel import audit
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode
from commerce.models import Payment
from tenants.engine.periods import add_months
from tenants.models import CompanySubscription, Invoice, SubscriptionTransaction
from tenants.services.extensions import BEING_VERIFIED, extension_lock, extension_rebill
from tenants.services.invoices import invoice_move, transaction_move
from tenants.services.purchases import subscription_lock, time_add
from tenants.services.subscriptions import ALREADY_OPEN, subscription_move
from tenants.states import InvoiceKind, InvoiceStatus, SubscriptionStatus, TransactionKind, TransactionStatus

GONE = "What this payment is for has been cancelled or settled."
NOT_ACTIVE = "The subscription is no longer active."


def _refused(message: str) -> DomainError:
    return DomainError(ErrorCode.BUSINESS_RULE, message)


def transaction_paid(*, payable_id: int, payment: Payment, now: datetime, actor: Actor) -> None:
    """Complete a transaction: its subscription starts from now, or has more people.

    Raises BUSINESS_RULE when it was cancelled or settled, or more people were bought for a subscription that is
    over or whose extension has a proof that waits for a decision. Source: details 4, W-23, W-24.
    """
    if not transaction_move(transaction_id=payable_id, to=TransactionStatus.COMPLETED, now=now, completed_at=now):
        raise _refused(GONE)
    row = SubscriptionTransaction.objects.get(pk=payable_id)
    if row.metadata["kind"] == TransactionKind.PURCHASE:
        subscription = subscription_lock(row.subscription_id)
        _start(subscription, now, actor)
    else:
        subscription = _more_people(row, now, actor)
    _told("completed", row, subscription, payment, actor)


def _start(subscription: CompanySubscription, now: datetime, actor: Actor) -> None:
    if subscription.status != SubscriptionStatus.PENDING:
        raise _refused(GONE)
    ends = add_months(now, subscription.period_months)
    subscription_move(
        subscription=subscription, to=SubscriptionStatus.ACTIVE, actor=actor, now=now, started_at=now, expires_at=ends
    )


def _more_people(row: SubscriptionTransaction, now: datetime, actor: Actor) -> CompanySubscription:
    """Grant people; an extension that nobody has paid yet is billed anew for all of them."""
    extension = extension_lock(row.subscription_id)
    subscription = subscription_lock(row.subscription_id)
    if not subscription.is_active_at(now):
        raise _refused(NOT_ACTIVE)
    if extension is not None and extension.is_proved:
        raise _refused(BEING_VERIFIED)
    count = int(row.metadata["additional_users"])
    CompanySubscription.objects.filter(pk=subscription.pk).update(user_quota=F("user_quota") + count, updated_at=now)
    if extension is not None:
        extension_rebill(invoice=extension.invoice, actor=actor, now=now)
    return subscription


def transaction_failed(*, payable_id: int, payment: Payment, now: datetime, actor: Actor) -> None:
    """Mark a transaction failed; nothing was granted, nothing is taken back. Source: primary contract 7.6, W-22.

    One that was cancelled meanwhile stays so, and its payment can still be rejected.
    """
    if not transaction_move(transaction_id=payable_id, to=TransactionStatus.FAILED, now=now):
        return
    row = SubscriptionTransaction.objects.select_related("subscription").get(pk=payable_id)
    _told("failed", row, row.subscription, payment, actor)


def transaction_reopened(*, payable_id: int, payment: Payment, now: datetime, actor: Actor) -> None:
    """Let a transaction wait again: a new proof has come. Raises BUSINESS_RULE when it was cancelled meanwhile."""
    if not transaction_move(transaction_id=payable_id, to=TransactionStatus.PENDING, now=now):
        raise _refused(GONE)


def invoice_paid(*, payable_id: int, payment: Payment, now: datetime, actor: Actor) -> None:
    """Complete an invoice; an extension's months are added, also to a subscription that ran out while it was paid.

    Raises BUSINESS_RULE when invoice or subscription was cancelled, CONFLICT when the company has another
    subscription by now. Source: details 4, 5, W-24.
    """
    if not invoice_move(invoice_id=payable_id, to=InvoiceStatus.COMPLETED, now=now, paid_date=now.date()):
        raise _refused(GONE)
    invoice = Invoice.objects.get(pk=payable_id)
    if invoice.kind == InvoiceKind.EXTENSION:
        _extend(invoice, now, actor)
    _told("completed", invoice, invoice, payment, actor)


def _extend(invoice: Invoice, now: datetime, actor: Actor) -> None:
    subscription = subscription_lock(invoice.subscription_id)
    if subscription.status not in {SubscriptionStatus.ACTIVE, SubscriptionStatus.EXPIRED}:
        raise _refused(NOT_ACTIVE)
    begins = max(subscription.expires_at, now)
    extended = time_add(subscription_id=subscription.pk, months=invoice.months, now=now)
    if extended.status == SubscriptionStatus.EXPIRED:
        try:
            with transaction.atomic():
                subscription_move(subscription=extended, to=SubscriptionStatus.ACTIVE, actor=actor, now=now)
        except IntegrityError:
            raise DomainError(ErrorCode.CONFLICT, ALREADY_OPEN) from None
    Invoice.objects.filter(pk=invoice.pk).update(period_start=begins, period_end=extended.expires_at)


def invoice_failed(*, payable_id: int, payment: Payment, now: datetime, actor: Actor) -> None:
    """Mark an invoice failed; it is still owed. One that was cancelled stays so. Source: primary contract 7.6, W-22."""
    if not invoice_move(invoice_id=payable_id, to=InvoiceStatus.FAILED, now=now):
        return
    invoice = Invoice.objects.get(pk=payable_id)
    _told("failed", invoice, invoice, payment, actor)


def invoice_reopened(*, payable_id: int, payment: Payment, now: datetime, actor: Actor) -> None:
    """Let an invoice wait again: a new proof has come. An overdue one stays so. Raises BUSINESS_RULE."""
    is_overdue = Invoice.objects.filter(pk=payable_id, status=InvoiceStatus.OVERDUE).exists()
    if not is_overdue and not invoice_move(invoice_id=payable_id, to=InvoiceStatus.PENDING, now=now):
        raise _refused(GONE)


def _told(
    outcome: str,
    row: SubscriptionTransaction | Invoice,
    owner: CompanySubscription | Invoice,
    payment: Payment,
    actor: Actor,
) -> None:
    kind = "invoice" if isinstance(row, Invoice) else "transaction"
    audit.record(f"tenants.{kind}.{outcome}", actor=actor, obj=row, company_id=owner.company_id, payment_id=payment.pk)
