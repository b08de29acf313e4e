"""What a company is to pay, and has paid."""

from django.db import models
from django.db.models import F, Q

from tenants.models.company import Company
from tenants.models.subscription import CompanySubscription
from tenants.states import INVOICE_OPEN, InvoiceKind, InvoiceStatus, TransactionStatus


class SubscriptionTransaction(models.Model):
    """One payment in advance for a subscription: its purchase, or more people for it.

    metadata: {"kind": "purchase", "additional_users", "base_amount", "additional_amount"} or
    {"kind": "quota_purchase", "type": the same, "additional_users", "price_per_user"}; amounts as text.
    completed_at: when it was paid and took effect. Post-paid quota takes effect at once: completed without payment.
    """

    subscription = models.ForeignKey(CompanySubscription, on_delete=models.PROTECT, related_name="transactions")
    transaction_number = models.CharField(max_length=30, unique=True)
    amount = models.DecimalField(max_digits=15, decimal_places=2)
    status = models.CharField(max_length=10, choices=[(state.value, state.value) for state in TransactionStatus])
    metadata = models.JSONField(default=dict)
    completed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0), name="subscription_transaction_not_negative"),
            models.CheckConstraint(
                condition=Q(status__in=sorted(state.value for state in TransactionStatus)),
                name="subscription_transaction_status_known",
            ),
            models.CheckConstraint(
                condition=Q(status=TransactionStatus.COMPLETED.value, completed_at__isnull=False)
                | (~Q(status=TransactionStatus.COMPLETED.value) & Q(completed_at__isnull=True)),
                name="subscription_transaction_completed_fact",
            ),
        ]

    def __str__(self) -> str:
        return self.transaction_number


class Invoice(models.Model):
    """One bill: an extension that is asked for, or a post-paid period that has ended. Amounts never change.

    items: [{"description", "quantity", "unit_price", "total"}], amounts as text. period_start, period_end: what is
    billed; an extension's period is told when it is paid and takes effect. months: calendar months billed.
    user_quota: people billed. tax_rate: share of 1. bill_to: {"name", "email", "phone", "address"} of the company
    when it was billed; a company that moves later changes no bill.

    .. pii: bill_to holds a company's contact address; kept as long as the bill.
    """

    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="invoices")
    subscription = models.ForeignKey(CompanySubscription, on_delete=models.PROTECT, related_name="invoices")
    kind = models.CharField(max_length=10, choices=[(kind.value, kind.value) for kind in InvoiceKind])
    invoice_number = models.CharField(max_length=30, unique=True)
    months = models.PositiveSmallIntegerField()
    user_quota = models.PositiveIntegerField()
    period_start = models.DateTimeField(null=True, blank=True)
    period_end = models.DateTimeField(null=True, blank=True)
    items = models.JSONField(default=list)
    bill_to = models.JSONField(default=dict)
    tax_rate = models.DecimalField(max_digits=5, decimal_places=4)
    amount = models.DecimalField(max_digits=15, decimal_places=2)
    tax_amount = models.DecimalField(max_digits=15, decimal_places=2)
    total_amount = models.DecimalField(max_digits=15, decimal_places=2)
    due_date = models.DateField()
    paid_date = models.DateField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=[(state.value, state.value) for state in InvoiceStatus])
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["status", "due_date"], name="invoice_due"),
            models.Index(fields=["company", "-created_at", "-id"], name="invoice_company"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["subscription", "period_start"],
                condition=Q(kind=InvoiceKind.POST_PAID.value),
                name="invoice_period_once",
            ),
            models.UniqueConstraint(
                fields=["subscription"],
                condition=Q(kind=InvoiceKind.EXTENSION.value, status__in=sorted(state.value for state in INVOICE_OPEN)),
                name="invoice_one_open_extension",
            ),
            models.CheckConstraint(
                # No sum: SQLite adds amounts as floats.
                condition=Q(amount__gte=0, tax_amount__gte=0, total_amount__gte=F("amount")),
                name="invoice_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(kind=InvoiceKind.EXTENSION.value)
                | Q(period_start__isnull=False, period_end__gt=F("period_start")),
                name="invoice_period_known",
            ),
            models.CheckConstraint(
                condition=Q(status__in=sorted(state.value for state in InvoiceStatus)), name="invoice_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status=InvoiceStatus.COMPLETED.value, paid_date__isnull=False)
                | (~Q(status=InvoiceStatus.COMPLETED.value) & Q(paid_date__isnull=True)),
                name="invoice_paid_fact",
            ),
        ]

    def __str__(self) -> str:
        return self.invoice_number
