"""Orders and what was bought. Contract 2.5, 2.6 (reads)."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from accounts.tests.factories import make_user
from catalog.tests.factories import make_category, make_offer
from cbt.kernel import clock
from commerce.models import PublicTransaction
from commerce.tests.factories import decide, make_order, make_purchase, payment_of, prove
from commerce.tests.shapes import ITEM_KEYS, ORDER_PAYMENT_KEYS, PAYMENT_KEYS, TEST_KEYS, TRANSACTION_KEYS
from tests.support import PAGE_KEYS, counted_queries, data_of, error_of

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
def buyer():
    return make_user()


@pytest.fixture
def shop(api, buyer):
    return api.as_(buyer)


def test_list__then_own_newest_first(shop, buyer):
    first, second = make_order(buyer), make_order(buyer)
    make_order(make_user())
    response = shop.get("/api/transactions")
    page = data_of(response)
    assert response.json()["message"] == "Success"
    assert set(page) == PAGE_KEYS
    assert [row["id"] for row in page["data"]] == [second.pk, first.pk]
    row = page["data"][0]
    assert set(row) == TRANSACTION_KEYS
    assert set(row["items"][0]) == ITEM_KEYS
    assert set(row["payment"]) == ORDER_PAYMENT_KEYS
    assert row["payment"]["id"] == payment_of(second).pk


def test_list__when_filtered_by_status__then_only_those(shop, buyer, media):
    paid, failed, pending = (make_order(buyer) for _ in range(3))
    decide(prove(paid))
    decide(payment_of(failed), approved=False)
    ids = lambda status: [row["id"] for row in data_of(shop.get(f"/api/transactions?status={status}"))["data"]]  # noqa: E731
    assert ids("completed") == [paid.pk]
    assert ids("failed") == [failed.pk]
    assert ids("pending") == [pending.pk]
    assert ids("processing") == ids("cancelled") == []
    assert ids("") == [pending.pk, failed.pk, paid.pk]
    error = error_of(shop.get("/api/transactions?status=nonsense"), 422, "VALIDATION_ERROR")
    assert error["errors"] == {"status": ["The selected status is invalid."]}


def test_list__then_as_many_queries_for_20_as_for_2(shop, buyer):
    counts = []
    for size in (2, 18):
        for _ in range(size):
            make_order(buyer, make_offer(category_id=make_category().pk), make_offer())
        with counted_queries() as statements:
            rows = data_of(shop.get("/api/transactions?per_page=100"))["data"]
        counts.append((len(rows), len(statements)))
    assert counts[0][1] == counts[1][1] <= 8
    assert [rows for rows, _ in counts] == [2, 20]


def test_show__then_own_only(api, shop, buyer):
    order = make_order(buyer)
    response = shop.get(f"/api/transactions/{order.pk}")
    data = data_of(response)
    assert response.json()["message"] == "Transaction details retrieved successfully"
    assert set(data) == TRANSACTION_KEYS
    assert (data["id"], data["status"]) == (order.pk, "pending")
    stranger = api.as_(make_user())
    seen = []
    for client, number in ((stranger, order.pk), (shop, 987654321), (shop, 2**63 - 1)):
        error = error_of(client.get(f"/api/transactions/{number}"), 404, "NOT_FOUND")
        seen.append({key: value for key, value in error.items() if key != "request_id"})
    assert seen[0] == seen[1] == seen[2]
    assert seen[0]["message"] == "Transaction not found"


def test_payment__then_own_only(api, shop, buyer):
    order = make_order(buyer)
    response = shop.get(f"/api/transactions/{order.pk}/payment")
    data = data_of(response)
    payment = payment_of(order)
    assert response.json()["message"] == "Payment retrieved successfully"
    assert data == {
        "id": payment.pk, "payment_number": payment.payment_number, "amount": 50000.0, "method": "manual",
        "status": "pending", "proof_file": None, "notes": None, "paid_at": None, "payable_type": "transaction",
        "payable_id": order.pk, "created_at": clock.iso(payment.created_at),
        "updated_at": clock.iso(payment.updated_at),
    }  # fmt: skip
    assert set(data) == PAYMENT_KEYS
    for client, number in ((api.as_(make_user()), order.pk), (shop, 987654321)):
        error = error_of(client.get(f"/api/transactions/{number}/payment"), 404, "NOT_FOUND")
        assert error["message"] == "Payment not found"


def test_purchased__then_tests_are_paged_not_transactions(shop, buyer, media):
    tests = [make_offer() for _ in range(3)]
    with time_machine.travel(NOON, tick=False):
        order = make_order(buyer, *tests)
        assert data_of(shop.get("/api/transactions/purchased-tests"))["total"] == 0
    with time_machine.travel(NOON + timedelta(hours=5), tick=False):
        decide(prove(order))
        response = shop.get("/api/transactions/purchased-tests?per_page=2")
    page = data_of(response)
    assert response.json()["message"] == "Purchased tests retrieved successfully"
    assert (page["total"], page["last_page"], len(page["data"])) == (3, 2, 2)
    row = page["data"][0]
    assert set(row) == {"test", "purchased_at", "transaction_number"}
    assert set(row["test"]) == TEST_KEYS
    assert (row["test"]["id"], row["purchased_at"]) == (tests[2].pk, "2026-11-30T17:00:00Z")
    assert row["transaction_number"] == order.transaction_number


def test_purchased__then_as_many_queries_for_20_as_for_2(api, shop, buyer):
    counts = []
    for size in (2, 18):
        for _ in range(size):
            make_purchase(buyer, make_offer(category_id=make_category().pk))
        with counted_queries() as statements:
            assert data_of(shop.get("/api/transactions/purchased-tests?per_page=100"))["total"] in {2, 20}
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 8
    assert data_of(api.as_(make_user()).get("/api/transactions/purchased-tests"))["data"] == []


def test_orders__then_nothing_writes_them_through_reads(shop, buyer):
    order = make_order(buyer)
    before = PublicTransaction.objects.values().get()
    shop.get("/api/transactions")
    shop.get(f"/api/transactions/{order.pk}")
    assert PublicTransaction.objects.values().get() == before
