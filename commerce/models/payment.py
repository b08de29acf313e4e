"""Money that is owed, waits for verification, or has come in."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q

from commerce.states import PaymentMethod, PaymentStatus, Purpose


class Payment(models.Model):
    """One attempt to pay one thing: an order, a subscription's transaction, or an invoice.

    purpose, payable_id: what is paid; the rows live in this app or above it, hence no foreign key. A rejected
    attempt stays as it is and a new row is the next attempt; at most one attempt of a thing is pending.
    user, company_id: who pays, one of them.  proof_file: stored name of the latest proof, "" while there is none.
    notes: of the payer.  verifier_notes: of whoever decided.

    .. pii: the proof shows names and account numbers, as notes may; kept as long as the payment.
    """

    payment_number = models.CharField(max_length=32, unique=True)
    purpose = models.CharField(max_length=32, choices=[(word.value, word.value) for word in Purpose])
    payable_id = models.BigIntegerField()
    amount = models.DecimalField(max_digits=15, decimal_places=2)
    method = models.CharField(
        max_length=16, choices=[(word.value, word.value) for word in PaymentMethod], default=PaymentMethod.MANUAL.value
    )
    status = models.CharField(
        max_length=16, choices=[(word.value, word.value) for word in PaymentStatus], default=PaymentStatus.PENDING.value
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="payments"
    )
    company_id = models.BigIntegerField(null=True, blank=True)
    proof_file = models.CharField(max_length=255, default="", blank=True)
    proof_uploaded_at = models.DateTimeField(null=True, blank=True)
    notes = models.CharField(max_length=1000, default="", blank=True)
    verifier_notes = models.CharField(max_length=1000, default="", blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["purpose", "payable_id"], condition=Q(status="pending"), name="payment_one_pending"
            ),
            models.CheckConstraint(condition=Q(amount__gte=Decimal(0)), name="payment_amount_not_negative"),
            models.CheckConstraint(
                condition=Q(status="paid", paid_at__isnull=False) | (~Q(status="paid") & Q(paid_at__isnull=True)),
                name="payment_paid_at_when_paid",
            ),
        ]
        indexes = [
            models.Index(fields=["purpose", "payable_id", "-id"], name="payment_payable"),
            models.Index(fields=["status", "-created_at", "-id"], name="payment_status"),
            models.Index(fields=["-created_at", "-id"], name="payment_newest"),
            models.Index(fields=["company_id", "-created_at", "-id"], name="payment_company"),
        ]

    def __str__(self) -> str:
        return self.payment_number
