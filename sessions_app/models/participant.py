"""A person a company invites, and the bans it had."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

#: Counting and paging a list reads an index alone.
_COVERED: dict[str, Any] = {"condition": Q(deleted_at__isnull=True), "include": ["banned_at"]}


class Participant(models.Model):
    """One invited person of one company; acts by the links of its assignments, and by a login where it was given one.

    Deleting hides it: what a candidate wrote stays until a retention rule says otherwise.

    .. pii: name, address, biodata; kept while the company exists.
    """

    company = models.ForeignKey("tenants.Company", on_delete=models.PROTECT, related_name="participants")
    name = models.CharField(max_length=255)
    email = models.EmailField(max_length=255)
    unique_token = models.CharField(max_length=40, unique=True, help_text="Opaque public id; opens nothing")
    user = models.OneToOneField(
        "accounts.User", on_delete=models.PROTECT, null=True, blank=True, related_name="participant",
        help_text="The account by which the candidate signs in with a number",
    )  # fmt: skip
    biodata = models.JSONField(default=dict)
    banned_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "company", Lower("email"), condition=Q(deleted_at__isnull=True), name="participant_email_per_company"
            )
        ]
        indexes = [
            models.Index(fields=["company", "-created_at", "-id"], name="participant_company", **_COVERED),
            models.Index(fields=["-created_at", "-id"], name="participant_newest", **_COVERED),
            models.Index(
                fields=["company", "-created_at", "-id"],
                condition=Q(deleted_at__isnull=True, banned_at__isnull=False),
                name="participant_banned",
            ),
            models.Index(fields=["company", "id"], condition=Q(deleted_at__isnull=False), name="participant_gone"),
        ]
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"participant {self.pk}"


class ParticipantBan(models.Model):
    """One ban of a participant, by staff or by the anti-cheat rules; lifted, never deleted."""

    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="bans")
    session_id = models.BigIntegerField(null=True)
    reason = models.CharField(max_length=1000, default="", blank=True)
    banned_by_id = models.BigIntegerField(null=True, help_text="User, or null for the rules")
    banned_at = models.DateTimeField()
    lifted_by_id = models.BigIntegerField(null=True)
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["participant"], condition=Q(lifted_at__isnull=True), name="participant_one_open_ban"
            )
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"ban {self.pk}"
