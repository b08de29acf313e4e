"""What is offered: tests and their categories."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from catalog.engine.numbers import to_json
from catalog.states import CheatPolicy, ResultPolicy, TestType

_LIVE = Q(deleted_at__isnull=True)
#: Counting and paging tests in each order reads an index alone.
_SHOWN: dict[str, Any] = {"condition": _LIVE, "include": ["is_active", "type"]}
_ORDERS = {
    "test_in_catalogue": ["sort_order", "name", "id"],
    "test_in_order": ["sort_order", "id"],
    "test_by_name": ["name", "id"],
}


class TestCategory(models.Model):
    """One category of tests. Deleting is soft: `deleted_at` frees name and slug."""

    __test__ = False  # a model, although its name begins like a test case

    name = models.CharField(max_length=255)
    slug = models.CharField(max_length=255, blank=True)
    description = models.TextField(default="", blank=True)
    is_active = models.BooleanField(default=True)
    sort_order = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(editable=False)
    updated_at = models.DateTimeField(editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["sort_order", "name", "pk"]
        verbose_name_plural = "test categories"
        indexes = [
            models.Index(fields=["is_active", "sort_order", "name", "id"], condition=_LIVE, name="category_live"),
            models.Index(fields=["sort_order", "id"], condition=_LIVE, include=["is_active"], name="category_in_order"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["name"],
                condition=_LIVE,
                name="test_category_name_unique",
                violation_error_message="The name has already been taken.",
            ),
            models.UniqueConstraint(
                fields=["slug"],
                condition=_LIVE,
                name="test_category_slug_unique",
                violation_error_message="The slug has already been taken.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Test(models.Model):
    """One test on offer. Its questions, if it has any here, are the rows of its bank.

    question_count: as given, or counted from the bank where there is one.
    bank_revision: grows with every change of what a taker could see or be scored by.
    frozen_version, frozen_revision: the version made of the bank last, and the revision it was made of.
    owner: who made it for classes of their own; such a test is neither sold nor offered to companies.
    starts_at: when a class meets for it; questions stay closed before. Null: open at any time.
    """

    __test__ = False

    category = models.ForeignKey(TestCategory, null=True, blank=True, on_delete=models.SET_NULL, related_name="tests")
    name = models.CharField(max_length=255)
    code = models.CharField(max_length=50)
    price = models.DecimalField(max_digits=15, decimal_places=2, default=Decimal(0))
    question_count = models.PositiveIntegerField(default=0)
    duration_minutes = models.PositiveIntegerField(default=0, help_text="0: no limit")
    type = models.CharField(max_length=16, choices=[(word.value, word.value) for word in TestType])
    description = models.TextField(default="", blank=True)
    instruction_route = models.CharField(max_length=255, default="", blank=True)
    test_route = models.CharField(max_length=255, default="", blank=True)
    metadata = models.JSONField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    sort_order = models.PositiveIntegerField(default=0)

    shuffle_questions = models.BooleanField(default=False)
    shuffle_options = models.BooleanField(default=False)
    max_attempts = models.PositiveIntegerField(default=1)
    result_policy = models.CharField(
        max_length=16, choices=[(word.value, word.value) for word in ResultPolicy], default=ResultPolicy.NONE.value
    )
    cheat_policy = models.CharField(
        max_length=16, choices=[(word.value, word.value) for word in CheatPolicy], default=CheatPolicy.BAN.value
    )
    pass_percentage = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)

    bank_revision = models.PositiveIntegerField(default=1, editable=False)
    frozen_version = models.ForeignKey(
        "catalog.TestVersion", null=True, blank=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )
    frozen_revision = models.PositiveIntegerField(null=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )
    starts_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    updated_at = models.DateTimeField(editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["sort_order", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["code"],
                condition=_LIVE,
                name="test_code_unique",
                violation_error_message="The code has already been taken.",
            ),
            models.CheckConstraint(condition=Q(price__gte=0), name="test_price_not_negative"),
            models.CheckConstraint(condition=Q(max_attempts__gte=1), name="test_max_attempts_positive"),
            models.CheckConstraint(
                condition=Q(pass_percentage__isnull=True) | Q(pass_percentage__gte=0, pass_percentage__lte=100),
                name="test_pass_percentage_range",
            ),
        ]
        indexes = [
            models.Index(fields=["is_active", "type", "sort_order"], condition=_LIVE, name="test_live"),
            models.Index(fields=["id"], condition=~Q(result_policy=ResultPolicy.NONE.value), name="test_shows_results"),
            models.Index(fields=["category", "id"], condition=_LIVE, name="test_in_category"),
            *(models.Index(fields=fields, name=name, **_SHOWN) for name, fields in _ORDERS.items()),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    def settings_document(self) -> dict[str, Any]:
        """Settings as the test document writes them (`settings` of `cbt-test/1`)."""
        percentage = self.pass_percentage
        return {
            "shuffle_questions": self.shuffle_questions,
            "shuffle_options": self.shuffle_options,
            "max_attempts": self.max_attempts,
            "result_policy": self.result_policy,
            "cheat_policy": self.cheat_policy,
            "pass_percentage": None if percentage is None else to_json(percentage),
        }
