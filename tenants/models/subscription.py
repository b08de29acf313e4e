"""What a company has subscribed to."""

from django.db import models
from django.db.models import F, Q

from tenants.models.company import Company
from tenants.models.plan import SubscriptionPlan, SubscriptionPrice
from tenants.states import SUBSCRIPTION_OPEN, BillingType, SubscriptionStatus


class CompanySubscription(models.Model):
    """One period in which a company may register ``user_quota`` participants.

    It counts as active while its status is active *and* ``expires_at`` lies ahead: the clock ends it, the
    periodic job only writes that down. started_at, expires_at: provisional while pending; set anew when it
    becomes active. used_quota: participants registered so far, changed only by `tenants.services.quota`.
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
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["status", "expires_at"], name="subscription_due")]
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
