"""What staff, money and the system did: append only."""

from django.db import models


class AuditEvent(models.Model):
    """One act of staff or of the system: who, what, on which object, with old and new values. Never changed.

    .. pii: network address of who acted; kept as long as the trail is.
    """

    at = models.DateTimeField(db_index=True)
    action = models.CharField(max_length=80, help_text="Dotted verb, e.g. sessions_app.participant.banned")
    actor_kind = models.CharField(max_length=16)
    actor_id = models.BigIntegerField(null=True)
    company_id = models.BigIntegerField(null=True, db_index=True)
    object_type = models.CharField(max_length=60)
    object_id = models.CharField(max_length=64)
    data = models.JSONField(default=dict)
    ip = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, default="-")

    class Meta:
        indexes = [models.Index(fields=["object_type", "object_id", "at"], name="audit_object")]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.action} {self.object_type}:{self.object_id}"
