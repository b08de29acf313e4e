"""Bills: made once, owed until paid. Amounts are agreed ones; a later change of prices changes no bill."""

import logging
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from cbt.kernel import audit, clock
from cbt.kernel.actor import SYSTEM, Actor
from commerce.services.payments import payment_open, payment_settle_free, payments_cancel
from commerce.states import Purpose
from tenants.engine.amounts import Bill, bill
from tenants.engine.periods import Period, periods_of
from tenants.models import Company, CompanySubscription, Invoice, SubscriptionTransaction
from tenants.services.mails import invoice_new_enqueue, invoice_overdue_enqueue
from tenants.services.numbers import invoice_insert
from tenants.states import (
    INVOICE_MOVES,
    INVOICE_OPEN,
    TRANSACTION_MOVES,
    BillingType,
    InvoiceKind,
    InvoiceStatus,
    SubscriptionStatus,
    TransactionKind,
    TransactionStatus,
)

logger = logging.getLogger("cbt.billing")
DUE_AFTER = timedelta(days=7)
#: Periods of these are billed by the job; what is cancelled was billed when it was cancelled.
BILLED_BY_JOB = (SubscriptionStatus.ACTIVE, SubscriptionStatus.EXPIRED)
BATCH = 5000


def tax_rate() -> Decimal:
    """Return the tax on invoices as a share of 1, e.g. 0.11. Source: details 5."""
    return Decimal(str(getattr(settings, "TAX_RATE", "0.11")))


def company_row_lock(company_id: int) -> Company:
    """Lock a company's row until commit, also a deleted one's: it orders all billing of one company."""
    return Company.objects.select_for_update(no_key=True).get(pk=company_id)


def invoice_move(*, invoice_id: int, to: InvoiceStatus, now: datetime, **facts: object) -> bool:
    """Move an invoice by compare-and-set, from wherever the table allows; tell whether this call did it."""
    sources = [state for state, targets in INVOICE_MOVES.items() if to in targets]
    rows = Invoice.objects.filter(pk=invoice_id, status__in=sources)
    return rows.update(status=to, updated_at=now, **facts) == 1


def transaction_move(*, transaction_id: int, to: TransactionStatus, now: datetime, **facts: object) -> bool:
    """Move a transaction by compare-and-set, from wherever the table allows; tell whether this call did it."""
    sources = [state for state, targets in TRANSACTION_MOVES.items() if to in targets]
    rows = SubscriptionTransaction.objects.filter(pk=transaction_id, status__in=sources)
    return rows.update(status=to, updated_at=now, **facts) == 1


def invoice_make(
    *,
    subscription: CompanySubscription,
    kind: InvoiceKind,
    months: int,
    user_quota: int,
    actor: Actor,
    now: datetime,
    period: Period | None = None,
) -> Invoice:
    """Store an invoice with its payment and the mails about it, in the caller's transaction.

    What costs nothing is settled at once, without a mail. Raises IntegrityError when the period has an invoice
    or an extension is open already.
    """
    made = bill(
        terms=subscription.terms, user_quota=user_quota, months=months, plan_name=subscription.plan.name,
        rate=tax_rate(),
    )  # fmt: skip
    invoice = _unsaved(subscription, kind, months, made, period, now)
    invoice_insert(invoice, now)
    audit.record(
        "tenants.invoice.created", actor=actor, obj=invoice, company_id=invoice.company_id,
        kind=kind.value, subscription_id=subscription.pk, user_quota=user_quota, total_amount=str(made.total_amount),
    )  # fmt: skip
    payment = payment_open(
        purpose=Purpose.INVOICE, payable_id=invoice.pk, amount=made.total_amount, now=now,
        company_id=invoice.company_id, actor=actor,
    )  # fmt: skip
    if made.total_amount == 0:
        payment_settle_free(payment=payment, actor=actor, now=now)
        invoice.refresh_from_db()
    else:
        invoice_new_enqueue(invoice)
    return invoice


def _unsaved(
    subscription: CompanySubscription, kind: InvoiceKind, months: int, made: Bill, period: Period | None, now: datetime
) -> Invoice:
    items = [
        {
            "description": line.description, "quantity": line.quantity,
            "unit_price": str(line.unit_price), "total": str(line.total),
        }
        for line in made.lines
    ]  # fmt: skip
    company = subscription.company
    bill_to = {"name": company.name, "email": company.email, "phone": company.phone, "address": company.address}
    return Invoice(
        company=company, subscription=subscription, kind=kind, months=months, items=items,
        bill_to=bill_to, user_quota=made.user_quota, tax_rate=made.tax_rate,
        period_start=period.start if period else None, period_end=period.end if period else None,
        amount=made.amount, tax_amount=made.tax_amount, total_amount=made.total_amount,
        due_date=(now + DUE_AFTER).date(), status=InvoiceStatus.PENDING, created_at=now, updated_at=now,
    )  # fmt: skip


# --- post-paid periods ------------------------------------------------------------------------------


def _unbilled(subscription: CompanySubscription) -> list[Period]:
    billed = set(
        Invoice.objects.filter(subscription=subscription, kind=InvoiceKind.POST_PAID).values_list(
            "period_start", flat=True
        )
    )
    periods = periods_of(subscription.started_at, subscription.expires_at, subscription.period_months)
    return [period for period in periods if period.start not in billed]


def _quota_at(subscription: CompanySubscription, moment: datetime) -> int:
    """Return the people a subscription was for at ``moment``: what was bought since is another period's."""
    later = SubscriptionTransaction.objects.filter(
        subscription=subscription, status=TransactionStatus.COMPLETED, completed_at__gte=moment,
        metadata__kind=TransactionKind.QUOTA_PURCHASE.value,
    ).values_list("metadata", flat=True)  # fmt: skip
    return subscription.user_quota - sum(int(row["additional_users"]) for row in later)


