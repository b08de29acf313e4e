"""Frozen versions of tests."""

import secrets
from typing import Any, NoReturn

from django.db import models

from catalog.models.offer import Test


class ImmutableRow(RuntimeError):
    """Code tried to change or delete a row that must stay as it is."""


def new_version_id() -> int:
    """A random id of 52 bits.

    Processes keep versions in memory by id; a counted id could come back with other content after a restored
    backup or a rolled-back insert. 52 bits also survive JSON readers that know only doubles.
    """
    return secrets.randbits(52) + 1


class FrozenQuerySet(models.QuerySet["TestVersion"]):
    """Refuses bulk changes as well."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Refuse."""
        raise ImmutableRow("a version of a test is never changed")

    def delete(self) -> NoReturn:
        """Refuse."""
        raise ImmutableRow("a version of a test is never deleted")


class TestVersion(models.Model):
    """A test as it was when somebody first took it so. Written once; sessions are bound to it.

    number: counts from 1 within the test.  content: `cbt-test/1` without price, type and category, pictures by id.
    content_hash: SHA-256 of the canonical JSON of `content`.  bank_revision: of the test, when this was first frozen.
    """

    __test__ = False

    id = models.BigIntegerField(primary_key=True, default=new_version_id, editable=False)
    test = models.ForeignKey(Test, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    content = models.JSONField()
    content_hash = models.CharField(max_length=64)
    bank_revision = models.PositiveIntegerField()
    created_at = models.DateTimeField()

    objects = FrozenQuerySet.as_manager()

    class Meta:
        ordering = ["test_id", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["test", "number"], name="test_version_number_unique"),
            models.UniqueConstraint(fields=["test", "content_hash"], name="test_version_content_unique"),
        ]

    def __str__(self) -> str:
        return f"version {self.number} of test {self.test_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; raise `ImmutableRow` for a row that is stored already."""
        if not self._state.adding:
            raise ImmutableRow("a version of a test is never changed")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        raise ImmutableRow("a version of a test is never deleted")
