"""Refresh tokens: what prolongs a login of a client that holds short-lived access tokens."""

from django.db import models
from django.db.models import Q

from accounts.models.login import Login


class RefreshToken(models.Model):
    """One link in the chain of refresh tokens of a login, which is their family; good once. Only its hash is stored.

    nonce: the token follows from it and the server's secret (`cbt.kernel.ids`), so that a repeated request can be
    given the same successor.  number: place in the chain, from 1.  spent_at: when its successor was made.
    """

    login = models.ForeignKey(Login, on_delete=models.CASCADE, related_name="refresh_tokens", db_index=False)
    number = models.PositiveIntegerField()
    nonce = models.CharField(max_length=32)
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    spent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["login", "number"], name="refresh_number_per_login"),
            models.UniqueConstraint(
                fields=["login"], condition=Q(spent_at__isnull=True), name="refresh_one_unspent_per_login"
            ),
        ]
        ordering = ["login_id", "number"]

    def __str__(self) -> str:
        return f"refresh token {self.pk}"
