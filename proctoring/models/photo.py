"""Photos taken during a sitting."""

from django.db import models
from django.db.models import Q

from sessions_app.models import ExamSession


class Photo(models.Model):
    """One photo of a session, re-encoded and stored privately. The row outlives its file, so that the log stays true.

    number: counts from 1 within the session.  path: stored name.  sha256: of the stored bytes.
    deleted_at: when the file was removed by retention; null while it is there.

    .. pii: a picture of a person, and the address it came from; both removed after PHOTO_RETENTION_DAYS.
    """

    session = models.ForeignKey(ExamSession, on_delete=models.CASCADE, related_name="photos", db_index=False)
    number = models.PositiveIntegerField()
    path = models.CharField(max_length=200, unique=True)
    mime = models.CharField(max_length=16)
    size_bytes = models.PositiveIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    ip = models.GenericIPAddressField(null=True)
    captured_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "number"], name="photo_number_per_session")]
        indexes = [
            models.Index(fields=["captured_at"], condition=Q(deleted_at__isnull=True), name="photo_kept"),
        ]
        ordering = ["session_id", "number"]

    def __str__(self) -> str:
        return f"photo {self.pk}"
