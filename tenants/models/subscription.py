"""What a company has subscribed to."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from tenants.engine.amounts import Terms
from tenants.models.company import Company
from tenants.models.plan import SubscriptionPlan, SubscriptionPrice
from tenants.states import SUBSCRIPTION_OPEN, BillingType, SubscriptionStatus


class CompanySubscription(models.Model):
    """One period in which a company may register ``user_quota`` participants.

    It counts as active while its status is active *and* ``expires_at`` lies ahead: the clock ends it, the
    periodic job only writes that down. started_at, expires_at: provisional while pending; set anew when it
    becomes active. used_quota: participants registered so far, changed only by `tenants.services.quota`.
    period_months, base_quota, price_amount, price_per_additional_user_amount: what was agreed at purchase; a later
    change of the plan or its price changes nobody's bill. reminded_days: the last reminder sent before
    ``expires_at`` (14 or 3 days), null for none.
    """

    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="subscriptions")
    plan = models.ForeignKey(SubscriptionPlan, on_delete=models.PROTECT, related_name="subscriptions")
    price = models.ForeignKey(SubscriptionPrice, on_delete=models.PROTECT, related_name="subscriptions")
    user_quota = models.PositiveIntegerField()
    used_quota = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=10, choices=[(state.value, state.value) for state in SubscriptionStatus])
    billing_type = models.CharField(max_length=10, choices=[(kind.value, kind.value) for kind in BillingType])
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True, blank=True)
    period_months = models.PositiveSmallIntegerField()
    base_quota = models.PositiveIntegerField()
    price_amount = models.DecimalField(max_digits=15, decimal_places=2)
    price_per_additional_user_amount = models.DecimalField(max_digits=15, decimal_places=2, null=True, blank=True)
    notes = models.CharField(max_length=1000, default="", blank=True)
    reminded_days = models.PositiveSmallIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["status", "expires_at"], include=["company"], name="subscription_until"),
            models.Index(fields=["company", "-created_at", "-id"], name="subscription_company"),
            models.Index(fields=["-created_at", "-id"], name="subscription_newest"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["company"],
                condition=Q(status__in=sorted(state.value for state in SUBSCRIPTION_OPEN)),
                name="subscription_one_open",
                violation_error_message="The company already has an active or pending subscription.",
            ),
            models.CheckConstraint(
                condition=Q(used_quota__gte=0, used_quota__lte=F("user_quota")), name="subscription_quota_kept"
            ),
            models.CheckConstraint(
                condition=Q(status__in=sorted(state.value for state in SubscriptionStatus)),
                name="subscription_status_known",
            ),
            models.CheckConstraint(
                condition=Q(billing_type__in=sorted(kind.value for kind in BillingType)),
                name="subscription_billing_known",
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("started_at")), name="subscription_period_forward"),
            models.CheckConstraint(
                condition=Q(status=SubscriptionStatus.CANCELLED.value, cancelled_at__isnull=False)
                | (~Q(status=SubscriptionStatus.CANCELLED.value) & Q(cancelled_at__isnull=True)),
                name="subscription_cancelled_fact",
            ),
        ]

    def __str__(self) -> str:
        return f"subscription {self.pk}"

    @property
    def remaining_quota(self) -> int:
        """Return how many participants may still be registered."""
        return max(0, self.user_quota - self.used_quota)

    @property
    def terms(self) -> Terms:
        """Return what was agreed at purchase."""
        return Terms(
            months=self.period_months,
            base_quota=self.base_quota,
            price_amount=self.price_amount,
            extra_amount=self.price_per_additional_user_amount,
        )

    def is_active_at(self, now: datetime) -> bool:
        """Tell whether it counts as active at ``now``."""
        return self.status == SubscriptionStatus.ACTIVE and self.expires_at > now
