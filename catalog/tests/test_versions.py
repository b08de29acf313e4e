"""Freezing, immutability, and what a frozen version no longer depends on."""

import threading

import pytest

from catalog.engine.document import dump
from catalog.engine.scoring import score
from catalog.models import ImmutableRow, Test, TestVersion
from catalog.selectors.bank import paper_of_bank
from catalog.selectors.versions import version_load, version_picture_urls
from catalog.services import bank, offers, pictures, versions
from catalog.tests.builders import question
from catalog.tests.factories import ADMIN, make_banked, make_offer, png_bytes
from cbt.kernel.errors import DomainError, ErrorCode
from tests.support import counted_queries, race

pytestmark = pytest.mark.django_db


def edit(test, **change):
    row = test.questions.get()
    bank.question_update(test_id=test.pk, question_id=row.pk, document=change, partial=True, actor=ADMIN)


def test_freeze__when_nothing_changed__then_the_same_version_in_one_query():
    test = make_banked()
    first = versions.version_freeze(test.pk)
    assert (first.number, first.content_hash) == (1, versions.content_hash(first.content))
    with counted_queries() as statements:
        assert versions.version_freeze(test.pk) == first
    assert len(statements) == 1


def test_freeze__when_a_question_is_edited__then_a_new_version_and_the_old_one_stays():
    test = make_banked()
    first = versions.version_freeze(test.pk)
    edit(test, answer_key="a", text="Changed")
    second = versions.version_freeze(test.pk)
    assert (second.number, second.pk == first.pk) == (2, False)
    old, new = version_load(first.pk), version_load(second.pk)
    assert (old.questions[0].text, new.questions[0].text) == ("What?", "Changed")
    assert (score(old, {"q1": "b"}).points, score(new, {"q1": "b"}).points) == (1, 0)


def test_freeze__when_an_edit_is_taken_back__then_the_first_version_is_used_again():
    test = make_banked()
    first = versions.version_freeze(test.pk)
    edit(test, text="Changed")
    versions.version_freeze(test.pk)
    edit(test, text="What?")
    assert versions.version_freeze(test.pk) == first
    with counted_queries() as statements:
        versions.version_freeze(test.pk)
    assert len(statements) == 1


@pytest.mark.parametrize(
    ("data", "is_new"),
    [
        ({"price": 1, "type": "public", "sort_order": 9, "is_active": False}, False),
        ({"duration_minutes": 99}, True),
        ({"settings": {"pass_percentage": 70}}, True),
        ({"name": "Other"}, True),
    ],
)
def test_freeze__when_the_offer_changes__then_new_only_if_the_paper_does(data, is_new):
    test = make_banked()
    first = versions.version_freeze(test.pk)
    offers.test_update(test_id=test.pk, data=data, actor=ADMIN)
    assert (versions.version_freeze(test.pk) != first) is is_new


def test_freeze__when_there_is_no_bank__then_a_version_without_questions():
    version = versions.version_freeze(make_offer(duration_minutes=20).pk)
    paper = version_load(version.pk)
    assert (paper.questions, paper.duration_minutes) == ((), 20)


def test_freeze__when_the_test_is_absent__then_not_found():
    with pytest.raises(DomainError) as caught:
        versions.version_freeze(999_999)
    assert caught.value.code is ErrorCode.NOT_FOUND


def test_version__when_code_tries_to_change_it__then_refused():
    version = versions.version_freeze(make_banked().pk)
    version.number = 7
    attempts = [
        version.save,
        version.delete,
        lambda: TestVersion.objects.update(number=7),
        lambda: TestVersion.objects.filter(pk=version.pk).delete(),
    ]
    for attempt in attempts:
        with pytest.raises(ImmutableRow):
            attempt()
    assert TestVersion.objects.get(pk=version.pk).number == 1


def test_version__when_a_picture_is_replaced__then_it_shows_the_old_one(media):
    test = make_offer()
    pictures.picture_add(test_id=test.pk, key="p", data=png_bytes("red"), actor=ADMIN)
    bank.question_create(test_id=test.pk, document=question("number", picture="p"), actor=ADMIN)
    version = versions.version_freeze(test.pk)
    assert "base64" not in str(version.content)
    before = version_picture_urls(version.pk)["p"].split("?")[0]
    pictures.picture_add(test_id=test.pk, key="p", data=png_bytes("green"), actor=ADMIN)
    newer = versions.version_freeze(test.pk)
    assert version_picture_urls(version.pk)["p"].split("?")[0] == before
    assert version_picture_urls(newer.pk)["p"].split("?")[0] != before


def test_version_load__when_asked_again__then_no_query():
    version = versions.version_freeze(make_banked().pk)
    version_load(version.pk)
    with counted_queries() as statements:
        assert version_load(version.pk).code.startswith("B-")
    assert statements == []


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_freeze__when_two_start_at_once__then_one_version():
    test = make_banked()
    results = race(4, lambda _: versions.version_freeze(test.pk).pk)
    assert len(set(results)) == 1
    assert TestVersion.objects.filter(test=test).count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_freeze__when_an_edit_comes_in_between__then_both_freezes_are_whole():
    test = make_banked()

    def act(index):
        if index == 0:
            edit(Test.objects.get(pk=test.pk), text="Changed", answer_key="a")
            return None
        return versions.version_freeze(test.pk).pk

    results = race(3, act)
    assert results[0] is None
    seen = {(v.questions[0].text, v.questions[0].answer_key) for v in map(version_load, results[1:])}
    assert seen <= {("What?", "b"), ("Changed", "a")}
    assert version_load(versions.version_freeze(test.pk).pk).questions[0].text == "Changed"


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_freeze_control__when_the_lock_is_off__then_the_race_shows():
    """Read, wait for each other, write: what freezing would do without its lock. The constraint stops the second."""
    test = make_banked()
    barrier = threading.Barrier(2)

    def naive(_index):
        draft = Test.objects.get(pk=test.pk)
        last = TestVersion.objects.filter(test=draft).count()
        barrier.wait(timeout=30)
        content = dump(paper_of_bank(draft), stored=True)
        return TestVersion.objects.create(
            test=draft, number=last + 1, content=content, content_hash=versions.content_hash(content),
            bank_revision=draft.bank_revision, created_at=draft.created_at,
        )  # fmt: skip

    results = race(2, naive)
    assert sorted(type(result).__name__ for result in results) == ["IntegrityError", "TestVersion"]
