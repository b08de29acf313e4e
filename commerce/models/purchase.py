"""The right to take a test."""

from django.conf import settings
from django.db import models


class Purchase(models.Model):
    """One private user may take one test. A test is not sold to the same user twice.

    transaction_number: of the order it came with; the tests of one order share it.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="purchases")
    test = models.ForeignKey("catalog.Test", on_delete=models.PROTECT, related_name="purchases")
    transaction_number = models.CharField(max_length=20, db_index=True)
    purchased_at = models.DateTimeField()

    class Meta:
        ordering = ["-purchased_at", "-id"]
        indexes = [models.Index(fields=["user", "-purchased_at", "-id"], name="purchase_newest")]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "test"],
                name="purchase_once",
                violation_error_message="This user has this test already.",
            )
        ]

    def __str__(self) -> str:
        return f"purchase {self.pk}"
