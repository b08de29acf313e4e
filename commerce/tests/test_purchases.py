"""The right to take a test: once a user and test, however often it is granted."""

import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from accounts.states import Role
from accounts.tests.factories import make_user
from catalog.models import Test
from cbt.kernel import clock
from cbt.kernel.actor import SYSTEM
from cbt.kernel.errors import DomainError, ErrorCode
from cbt.kernel.models import AuditEvent
from commerce.models import Purchase
from commerce.selectors.purchases import purchase_for, purchases_of
from commerce.services import purchases
from commerce.services.purchases import new_transaction_number, purchase_grant
from tests.support import counted_queries, race

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def make_test(code="T-1", **fields) -> Test:
    now = clock.now()
    return Test.objects.create(name=f"Test {code}", code=code, type="public", created_at=now, updated_at=now, **fields)


def grant(user, test, now=NOON, number=""):
    return purchase_grant(user_id=user.pk, test_id=test.pk, now=now, actor=SYSTEM, number=number)


@pytest.mark.django_db
def test_grant__then_stored_with_a_number_of_its_own():
    user, test = make_user(), make_test()
    purchase = grant(user, test)
    assert re.fullmatch(r"TRX-[A-Z0-9]{10}", purchase.transaction_number)
    assert (purchase.user_id, purchase.test_id, purchase.purchased_at) == (user.pk, test.pk, NOON)
    event = AuditEvent.objects.get()
    assert (event.action, event.object_id) == ("commerce.purchase.granted", str(purchase.pk))


@pytest.mark.django_db
def test_grant__when_granted_again__then_the_first_is_returned_unchanged():
    user, test = make_user(), make_test()
    first = grant(user, test, number="TRX-AAAAAAAAAA")
    again = grant(user, test, now=NOON + timedelta(days=1), number="TRX-BBBBBBBBBB")
    assert (again.pk, again.transaction_number, again.purchased_at) == (first.pk, "TRX-AAAAAAAAAA", NOON)
    assert AuditEvent.objects.count() == 1


@pytest.mark.django_db
def test_grant__when_order_has_two_tests__then_they_share_its_number():
    user = make_user()
    rows = [grant(user, make_test(code), number="TRX-AAAAAAAAAA") for code in ("A", "B")]
    assert {row.transaction_number for row in rows} == {"TRX-AAAAAAAAAA"}


@pytest.mark.django_db
@pytest.mark.parametrize("missing", ["user", "test", "deleted test"])
def test_grant__when_user_or_test_is_missing__then_not_found(missing):
    user, test = make_user(), make_test(deleted_at=NOON if missing == "deleted test" else None)
    ids = {"user_id": user.pk + (missing == "user"), "test_id": test.pk + (missing == "test")}
    with pytest.raises(DomainError) as caught:
        purchase_grant(**ids, now=NOON, actor=SYSTEM)
    assert caught.value.code is ErrorCode.NOT_FOUND
    assert Purchase.objects.count() == 0


@pytest.mark.django_db
def test_purchase__when_sold_twice__then_the_database_refuses():
    user, test = make_user(), make_test()
    grant(user, test)
    with pytest.raises(IntegrityError), transaction.atomic():
        Purchase.objects.create(user=user, test=test, transaction_number="TRX-CCCCCCCCCC", purchased_at=NOON)
    grant(make_user(), test)
    with pytest.raises(ProtectedError):
        test.delete()


@pytest.mark.django_db
def test_number__when_one_is_taken__then_another(monkeypatch):
    grant(make_user(), make_test(), number="TRX-TAKEN00000")
    numbers = iter(["TRX-TAKEN00000", "TRX-FREE000000"])
    monkeypatch.setattr(purchases, "_random_number", lambda: next(numbers))
    assert new_transaction_number() == "TRX-FREE000000"


@pytest.mark.django_db
def test_selectors__then_own_rows_newest_first_in_one_query():
    user, other = make_user(), make_user()
    tests = [make_test(code) for code in ("A", "B", "C")]
    for days, test in enumerate(tests):
        grant(user, test, now=NOON + timedelta(days=days))
    grant(other, tests[0])
    with counted_queries() as statements:
        rows = [(row.test.code, row.test.category) for row in purchases_of(user.pk)]
    assert rows == [("C", None), ("B", None), ("A", None)]
    assert len(statements) == 1
    assert purchase_for(user.pk, tests[1].pk).test == tests[1]
    assert purchase_for(other.pk, tests[1].pk) is None


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_grant__when_twins_race__then_one_row_and_both_get_it():
    user, test = make_user(), make_test()
    results = race(4, lambda _: grant(user, test))
    assert len({row.pk for row in results}) == 1
    assert (Purchase.objects.count(), AuditEvent.objects.count()) == (1, 1)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_grant__control__when_looked_up_and_then_inserted__then_one_of_the_twins_fails():
    user, test = make_user(), make_test()
    both_have_looked = threading.Barrier(2)

    def naive(_):
        found = purchase_for(user.pk, test.pk)
        both_have_looked.wait(timeout=30)
        return found or Purchase.objects.create(user=user, test=test, transaction_number="TRX-X", purchased_at=NOON)

    kinds = sorted(type(result).__name__ for result in race(2, naive))
    assert kinds == ["IntegrityError", "Purchase"]


@pytest.mark.django_db
def test_admin__when_granted_by_staff__then_listed_and_read_only(client):
    staff, user, test = make_user(Role.SUPER_ADMIN), make_user(email="budi@example.com"), make_test()
    client.force_login(staff)
    form = {"email": "Budi@example.com", "test": test.pk}
    assert client.post("/admin/commerce/purchase/add/", form).status_code == 302
    assert client.post("/admin/commerce/purchase/add/", form).status_code in {200, 302}
    row = Purchase.objects.get()
    assert (row.user, row.test) == (user, test)
    assert AuditEvent.objects.get().actor_id == staff.pk
    listed = client.get("/admin/commerce/purchase/", {"q": "budi"})
    assert row.transaction_number in listed.content.decode()
    assert client.get(f"/admin/commerce/purchase/{row.pk}/change/").status_code == 200
    assert client.post(f"/admin/commerce/purchase/{row.pk}/change/", {"test": ""}).status_code == 403
    nobody = client.post("/admin/commerce/purchase/add/", {"email": "x@example.com", "test": test.pk})
    assert "There is no private user with this e-mail." in nobody.content.decode()
