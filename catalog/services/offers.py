"""Use cases of tests. Source: primary contract 7.2."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from catalog.models import Question, Test, TestCategory
from cbt.kernel import audit, clock
from cbt.kernel.actor import Actor
from cbt.kernel.errors import invalid, not_found
from cbt.kernel.money import rounded

PLAIN_FIELDS = frozenset({"name", "code", "type", "is_active", "sort_order"})
TEXT_FIELDS = frozenset({"description", "instruction_route", "test_route"})
COUNT_FIELDS = frozenset({"question_count", "duration_minutes"})
SETTING_FIELDS = frozenset(
    {"shuffle_questions", "shuffle_options", "max_attempts", "result_policy", "cheat_policy", "pass_percentage"}
)
PAPER_FIELDS = SETTING_FIELDS | {"name", "code", "description", "duration_minutes"}
"""Columns that are part of a frozen version: changing one makes the next freeze look again."""


@transaction.atomic
def test_create(*, data: dict[str, Any], actor: Actor) -> Test:
    """Put a test on offer.

    data: name, code, price, type; optional category_id, question_count, duration_minutes, description,
    instruction_route, test_route, metadata, is_active, sort_order and `settings` (as in the test document).
    Null counters become 0. Raises VALIDATION_ERROR for a code that is taken or an unknown category.
    """
    now = clock.now()
    test = Test(created_at=now, updated_at=now)
    _apply(test, data)
    _store(test)
    audit.record("catalog.test.created", actor=actor, obj=test, code=test.code)
    return test


@transaction.atomic
def test_update(*, test_id: int, data: dict[str, Any], actor: Actor) -> Test:
    """Change the given fields; with a bank `question_count` stays what the bank counts.

    Raises as `test_create`, and NOT_FOUND.
    """
    test = test_lock(test_id)
    before = {name: getattr(test, name) for name in PAPER_FIELDS}
    _apply(test, data)
    if any(getattr(test, name) != value for name, value in before.items()):
        test.bank_revision += 1
    bank_count = Question.objects.filter(test=test).count()
    if bank_count:
        test.question_count = bank_count
    test.updated_at = clock.now()
    _store(test)
    audit.record("catalog.test.updated", actor=actor, obj=test, fields=sorted(data))
    return test


@transaction.atomic
def test_delete(*, test_id: int, actor: Actor) -> None:
    """Take a test off the offer, softly: frozen versions stay readable. Raises NOT_FOUND."""
    test = test_lock(test_id)
    test.deleted_at = test.updated_at = clock.now()
    test.save(update_fields=["deleted_at", "updated_at"])
    audit.record("catalog.test.deleted", actor=actor, obj=test, code=test.code)


def test_lock(test_id: int) -> Test:
    """The live test, its row locked until the transaction ends. Raises NOT_FOUND."""
    test = Test.objects.select_for_update(of=("self",)).filter(pk=test_id, deleted_at__isnull=True).first()
    if test is None:
        raise not_found()
    return test


def bank_changed(test: Test) -> None:
    """Count the bank of a locked test again and raise its revision. Call after every write to the bank."""
    Test.objects.filter(pk=test.pk).update(
        bank_revision=F("bank_revision") + 1,
        question_count=Question.objects.filter(test=test).count(),
        updated_at=clock.now(),
    )
    test.refresh_from_db(fields=["bank_revision", "question_count", "updated_at"])


def _apply(test: Test, data: dict[str, Any]) -> None:
    for name in PLAIN_FIELDS & data.keys():
        if data[name] is not None:
            setattr(test, name, data[name])
    for name in TEXT_FIELDS & data.keys():
        setattr(test, name, data[name] or "")
    for name in COUNT_FIELDS & data.keys():
        setattr(test, name, data[name] or 0)
    if data.get("price") is not None:
        test.price = rounded(data["price"])
    if "metadata" in data:
        test.metadata = data["metadata"]
    if "category_id" in data:
        test.category = _category(data["category_id"])
    settings = data.get("settings") or {}
    for name in SETTING_FIELDS & settings.keys():
        setattr(test, name, settings[name])


def _category(category_id: int | None) -> TestCategory | None:
    if category_id is None:
        return None
    category = TestCategory.objects.filter(pk=category_id, deleted_at__isnull=True).first()
    if category is None:
        raise invalid(category_id="The selected category id is invalid.")
    return category


def _store(test: Test) -> None:
    taken = invalid(code="The code has already been taken.")
    if Test.objects.filter(code=test.code, deleted_at__isnull=True).exclude(pk=test.pk).exists():
        raise taken
    try:
        with transaction.atomic():
            test.save()
    except IntegrityError as error:  # somebody else was quicker between the look and the write
        raise taken from error
