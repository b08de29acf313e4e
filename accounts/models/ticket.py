"""Tickets: what opens one socket without a token in its address."""

from django.db import models

from accounts.models.login import Login


class LiveTicket(models.Model):
    """A login's ticket for one socket, good once and for a minute. Only its hash is stored; spending removes it."""

    token_hash = models.CharField(max_length=64, unique=True)
    login = models.ForeignKey(Login, on_delete=models.CASCADE, related_name="tickets")
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"ticket {self.pk}"
