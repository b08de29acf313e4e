"""Lists of people that were uploaded, and how far each has come."""

from django.db import models
from django.db.models import F, Q

from sessions_app.states import ImportState


class ImportBatch(models.Model):
    """One uploaded list of participants. ``rows_done`` rows from its start are settled: stored, or among the failures.

    rows: what is still needed of the file, [[sheet row, name, e-mail, [errors], number, "", hash], ...]; emptied at the
    end. No password stands there, only what `accounts.services.many_passwords` made of it.
    failures: [{"row", "name", "email", "errors"}], in the order of the file.

    .. pii: names and addresses of the list; the rows go when the import ends, the failures 30 days later.
    """

    company = models.ForeignKey("tenants.Company", on_delete=models.PROTECT, related_name="imports")
    created_by_id = models.BigIntegerField(null=True)
    file_name = models.CharField(max_length=255)
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    test_ids = models.JSONField()
    state = models.CharField(
        max_length=8,
        choices=[(s.value, s.value) for s in ImportState if s is not ImportState.FAILED],
        default=ImportState.QUEUED.value,
    )
    rows = models.JSONField(default=list)
    rows_total = models.PositiveIntegerField()
    rows_done = models.PositiveIntegerField(default=0)
    created_count = models.PositiveIntegerField(default=0)
    failed_count = models.PositiveIntegerField(default=0)
    failures = models.JSONField(default=list)
    job_id = models.BigIntegerField(null=True, help_text="The job that works on it; null for one done at once")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(rows_done=F("created_count") + F("failed_count"), rows_done__lte=F("rows_total")),
                name="import_every_row_settled_once",
            ),
            models.CheckConstraint(
                condition=Q(state="done", finished_at__isnull=False, rows_done=F("rows_total"))
                | (~Q(state="done") & Q(finished_at__isnull=True)),
                name="import_done_facts",
            ),
        ]
        indexes = [models.Index(fields=["company", "-id"], name="import_by_company")]
        ordering = ["-id"]
        verbose_name_plural = "import batches"

    def __str__(self) -> str:
        return f"import {self.pk} {self.state}"
