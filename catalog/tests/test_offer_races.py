"""Two authors at once."""

import threading

import pytest

from catalog.models import Question, Test, TestCategory
from catalog.services import bank, categories, offers
from catalog.tests.builders import question
from catalog.tests.factories import ADMIN, make_banked
from cbt.kernel.errors import DomainError, ErrorCode
from tests.support import race

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]
DATA = {"name": "N", "code": "ONCE", "price": 0, "type": "all"}


def outcomes(results):
    return sorted(result.code if isinstance(result, DomainError) else type(result).__name__ for result in results)


def test_create__when_two_take_one_code__then_one_test_and_one_refusal():
    results = race(2, lambda _: offers.test_create(data=DATA, actor=ADMIN))
    assert outcomes(results) == ["Test", ErrorCode.VALIDATION_ERROR]
    assert Test.objects.filter(code="ONCE").count() == 1


def test_ensure__when_two_imports_need_one_category__then_one_category():
    race(2, lambda _: categories.category_ensure(slug="s", name="S", actor=ADMIN))
    assert TestCategory.objects.filter(slug="s").count() == 1


def test_question_create__when_many_at_once__then_all_are_numbered_and_counted():
    test = make_banked()

    def add(index):
        return bank.question_create(test_id=test.pk, document=question("number", f"n{index}"), actor=ADMIN)

    race(4, add)
    assert list(test.questions.values_list("position", flat=True)) == [1, 2, 3, 4, 5]
    test.refresh_from_db()
    assert (test.question_count, test.bank_revision) == (5, 6)


def test_question_create_control__when_the_lock_is_off__then_two_get_one_place():
    test = make_banked()
    barrier = threading.Barrier(2)

    def naive(index):
        position = Question.objects.filter(test=test).count() + 1
        barrier.wait(timeout=30)
        row = Question(test=test, key=f"n{index}", kind="number", text="?", position=position)
        row.created_at = row.updated_at = test.created_at
        row.save()

    race(2, naive)
    assert list(test.questions.values_list("position", flat=True)) == [1, 2, 2]
