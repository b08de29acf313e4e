"""What a company is to pay and has paid."""

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Q, QuerySet

from cbt.kernel.actor import Actor
from cbt.kernel.errors import not_found
from commerce.models import Payment
from commerce.states import Purpose
from tenants.models import Invoice
from tenants.selectors.companies import companies_for

#: (purpose, payable id) -> payments, newest first.
PaymentsOf = dict[tuple[str, int], list[Payment]]


def invoices_for(actor: Actor) -> QuerySet[Invoice]:
    """Return the invoices of the companies within reach, newest first."""
    return Invoice.objects.filter(company__in=companies_for(actor)).order_by("-created_at", "-id")


def invoice_for(actor: Actor, invoice_id: int) -> Invoice:
    """Return one invoice within reach; NOT_FOUND alike for absent and foreign ones."""
    invoice = invoices_for(actor).select_related("subscription__plan").filter(pk=invoice_id).first()
    if invoice is None:
        raise not_found("Invoice not found")
    return invoice


def payments_of(*, transaction_ids: Iterable[int] = (), invoice_ids: Iterable[int] = ()) -> PaymentsOf:
    """Return all payments of these transactions and invoices; one query."""
    wanted = Q(purpose=Purpose.SUBSCRIPTION_TRANSACTION, payable_id__in=list(transaction_ids)) | Q(
        purpose=Purpose.INVOICE, payable_id__in=list(invoice_ids)
    )
    found: PaymentsOf = defaultdict(list)
    for payment in Payment.objects.filter(wanted).order_by("-pk"):
        found[(payment.purpose, payment.payable_id)].append(payment)
    return found
