"""Use cases of the question bank: the authors' draft. Every write leaves a bank that is whole, or nothing."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from catalog.engine.checks import version_faults
from catalog.engine.document import dump_question, dump_scale, parse_question, parse_scales
from catalog.engine.faults import DocumentInvalid, Fault
from catalog.engine.structure import Question as PaperQuestion
from catalog.models import Question, Scale, Test
from catalog.selectors.bank import paper_of_bank, question_get, questions_for, scales_for
from catalog.services.offers import bank_changed, test_lock
from catalog.services.refusals import refused
from cbt.kernel import audit, clock
from cbt.kernel.actor import Actor
from cbt.kernel.errors import invalid

QUESTIONS_MAX = 1000


@transaction.atomic
def question_create(*, test_id: int, document: dict[str, Any], actor: Actor, position: int | None = None) -> Question:
    """Add a question, at the end or at `position` (from 1; the rest moves on).

    document: one question of `cbt-test/1`. Raises NOT_FOUND, VALIDATION_ERROR with paths as field names.
    """
    test = test_lock(test_id)
    parsed = _parsed(document)
    rows = list(questions_for(test))
    if len(rows) >= QUESTIONS_MAX:
        raise invalid(non_field_errors=f"A test may have at most {QUESTIONS_MAX} questions.")
    if any(row.key == parsed.key for row in rows):
        raise invalid(key="The key has already been taken.")
    now = clock.now()
    question = Question(test=test, created_at=now, updated_at=now, position=len(rows) + 1)
    fill(question, parsed)
    question.save()
    place = len(rows) if position is None else max(0, min(position - 1, len(rows)))
    _number([*rows[:place], question, *rows[place:]])
    _finish(test, question)
    audit.record("catalog.question.created", actor=actor, obj=question, test_id=test.pk, key=question.key)
    return question


@transaction.atomic
def question_update(
    *, test_id: int, question_id: int, document: dict[str, Any], actor: Actor, partial: bool = False
) -> Question:
    """Replace a question, or with `partial` only the given fields. Frozen versions keep the old one.

    Raises NOT_FOUND, VALIDATION_ERROR (also when a scale still counts the question under its old key or kind).
    """
    test = test_lock(test_id)
    question = question_get(test, question_id)
    parsed = _parsed({**question.document(), **document} if partial else document)
    if Question.objects.filter(test=test, key=parsed.key).exclude(pk=question.pk).exists():
        raise invalid(key="The key has already been taken.")
    fill(question, parsed)
    question.updated_at = clock.now()
    question.save()
    _finish(test, question)
    audit.record("catalog.question.updated", actor=actor, obj=question, test_id=test.pk, key=question.key)
    return question


@transaction.atomic
def question_delete(*, test_id: int, question_id: int, actor: Actor) -> None:
    """Take a question out of the draft. Raises NOT_FOUND, VALIDATION_ERROR while a scale counts it."""
    test = test_lock(test_id)
    question = question_get(test, question_id)
    for scale in scales_for(test):
        if any(item["question"] == question.key for item in scale.items):
            raise invalid(non_field_errors=f"The scale '{scale.key}' counts this question; change the scale first.")
    audit.record("catalog.question.deleted", actor=actor, obj=question, test_id=test.pk, key=question.key)
    question.delete()
    _number(list(questions_for(test)))
    bank_changed(test)


@transaction.atomic
def questions_reorder(*, test_id: int, keys: Sequence[str], actor: Actor) -> list[Question]:
    """Put the questions in the order of `keys`, which must name every one once. Raises NOT_FOUND, VALIDATION_ERROR."""
    test = test_lock(test_id)
    rows = {row.key: row for row in questions_for(test)}
    if sorted(keys) != sorted(rows):
        raise invalid(keys="The keys must name every question of the test exactly once.")
    ordered = [rows[key] for key in keys]
    _number(ordered)
    bank_changed(test)
    audit.record("catalog.question.reordered", actor=actor, obj=test)
    return ordered


@transaction.atomic
def scales_put(*, test_id: int, document: Any, actor: Actor) -> list[Scale]:
    """Replace all scales of the bank.

    document: the list `scales` of `cbt-test/1`. Raises NOT_FOUND, VALIDATION_ERROR with paths such as
    `scales.0.items.2.question`.
    """
    test = test_lock(test_id)
    try:
        parsed = parse_scales(document)
    except DocumentInvalid as error:
        raise refused(error) from error
    Scale.objects.filter(test=test).delete()
    Scale.objects.bulk_create(
        Scale(test=test, position=position, **dump_scale(scale)) for position, scale in enumerate(parsed, 1)
    )
    _finish(test)
    audit.record("catalog.scales.replaced", actor=actor, obj=test, count=len(parsed))
    return list(scales_for(test))


def fill(row: Question, parsed: PaperQuestion) -> None:
    """Write a parsed question into a row."""
    body = dump_question(parsed)
    row.key, row.kind, row.text = body.pop("key"), body.pop("kind"), body.pop("text")
    row.body = body


def _parsed(document: dict[str, Any]) -> PaperQuestion:
    try:
        return parse_question(document)
    except DocumentInvalid as error:
        raise refused(error, prefix="question.") from error


def _number(rows: list[Question]) -> None:
    moved = []
    for position, row in enumerate(rows, 1):
        if row.position != position:
            row.position = position
            moved.append(row)
    Question.objects.bulk_update(moved, ["position"])


def _finish(test: Test, edited: Question | None = None) -> None:
    """Refuse a bank whose parts no longer fit; faults of the edited question are named by its own fields."""
    paper = paper_of_bank(test)
    faults = list(version_faults(paper))
    if faults:
        prefix = f"questions.{list(paper.questions_by_key).index(edited.key)}." if edited else ""
        raise refused(DocumentInvalid([Fault(fault.path.removeprefix(prefix), fault.message) for fault in faults]))
    bank_changed(test)
