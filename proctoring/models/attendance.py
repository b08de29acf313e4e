"""Who was there."""

from django.conf import settings
from django.db import models

from proctoring.states import AttendanceMethod, AttendanceStatus


class Attendance(models.Model):
    """One person's attendance at one test. at: when it was recorded or last changed; by_id: the user who did."""

    test = models.ForeignKey("catalog.Test", on_delete=models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=8, choices=[(word.value, word.value) for word in AttendanceStatus])
    method = models.CharField(max_length=8, choices=[(word.value, word.value) for word in AttendanceMethod])
    at = models.DateTimeField()
    by_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["test", "user"], name="attendance_once_per_test"),
            models.CheckConstraint(
                condition=models.Q(status__in=sorted(word.value for word in AttendanceStatus)),
                name="attendance_status_known",
            ),
        ]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"attendance {self.pk}"
