"""From a cart to an order. Contract 2.4."""

import re
from decimal import Decimal

import pytest

from accounts.tests.factories import make_user
from catalog.models import Test
from catalog.services import offers
from catalog.tests.factories import ADMIN, make_offer
from cbt.kernel import clock
from cbt.kernel.models import AuditEvent, OutgoingMail
from commerce.models import CartItem, Payment, PublicTransaction, PublicTransactionItem, Purchase
from commerce.services import purchases
from commerce.tests.factories import fill_cart, make_order, make_purchase
from commerce.tests.shapes import ITEM_KEYS, ORDER_PAYMENT_KEYS, TEST_KEYS, TRANSACTION_KEYS
from tests.support import counted_queries, data_of, error_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def buyer():
    return make_user()


@pytest.fixture
def shop(api, buyer):
    return api.as_(buyer)


def nothing_stored():
    return (PublicTransaction.objects.count(), Payment.objects.count(), OutgoingMail.objects.count()) == (0, 0, 0)


def test_verify__then_contract_shape(shop, buyer):
    fill_cart(buyer, make_offer(price=50000), make_offer(price=50000))
    response = shop.get("/api/checkout/verify")
    data = data_of(response)
    assert response.json()["message"] == "Cart verified successfully"
    assert set(data) == {"valid", "item_count", "total", "items"}
    assert (data["valid"], data["item_count"], data["total"]) == (True, 2, 100000.0)
    assert set(data["items"][0]) == ITEM_KEYS
    assert nothing_stored()


def test_checkout__then_201_with_contract_shape(shop, buyer):
    tests = [make_offer(price="49999.50"), make_offer(price="50000.50")]
    fill_cart(buyer, *tests)
    response = shop.post("/api/checkout")
    data = data_of(response, 201)
    assert response.json()["message"] == "Checkout successful. Transaction created."
    assert set(data) == TRANSACTION_KEYS
    assert set(data["items"][0]) == ITEM_KEYS
    assert set(data["items"][0]["test"]) == TEST_KEYS
    assert set(data["payment"]) == ORDER_PAYMENT_KEYS
    order, payment = PublicTransaction.objects.get(), Payment.objects.get()
    assert re.fullmatch(r"TRX-[A-Z0-9]{10}", data["transaction_number"])
    assert re.fullmatch(rf"PAY-{clock.now():%Y%m%d}-[A-Z0-9]{{8}}", data["payment"]["payment_number"])
    assert (data["id"], data["total_amount"], data["status"]) == (order.pk, 100000.0, "pending")
    assert [(item["test_id"], item["price"]) for item in data["items"]] == [
        (tests[0].pk, 49999.5), (tests[1].pk, 50000.5),
    ]  # fmt: skip
    assert data["payment"] == {
        "id": payment.pk, "payment_number": payment.payment_number, "amount": 100000.0, "status": "pending",
        "payment_method": "manual", "proof_url": None,
    }  # fmt: skip
    assert data["created_at"] == clock.iso(order.created_at)
    assert (payment.purpose, payment.payable_id, payment.user_id) == ("transaction", order.pk, buyer.pk)
    assert CartItem.objects.count() == 0
    assert Purchase.objects.count() == 0
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"commerce.transaction.created", "commerce.payment.opened"} <= actions
    mail = OutgoingMail.objects.get()
    assert (mail.kind, mail.recipient) == ("commerce.checkout", buyer.email)


@pytest.mark.parametrize("has_been_filled", [False, True])
@pytest.mark.parametrize(("verb", "path"), [("get", "/api/checkout/verify"), ("post", "/api/checkout")])
def test_checkout__when_empty__then_400(shop, buyer, verb, path, has_been_filled):
    if has_been_filled:
        fill_cart(buyer, make_offer())
        shop.delete("/api/cart/clear")
    error = error_of(getattr(shop, verb)(path), 400, "BUSINESS_RULE")
    assert error["message"] == "Cart is empty."
    assert nothing_stored()


