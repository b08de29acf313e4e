"""Orders of private buyers."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q

from commerce.states import TransactionStatus


class PublicTransaction(models.Model):
    """One order of a private buyer: what one checkout made of a cart, with the prices of that moment.

    idempotency_key: what the client sent with the checkout, "" for nothing; a second checkout with it finds this row.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="transactions")
    transaction_number = models.CharField(max_length=20, unique=True)
    total_amount = models.DecimalField(max_digits=15, decimal_places=2)
    status = models.CharField(
        max_length=16,
        choices=[(word.value, word.value) for word in TransactionStatus],
        default=TransactionStatus.PENDING.value,
    )
    idempotency_key = models.CharField(max_length=100, default="", blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = "transaction"
        constraints = [
            models.CheckConstraint(condition=Q(total_amount__gte=Decimal(0)), name="transaction_total_not_negative"),
            models.UniqueConstraint(
                fields=["user", "idempotency_key"], condition=~Q(idempotency_key=""), name="transaction_key_once"
            ),
        ]
        indexes = [models.Index(fields=["user", "-created_at", "-id"], name="transaction_user")]

    def __str__(self) -> str:
        return self.transaction_number


class PublicTransactionItem(models.Model):
    """One test of an order, at the price it had at checkout. Never changes."""

    transaction = models.ForeignKey(PublicTransaction, on_delete=models.CASCADE, related_name="items")
    test = models.ForeignKey("catalog.Test", on_delete=models.PROTECT, related_name="+")
    price_amount = models.DecimalField(max_digits=15, decimal_places=2)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        verbose_name = "item"
        constraints = [
            models.UniqueConstraint(fields=["transaction", "test"], name="transaction_item_once"),
            models.CheckConstraint(
                condition=Q(price_amount__gte=Decimal(0)), name="transaction_item_price_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"item {self.pk}"
