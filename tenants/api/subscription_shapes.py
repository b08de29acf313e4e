"""How subscriptions, their transactions and invoices are written. Source: details 2.0."""

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from cbt.http.fields import JsonObject, Money, OutputSerializer
from cbt.http.request import Request
from cbt.kernel import clock
from commerce.api.shapes import PaymentOut, payment_shape
from commerce.states import Purpose
from tenants.api.plan_shapes import TenantPlanBriefOut, TenantPriceOut
from tenants.models import CompanySubscription, Invoice, SubscriptionTransaction
from tenants.selectors.billing import PaymentsOf, payments_of
from tenants.states import INVOICE_OPEN

_money = Money().to_representation
#: What a transaction keeps as exact text and shows as numbers.
AMOUNTS = frozenset({"base_amount", "additional_amount", "price_per_user"})


class SubscriptionTransactionOut(OutputSerializer):
    """A payment in advance, with its newest attempt."""

    id = serializers.IntegerField()
    company_subscription_id = serializers.IntegerField()
    transaction_number = serializers.CharField()
    amount = Money()
    status = serializers.CharField()
    metadata = JsonObject()
    payment = PaymentOut(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class LineOut(OutputSerializer):
    """A line of an invoice."""

    description = serializers.CharField()
    quantity = serializers.IntegerField()
    unit_price = Money()
    total = Money()


class InvoiceOut(OutputSerializer):
    """An invoice. kind: extension or post_paid; the period is what it bills."""

    id = serializers.IntegerField()
    company_id = serializers.IntegerField()
    company_subscription_id = serializers.IntegerField()
    invoice_number = serializers.CharField()
    kind = serializers.CharField()
    amount = Money()
    tax_amount = Money()
    total_amount = Money()
    due_date = serializers.DateField()
    paid_date = serializers.DateField(allow_null=True)
    status = serializers.CharField()
    items = LineOut(many=True)
    is_overdue = serializers.BooleanField()
    period_start = serializers.DateTimeField(allow_null=True)
    period_end = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class InvoiceDetailOut(InvoiceOut):
    """An invoice with every attempt to pay it, newest first."""

    payments = PaymentOut(many=True)


class SubscriptionOut(OutputSerializer):
    """A subscription with what was paid and billed for it."""

    id = serializers.IntegerField()
    company_id = serializers.IntegerField()
    subscription_plan = TenantPlanBriefOut()
    subscription_price = TenantPriceOut()
    user_quota = serializers.IntegerField()
    used_quota = serializers.IntegerField()
    remaining_quota = serializers.IntegerField()
    status = serializers.CharField()
    billing_type = serializers.CharField()
    started_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    cancelled_at = serializers.DateTimeField(allow_null=True)
    is_active = serializers.BooleanField()
    transactions = SubscriptionTransactionOut(many=True)
    invoices = InvoiceDetailOut(many=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class BoughtSubscriptionOut(OutputSerializer):
    """The subscription of a purchase."""

    id = serializers.IntegerField()
    status = serializers.CharField()
    expires_at = serializers.DateTimeField()
    billing_type = serializers.CharField()
    user_quota = serializers.IntegerField()


class BoughtOut(OutputSerializer):
    """What a purchase left; post-paid: no transaction and no payment."""

    subscription = BoughtSubscriptionOut()
    transaction = SubscriptionTransactionOut(allow_null=True)
    payment = PaymentOut(allow_null=True)


def transaction_shape(row: SubscriptionTransaction, payments: PaymentsOf, request: Request) -> dict[str, Any]:
    """Write a transaction."""
    attempts = payments.get((Purpose.SUBSCRIPTION_TRANSACTION.value, row.pk))
    return {
        "id": row.pk,
        "company_subscription_id": row.subscription_id,
        "transaction_number": row.transaction_number,
        "amount": _money(row.amount),
        "status": row.status,
        "metadata": {name: _money(value) if name in AMOUNTS else value for name, value in row.metadata.items()},
        "payment": payment_shape(attempts[0], request) if attempts else None,
        "created_at": clock.iso(row.created_at),
        "updated_at": clock.iso(row.updated_at),
    }


def invoice_shape(invoice: Invoice) -> dict[str, Any]:
    """Write an invoice without its payments."""
    is_open = invoice.status in INVOICE_OPEN
    return {
        "id": invoice.pk,
        "company_id": invoice.company_id,
        "company_subscription_id": invoice.subscription_id,
        "invoice_number": invoice.invoice_number,
        "kind": invoice.kind,
        "amount": _money(invoice.amount),
        "tax_amount": _money(invoice.tax_amount),
        "total_amount": _money(invoice.total_amount),
        "due_date": invoice.due_date.isoformat(),
        "paid_date": invoice.paid_date.isoformat() if invoice.paid_date else None,
        "status": invoice.status,
        "items": [
            {**item, "unit_price": _money(item["unit_price"]), "total": _money(item["total"])} for item in invoice.items
        ],
        "is_overdue": is_open and invoice.due_date < clock.now().date(),
        "period_start": clock.iso(invoice.period_start),
        "period_end": clock.iso(invoice.period_end),
        "created_at": clock.iso(invoice.created_at),
        "updated_at": clock.iso(invoice.updated_at),
    }


def invoice_detail(invoice: Invoice, request: Request) -> dict[str, Any]:
    """Write an invoice with its payments."""
    return _with_payments(invoice, payments_of(invoice_ids=[invoice.pk]), request)


def _with_payments(invoice: Invoice, payments: PaymentsOf, request: Request) -> dict[str, Any]:
    attempts = payments.get((Purpose.INVOICE.value, invoice.pk), [])
    return {**invoice_shape(invoice), "payments": [payment_shape(row, request) for row in attempts]}


def subscription_shapes(rows: Sequence[CompanySubscription], request: Request) -> list[dict[str, Any]]:
    """Write subscriptions of `subscription_history`; one further query for the payments of all."""
    ids = [transaction.pk for row in rows for transaction in row.transactions.all()]
    invoice_ids = [invoice.pk for row in rows for invoice in row.invoices.all()]
    payments = payments_of(transaction_ids=ids, invoice_ids=invoice_ids)
    return [_subscription(row, payments, request) for row in rows]


def agreed_price(row: CompanySubscription) -> dict[str, Any]:
    """Write the tier as it was when somebody subscribed: what is billed, whatever it costs others today."""
    return {
        "id": row.price_id,
        "user_quota": row.base_quota,
        "price": _money(row.price_amount),
        "price_per_additional_user": _money(row.price_per_additional_user_amount),
        "is_active": row.price.is_active,
    }


def _subscription(row: CompanySubscription, payments: PaymentsOf, request: Request) -> dict[str, Any]:
    return {
        "id": row.pk,
        "company_id": row.company_id,
        "subscription_plan": TenantPlanBriefOut(row.plan).data,
        "subscription_price": agreed_price(row),
        "user_quota": row.user_quota,
        "used_quota": row.used_quota,
        "remaining_quota": row.remaining_quota,
        "status": row.status,
        "billing_type": row.billing_type,
        "started_at": clock.iso(row.started_at),
        "expires_at": clock.iso(row.expires_at),
        "cancelled_at": clock.iso(row.cancelled_at),
        "is_active": row.is_active_at(clock.now()),
        "transactions": [transaction_shape(one, payments, request) for one in row.transactions.all()],
        "invoices": [_with_payments(invoice, payments, request) for invoice in row.invoices.all()],
        "created_at": clock.iso(row.created_at),
        "updated_at": clock.iso(row.updated_at),
    }
