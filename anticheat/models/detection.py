"""What was noticed during a sitting."""

from typing import Any

from django.db import models
from django.db.models import Q

from anticheat.states import MAX_SEVERITY, MIN_SEVERITY, DetectionSource, DetectionType
from sessions_app.models import ExamSession


class CheatDetection(models.Model):
    """One suspicious act in one session, as reported or noticed. Stays as it is; staff may only resolve it.

    claimed_severity: what the client said, null when it said nothing or the server noticed it itself.
    severity: what it weighs.  is_counted: False for what is shown to staff and never leads to a ban.
    duplicate_of: an earlier report of the same act; both together count once.
    repeat_count: further reports of this type that came after the session's room was full.
    server_key: names what the server noticed, so that it is noted once (a device, the time of the sitting).

    .. pii: detection_data may hold the network and browser of another device; kept with the session.
    """

    session = models.ForeignKey(ExamSession, on_delete=models.CASCADE, related_name="detections", db_index=False)
    detection_type = models.CharField(max_length=20, choices=[(kind.value, kind.value) for kind in DetectionType])
    detection_data = models.JSONField(default=dict, blank=True)
    claimed_severity = models.PositiveSmallIntegerField(null=True)
    severity = models.PositiveSmallIntegerField()
    source = models.CharField(max_length=6, choices=[(source.value, source.value) for source in DetectionSource])
    is_counted = models.BooleanField(default=True)
    duplicate_of = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)
    repeat_count = models.PositiveIntegerField(default=0)
    server_key = models.CharField(max_length=60, null=True)  # noqa: DJ001 - NULL is "no key" for the constraint
    is_resolved = models.BooleanField(default=False)
    resolved_at = models.DateTimeField(null=True)
    resolved_by_id = models.BigIntegerField(null=True)
    resolve_note = models.CharField(max_length=1000, default="", blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(severity__gte=MIN_SEVERITY, severity__lte=MAX_SEVERITY), name="detection_severity_range"
            ),
            models.CheckConstraint(
                condition=Q(is_resolved=True, resolved_at__isnull=False)
                | Q(is_resolved=False, resolved_at__isnull=True),
                name="detection_resolved_has_time",
            ),
            models.UniqueConstraint(fields=["session", "server_key"], name="detection_once_per_server_key"),
        ]
        indexes = [models.Index(fields=["session", "-created_at", "-id"], name="detection_by_session")]
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"detection {self.pk} {self.detection_type}"

    @property
    def data_for_taker(self) -> dict[str, Any]:
        """The data without the network and browser of another device, which may be another person's."""
        return {key: value for key, value in self.detection_data.items() if not self._is_private(key)}

    def _is_private(self, key: str) -> bool:
        return self.source == DetectionSource.SERVER and key in {"network", "user_agent"}
