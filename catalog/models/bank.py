"""The question bank of a test: the draft its authors work on. Takers get frozen versions of it."""

from typing import Any

from django.db import models
from django.db.models import Q

from catalog.engine.structure import KINDS
from catalog.models.offer import Test

KEY_LENGTH = 64


class Question(models.Model):
    """One question of a bank. `body` holds the rest of its document: options, key, weights, limits.

    position: place in the bank, from 1; gaps are allowed, ties broken by id.
    """

    test = models.ForeignKey(Test, on_delete=models.CASCADE, related_name="questions")
    key = models.CharField(max_length=KEY_LENGTH)
    kind = models.CharField(max_length=16, choices=[(kind, kind) for kind in sorted(KINDS)])
    position = models.PositiveIntegerField()
    text = models.TextField()
    body = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["test", "key"], name="question_key_unique"),
            models.CheckConstraint(condition=Q(kind__in=sorted(KINDS)), name="question_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.key} ({self.kind})"

    def document(self) -> dict[str, Any]:
        """The question as the test document writes it, answer key included: for authors only."""
        return {"key": self.key, "kind": self.kind, "text": self.text, **self.body}


class Scale(models.Model):
    """One scale of an inventory: items as `[{"question", "reverse", "weight"}]`."""

    test = models.ForeignKey(Test, on_delete=models.CASCADE, related_name="scales")
    key = models.CharField(max_length=KEY_LENGTH)
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=255)
    description = models.TextField(default="", blank=True)
    items = models.JSONField(default=list)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [models.UniqueConstraint(fields=["test", "key"], name="scale_key_unique")]

    def __str__(self) -> str:
        return self.name

    def document(self) -> dict[str, Any]:
        """The scale as the test document writes it."""
        return {"key": self.key, "name": self.name, "description": self.description, "items": self.items}


class QuestionPicture(models.Model):
    """One picture of a bank, re-encoded and stored privately. Rows are kept for the versions that show them.

    file: stored name.  replaced_at: when another picture took its key; null while it is the current one.
    """

    test = models.ForeignKey(Test, on_delete=models.CASCADE, related_name="pictures")
    key = models.CharField(max_length=KEY_LENGTH)
    mime = models.CharField(max_length=16)
    alt = models.CharField(max_length=1000, default="", blank=True)
    file = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    byte_count = models.PositiveIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    created_at = models.DateTimeField()
    replaced_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["key", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["test", "key"], condition=Q(replaced_at__isnull=True), name="question_picture_key_unique"
            )
        ]

    def __str__(self) -> str:
        return self.key

    def document(self) -> dict[str, Any]:
        """The picture as a frozen version writes it: by id, without bytes."""
        return {"mime": self.mime, "alt": self.alt, "id": self.pk}
