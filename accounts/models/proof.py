"""Proofs by mail: verification of an address, reset of a password. Only hashes of the secrets are stored."""

from django.db import models
from django.db.models import Q

from accounts.models.user import User


class EmailVerification(models.Model):
    """One verification link sent to one address; good for 24 hours, once. A newer link marks it used as well.

    .. pii: the address to be proved; removed 30 days after its end.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="verifications")
    email = models.EmailField(max_length=255, help_text="The address being proved")
    nonce = models.CharField(max_length=32)
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(used_at__isnull=True), name="verification_one_open")
        ]

    def __str__(self) -> str:
        return f"verification {self.pk}"


class PasswordReset(models.Model):
    """One reset link; good for 60 minutes, once. A newer link marks it used as well."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="password_resets")
    nonce = models.CharField(max_length=32)
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(used_at__isnull=True), name="reset_one_open")
        ]

    def __str__(self) -> str:
        return f"password reset {self.pk}"