def test_checkout__when_clicked_again__then_empty_and_one_order(shop, buyer):
    fill_cart(buyer, make_offer())
    data_of(shop.post("/api/checkout"), 201)
    assert error_of(shop.post("/api/checkout"), 400, "BUSINESS_RULE")["message"] == "Cart is empty."
    assert (PublicTransaction.objects.count(), Payment.objects.count()) == (1, 1)


def test_checkout__when_repeated_with_its_key__then_the_same_order(shop, buyer):
    fill_cart(buyer, make_offer())
    headers = {"Idempotency-Key": "3f1c-77"}
    first = data_of(shop.post("/api/checkout", headers=headers), 201)
    fill_cart(buyer, make_offer())
    again = data_of(shop.post("/api/checkout", headers=headers), 201)
    assert again == first
    assert (PublicTransaction.objects.count(), CartItem.objects.count()) == (1, 1)
    other = data_of(shop.post("/api/checkout", headers={"Idempotency-Key": "other"}), 201)
    assert other["id"] != first["id"]


def test_checkout__when_another_user_has_the_same_key__then_an_order_of_its_own(api, shop, buyer):
    headers = {"Idempotency-Key": "same"}
    fill_cart(buyer, make_offer())
    first = data_of(shop.post("/api/checkout", headers=headers), 201)
    other = make_user()
    fill_cart(other, make_offer())
    assert data_of(api.as_(other).post("/api/checkout", headers=headers), 201)["id"] != first["id"]


@pytest.mark.parametrize("key", ["x" * 101, "with space", "é"])
def test_checkout__when_the_key_is_bad__then_422(shop, buyer, key):
    fill_cart(buyer, make_offer())
    error = error_of(shop.post("/api/checkout", headers={"Idempotency-Key": key}), 422, "VALIDATION_ERROR")
    assert set(error["errors"]) == {"idempotency_key"}
    assert nothing_stored()


@pytest.mark.parametrize(("verb", "path"), [("get", "/api/checkout/verify"), ("post", "/api/checkout")])
@pytest.mark.parametrize("change", [{"is_active": False}, {"type": "company"}, {"deleted_at": clock.now()}])
def test_checkout__when_tests_left_the_offer__then_400_with_their_names(shop, buyer, verb, path, change):
    stays, first, second = make_offer(), make_offer(name="Satu"), make_offer(name="Dua")
    fill_cart(buyer, stays, first, second)
    Test.objects.filter(pk__in=[first.pk, second.pk]).update(**change)
    error = error_of(getattr(shop, verb)(path), 400, "TEST_NOT_AVAILABLE")
    assert error["message"] == "Some tests are no longer available: Satu, Dua"
    assert nothing_stored()
    assert CartItem.objects.count() == 3


@pytest.mark.parametrize(("verb", "path"), [("get", "/api/checkout/verify"), ("post", "/api/checkout")])
def test_checkout__when_bought_meanwhile__then_400(shop, buyer, verb, path):
    test = make_offer(name="Satu")
    fill_cart(buyer, test, make_offer())
    make_purchase(buyer, test)
    error = error_of(getattr(shop, verb)(path), 400, "BUSINESS_RULE")
    assert error["message"] == "Some tests are already purchased: Satu"
    assert nothing_stored()


def test_checkout__when_ordered_meanwhile__then_400(shop, buyer):
    test = make_offer(name="Satu")
    order = make_order(buyer, make_offer())
    fill_cart(buyer, test)
    PublicTransactionItem.objects.filter(transaction=order).update(test=test)
    for call in (lambda: shop.get("/api/checkout/verify"), lambda: shop.post("/api/checkout")):
        error = error_of(call(), 400, "BUSINESS_RULE")
        assert error["message"] == "Some tests are already in a pending transaction: Satu"
    assert PublicTransaction.objects.count() == 1


def test_checkout__when_another_user_ordered_it__then_no_matter(shop, buyer):
    test = make_offer()
    make_order(make_user(), test)
    fill_cart(buyer, test)
    data_of(shop.post("/api/checkout"), 201)


