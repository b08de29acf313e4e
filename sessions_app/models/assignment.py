"""A test given to a participant for a window of time, with its secret link."""

from django.db import models
from django.db.models import F, Q

from sessions_app.models.participant import Participant


class TestAssignment(models.Model):
    """One participant, one test, one window, one link whose token is derived from ``nonce``; its hash finds it.

    company_id: the participant's, which never changes; repeated so that a company's are counted without a join.
    """

    __test__ = False  # not a test case, whatever its name

    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="assignments")
    company_id = models.BigIntegerField(null=True, editable=False)
    test = models.ForeignKey("catalog.Test", on_delete=models.PROTECT, related_name="assignments")
    nonce = models.CharField(max_length=32)
    token_hash = models.CharField(max_length=64, unique=True)
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)
    extra_seconds = models.PositiveIntegerField(default=0, db_default=0, help_text="On top of the test's duration")
    mails_requested = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(end_at__gt=F("start_at")), name="assignment_window_not_empty")
        ]
        indexes = [
            models.Index(fields=["participant", "start_at"], name="assignment_by_participant"),
            models.Index(
                fields=["company_id", "-created_at", "-id"], include=["participant"], name="assignment_company"
            ),
            models.Index(
                fields=["company_id", "end_at"], include=["start_at", "participant"],
                condition=Q(completed_at__isnull=True), name="assignment_pending",
            ),
        ]  # fmt: skip
        ordering = ["start_at", "id"]

    def __str__(self) -> str:
        return f"assignment {self.pk}"

    @property
    def is_completed(self) -> bool:
        """Tell whether its session was submitted."""
        return self.completed_at is not None
