"""An extension that waits to be paid while people are added: its bill follows the real quota.

Locks: whoever grants people holds the order's payment, then takes the extension's, then the subscription; whoever
asks for an extension takes the payments of all waiting orders first. So neither overlooks the other.
"""

from dataclasses import dataclass
from datetime import datetime

from cbt.kernel import audit
from cbt.kernel.actor import Actor
from commerce.services.payments import payment_lock_latest
from commerce.states import PaymentStatus, Purpose
from tenants.models import CompanySubscription, Invoice
from tenants.services.invoices import invoice_cancel, invoice_make
from tenants.states import INVOICE_OPEN, InvoiceKind, TransactionStatus

BEING_VERIFIED = "The payment of an extension is being verified. Quota can be added once that is decided."


@dataclass(frozen=True, slots=True)
class OpenExtension:
    """An extension nobody has paid yet. is_proved: its payer has shown a proof that waits for a decision."""

    invoice: Invoice
    is_proved: bool


def extension_lock(subscription_id: int) -> OpenExtension | None:
    """Lock the newest payment of a subscription's open extension and return it; None when there is none.

    While waiting it may be paid, or replaced by another: then look again.
    """
    while True:
        rows = Invoice.objects.filter(kind=InvoiceKind.EXTENSION, status__in=INVOICE_OPEN)
        invoice = rows.filter(subscription_id=subscription_id).first()
        if invoice is None:
            return None
        payment = payment_lock_latest(Purpose.INVOICE.value, invoice.pk)
        if rows.filter(pk=invoice.pk).exists():
            is_pending = payment is not None and payment.status == PaymentStatus.PENDING
            return OpenExtension(invoice, is_proved=is_pending and bool(payment and payment.proof_file))


def orders_lock(subscription: CompanySubscription) -> None:
    """Lock the payments of all orders for more people, so that none is granted before the caller commits."""
    waiting = subscription.transactions.filter(status__in=[TransactionStatus.PENDING, TransactionStatus.FAILED])
    for pk in list(waiting.order_by("pk").values_list("pk", flat=True)):
        payment_lock_latest(Purpose.SUBSCRIPTION_TRANSACTION.value, pk)


def extension_rebill(*, invoice: Invoice, actor: Actor, now: datetime) -> Invoice:
    """Replace an open extension by one for the same months on the quota of now, in the caller's transaction.

    Under the locks of its payment and of the subscription; the new invoice is mailed. Source: decisions "Invoices".
    """
    subscription = CompanySubscription.objects.select_related("plan", "company").get(pk=invoice.subscription_id)
    invoice_cancel(invoice_id=invoice.pk, actor=actor, now=now)
    made = invoice_make(
        subscription=subscription, kind=InvoiceKind.EXTENSION, months=invoice.months,
        user_quota=subscription.user_quota, actor=actor, now=now,
    )  # fmt: skip
    audit.record(
        "tenants.invoice.rebilled", actor=actor, obj=made, company_id=made.company_id, replaces=invoice.pk,
        old_quota=invoice.user_quota, new_quota=made.user_quota,
    )  # fmt: skip
    return made