def test_checkout__when_prices_change_afterwards__then_the_order_keeps_its_own(shop, buyer):
    test = make_offer(price=100)
    fill_cart(buyer, test)
    made = data_of(shop.post("/api/checkout"), 201)
    offers.test_update(test_id=test.pk, data={"price": 999}, actor=ADMIN)
    data = data_of(shop.get(f"/api/transactions/{made['id']}"))
    assert (data["total_amount"], data["items"][0]["price"], data["payment"]["amount"]) == (100.0, 100.0, 100.0)
    assert data["items"][0]["test"]["price"] == 999.0
    assert PublicTransactionItem.objects.get().price_amount == Decimal("100.00")


def test_checkout__when_the_total_is_zero__then_completed_at_once_with_a_settled_payment(shop, buyer):
    tests = [make_offer(price=0), make_offer(price=0)]
    fill_cart(buyer, *tests)
    data = data_of(shop.post("/api/checkout"), 201)
    assert (data["status"], data["total_amount"]) == ("completed", 0.0)
    assert (data["payment"]["status"], data["payment"]["amount"]) == ("paid", 0.0)
    rows = Purchase.objects.filter(user=buyer).values_list("test_id", "transaction_number")
    assert set(rows) == {(test.pk, data["transaction_number"]) for test in tests}
    assert list(OutgoingMail.objects.values_list("kind", flat=True)) == ["commerce.checkout"]
    assert [row["id"] for row in data_of(shop.get("/api/my-tests"))] == [test.pk for test in reversed(tests)]


def test_checkout__when_one_of_two_is_free__then_both_wait_for_the_payment(shop, buyer):
    fill_cart(buyer, make_offer(price=0), make_offer(price=10))
    assert data_of(shop.post("/api/checkout"), 201)["status"] == "pending"
    assert Purchase.objects.count() == 0


def test_checkout__when_the_total_has_too_many_digits__then_400(shop, buyer):
    dear = "9999999999999.99"
    fill_cart(buyer, make_offer(price=dear), make_offer(price=dear))
    error = error_of(shop.post("/api/checkout"), 400, "BUSINESS_RULE")
    assert error["message"] == "The total is too large for one transaction."
    assert nothing_stored()


def test_checkout__when_the_dearest_test_alone__then_exact(shop, buyer):
    fill_cart(buyer, make_offer(price="9999999999999.99"))
    assert data_of(shop.post("/api/checkout"), 201)["total_amount"] == 9999999999999.99


def test_checkout__when_a_number_is_taken__then_another(shop, buyer, monkeypatch):
    taken = make_order().transaction_number
    numbers = iter([taken, "TRX-FREE000000"])
    monkeypatch.setattr(purchases, "_random_number", lambda: next(numbers))
    fill_cart(buyer, make_offer())
    assert data_of(shop.post("/api/checkout"), 201)["transaction_number"] == "TRX-FREE000000"


def test_checkout__when_the_payment_cannot_be_stored__then_nothing_is(shop, buyer, monkeypatch):
    from commerce.services import checkout

    def broken(**_):
        raise RuntimeError("no")

    monkeypatch.setattr(checkout, "payment_open", broken)
    fill_cart(buyer, make_offer())
    error_of(shop.post("/api/checkout"), 500, "SERVER_ERROR")
    assert nothing_stored()
    assert CartItem.objects.count() == 1


def test_verify_and_checkout__then_queries_do_not_grow_with_the_cart(api):
    counts = []
    for size in (2, 20):
        buyer = make_user()
        shop = api.as_(buyer)
        fill_cart(buyer, *(make_offer() for _ in range(size)))
        with counted_queries() as verified:
            data_of(shop.get("/api/checkout/verify"))
        with counted_queries() as ordered:
            data_of(shop.post("/api/checkout"), 201)
        counts.append((len(verified), len(ordered)))
    assert counts[0] == counts[1]
    assert counts[0][0] <= 8
