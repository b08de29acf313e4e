"""A login: the revocable row behind every token."""

import uuid

from django.db import models

from accounts.models.user import User
from accounts.states import LoginScope


class Login(models.Model):
    """One signing-in on one device. Tokens name it; revoking it ends them at once on every process.

    .. pii: device and address of the login; rows are removed a year after they ended.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="logins")
    scope = models.CharField(max_length=10, choices=[(scope.value, scope.value) for scope in LoginScope])
    user_agent = models.CharField(max_length=300, default="", blank=True)
    ip = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="Absolute end, whatever the activity")
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoke_reason = models.CharField(max_length=40, default="", blank=True)

    class Meta:
        indexes = [models.Index(fields=["user", "revoked_at"], name="login_user_open")]
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"login {self.pk}"