def subscription_bill(
    *, subscription: CompanySubscription, now: datetime, actor: Actor = SYSTEM, is_closing: bool = False
) -> list[Invoice]:
    """Bill the ended and unbilled periods of a post-paid subscription; [] when there are none.

    Under the company's lock, in the caller's transaction; the subscription as read under that lock.
    is_closing: it is being cancelled; the running period is billed whole if anybody was registered, else not at
    all. Each period once, however often and late this runs: the lock orders the callers, and
    (subscription, period_start) is unique. Source: details 5, W-26; decisions "Invoices".
    """
    if subscription.billing_type != BillingType.POST_PAID:
        return []
    made = []
    for period in _unbilled(subscription):
        is_running = period.start <= now < period.end
        if period.end <= now or (is_closing and is_running and subscription.used_quota > 0):
            invoice = _bill_period(subscription, period, now, actor)
            made += [invoice] if invoice else []
    return made


def _bill_period(subscription: CompanySubscription, period: Period, now: datetime, actor: Actor) -> Invoice | None:
    try:
        with transaction.atomic():
            return invoice_make(
                subscription=subscription, kind=InvoiceKind.POST_PAID, months=period.months,
                user_quota=_quota_at(subscription, period.end), actor=actor, now=now, period=period,
            )  # fmt: skip
    except IntegrityError:
        same = Invoice.objects.filter(subscription=subscription, kind=InvoiceKind.POST_PAID, period_start=period.start)
        if not same.exists():
            raise
        return None  # somebody else has billed it


def _candidates(now: datetime) -> QuerySet[CompanySubscription]:
    billed_to_the_end = Invoice.objects.filter(
        subscription=OuterRef("pk"), kind=InvoiceKind.POST_PAID, period_end__gte=OuterRef("expires_at")
    )
    rows = CompanySubscription.objects.filter(
        billing_type=BillingType.POST_PAID, status__in=BILLED_BY_JOB, started_at__lt=now
    )
    return rows.exclude(Exists(billed_to_the_end)).order_by("expires_at", "pk")


def invoices_generate(*, dry_run: bool = False) -> int:
    """Bill every post-paid period that has ended; return how many (dry_run: would be). Safe to run twice, and late.

    One transaction a company's subscription; one that fails is logged and does not stop the others.
    """
    now = clock.now()
    count = 0
    for row in _candidates(now):
        due = [period for period in _unbilled(row) if period.end <= now]
        if due and dry_run:
            count += len(due)
        elif due:
            count += _generate_for(row, now)
    return count


def _generate_for(row: CompanySubscription, now: datetime) -> int:
    try:
        with transaction.atomic():
            company_row_lock(row.company_id)
            locked = CompanySubscription.objects.select_related("plan").filter(pk=row.pk, status__in=BILLED_BY_JOB)
            subscription = locked.first()
            return len(subscription_bill(subscription=subscription, now=now)) if subscription else 0
    except Exception:
        logger.exception("subscription %s could not be billed", row.pk)
        return 0


# --- what is owed -----------------------------------------------------------------------------------


def invoices_unpaid(company_id: int) -> QuerySet[Invoice]:
    """Return what a company owes for periods it has used."""
    return Invoice.objects.filter(company_id=company_id, kind=InvoiceKind.POST_PAID, status__in=INVOICE_OPEN)


def invoices_mark_overdue(*, dry_run: bool = False) -> int:
    """Mark unpaid invoices whose due date has passed and mail about them; return how many. Safe to run twice."""
    now = clock.now()
    late = Invoice.objects.filter(
        status__in=[InvoiceStatus.PENDING, InvoiceStatus.FAILED], due_date__lt=now.date()
    ).order_by("due_date", "pk")
    if dry_run:
        return late.count()
    count = 0
    for invoice in late[:BATCH]:
        with transaction.atomic():
            if invoice_move(invoice_id=invoice.pk, to=InvoiceStatus.OVERDUE, now=now):
                audit.record("tenants.invoice.overdue", actor=SYSTEM, obj=invoice, company_id=invoice.company_id)
                invoice_overdue_enqueue(invoice)
                count += 1
    return count


def payables_cancel(*, subscription: CompanySubscription, actor: Actor, now: datetime) -> None:
    """Cancel what waits to be paid for a subscription to go on: transactions and extensions, with their payments.

    Under the company's lock. Payments first: whoever decides one locks it before anything else. Debts stay.
    """
    transactions = subscription.transactions.filter(status__in=[TransactionStatus.PENDING, TransactionStatus.FAILED])
    for pk in list(transactions.order_by("pk").values_list("pk", flat=True)):
        payments_cancel(purpose=Purpose.SUBSCRIPTION_TRANSACTION, payable_id=pk, now=now, actor=actor)
        transaction_move(transaction_id=pk, to=TransactionStatus.CANCELLED, now=now)
    extensions = subscription.invoices.filter(kind=InvoiceKind.EXTENSION, status__in=INVOICE_OPEN)
    for pk in list(extensions.order_by("pk").values_list("pk", flat=True)):
        invoice_cancel(invoice_id=pk, actor=actor, now=now)


def invoice_cancel(*, invoice_id: int, actor: Actor, now: datetime) -> None:
    """Take an unpaid invoice back, with the payment that waits for it."""
    payments_cancel(purpose=Purpose.INVOICE, payable_id=invoice_id, now=now, actor=actor)
    invoice_move(invoice_id=invoice_id, to=InvoiceStatus.CANCELLED, now=now)
