"""What can be subscribed to."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

DURATIONS = (3, 6, 12)
NOT_NEGATIVE = [MinValueValidator(0)]


class SubscriptionPlan(models.Model):
    """One length of subscription on offer. Soft delete: subscriptions keep referring to it.

    seed_key: names the row of the initial data this one came from, so that loading again changes nothing,
    even when staff has renamed or withdrawn it; null for plans made by staff.
    """

    name = models.CharField(max_length=255)
    duration_months = models.PositiveSmallIntegerField(choices=[(months, f"{months} months") for months in DURATIONS])
    description = models.TextField(default="", blank=True)
    is_active = models.BooleanField(default=True)
    sort_order = models.PositiveIntegerField(default=0)
    seed_key = models.CharField(max_length=40, null=True, blank=True, editable=False, unique=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["sort_order", "id"]
        indexes = [
            models.Index(
                fields=["sort_order", "id"],
                include=["is_active", "duration_months"],
                condition=Q(deleted_at__isnull=True),
                name="plan_in_order",
            )
        ]
        constraints = [
            models.CheckConstraint(condition=Q(duration_months__in=DURATIONS), name="plan_duration_known"),
        ]

    def __str__(self) -> str:
        return self.name


class SubscriptionPrice(models.Model):
    """One tier of a plan: so many people for so much; quota 0 is the custom tier, priced by person.

    price_amount: for the whole duration.  price_per_additional_user_amount: for the whole duration, null: none sold.
    """

    plan = models.ForeignKey(SubscriptionPlan, on_delete=models.PROTECT, related_name="prices")
    user_quota = models.PositiveIntegerField(help_text="People included; 0 is the custom tier")
    price_amount = models.DecimalField(max_digits=15, decimal_places=2, validators=NOT_NEGATIVE)
    price_per_additional_user_amount = models.DecimalField(
        max_digits=15, decimal_places=2, null=True, blank=True, validators=NOT_NEGATIVE
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["plan__sort_order", "plan_id", "user_quota", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "user_quota"],
                name="price_plan_quota_unique",
                violation_error_message="The user quota already exists for this subscription plan.",
            ),
            models.CheckConstraint(
                condition=Q(price_amount__gte=0)
                & (Q(price_per_additional_user_amount__isnull=True) | Q(price_per_additional_user_amount__gte=0)),
                name="price_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan}: {self.user_quota or 'custom'}"
