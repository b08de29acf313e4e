"""Background work as rows: the row is the truth, a broker only wakes someone up."""

from django.db import models
from django.db.models import Q


class JobState(models.TextChoices):
    """queued -> running -> done | failed; running falls back to queued when its lease ends or it may be retried."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job(models.Model):
    """One piece of work. Written in the transaction that wants it done; safe to run twice."""

    name = models.CharField(max_length=80)
    payload = models.JSONField(default=dict, help_text="Ids only: no secrets, no personal data")
    state = models.CharField(max_length=8, choices=JobState.choices, default=JobState.QUEUED)
    run_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=8)
    dedupe_key = models.CharField(max_length=160, null=True)  # noqa: DJ001 - NULL is "no key" for the constraint
    progress_done = models.PositiveIntegerField(default=0)
    progress_total = models.PositiveIntegerField(default=0)
    result = models.JSONField(null=True)
    last_error = models.CharField(max_length=500, default="", blank=True)
    company_id = models.BigIntegerField(null=True, db_index=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dedupe_key"],
                condition=Q(state__in=[JobState.QUEUED, JobState.RUNNING]),
                name="job_one_open_per_key",
            ),
        ]
        indexes = [
            models.Index(fields=["run_at"], condition=Q(state="queued"), name="job_due"),
            models.Index(fields=["lease_until"], condition=Q(state="running"), name="job_leased"),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.name} #{self.pk} {self.state}"


class PeriodicRun(models.Model):
    """When each row of the periodic table is due next; one row a name, moved forward by compare-and-set."""

    name = models.CharField(max_length=80, primary_key=True)
    next_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
