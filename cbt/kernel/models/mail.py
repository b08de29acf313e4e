"""The outbox: mails that wait, were sent, or failed."""

from django.db import models
from django.db.models import Q


class MailStatus(models.TextChoices):
    """queued -> sending -> sent | failed; cancelled when there is no longer a reason to send it."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


class OutgoingMail(models.Model):
    """One mail to one address. Holds ids, not text: the mail is written when it is sent, so no secret link is stored.

    .. pii: recipient address; kept for the mail's status, removed with the object it concerns.
    """

    kind = models.CharField(max_length=60)
    recipient = models.EmailField(max_length=255)
    context = models.JSONField(default=dict)
    dedupe_key = models.CharField(max_length=160, unique=True)
    status = models.CharField(max_length=9, choices=MailStatus.choices, default=MailStatus.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=300, default="", blank=True)
    company_id = models.BigIntegerField(null=True)
    object_type = models.CharField(max_length=60, default="", blank=True)
    object_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["object_type", "object_id", "-id"], name="mail_object"),
            models.Index(fields=["status", "created_at"], condition=~Q(status="sent"), name="mail_unsent"),
        ]
        ordering = ["-id"]
        verbose_name = "outgoing mail"

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk} {self.status}"
