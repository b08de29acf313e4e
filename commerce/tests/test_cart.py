"""The cart. Contract 2.3."""

import pytest

from accounts.states import Role
from accounts.tests.factories import make_user
from catalog.models import Test
from catalog.services import offers
from catalog.tests.factories import ADMIN, make_offer
from cbt.kernel import clock
from commerce.models import Cart, CartItem
from commerce.services import carts
from commerce.tests.factories import decide, fill_cart, make_order, make_purchase, payment_of
from commerce.tests.shapes import ITEM_KEYS, TEST_KEYS
from tests.support import counted_queries, data_of, error_of

pytestmark = pytest.mark.django_db
EMPTY = {"items": [], "summary": {"item_count": 0, "total": 0.0}}


@pytest.fixture
def buyer():
    return make_user()


@pytest.fixture
def shop(api, buyer):
    return api.as_(buyer)


def test_cart__when_nobody_ever_added__then_empty(shop):
    response = shop.get("/api/cart")
    assert data_of(response) == EMPTY
    assert response.json()["message"] == "Cart is empty"
    assert Cart.objects.count() == 0


def test_add__then_contract_shape_with_numbers(shop):
    test = make_offer(price="50000.00", name="Test Name")
    response = shop.post("/api/cart/add", {"test_id": test.pk})
    data = data_of(response)
    assert response.json()["message"] == "Test added to cart successfully"
    assert set(data) == {"items", "summary"}
    item = data["items"][0]
    assert set(item) == ITEM_KEYS
    assert set(item["test"]) == TEST_KEYS
    row = CartItem.objects.get()
    assert (item["id"], item["test_id"], item["price"]) == (row.pk, test.pk, 50000.0)
    assert item["created_at"] == clock.iso(row.created_at)
    assert {key: item["test"][key] for key in ("id", "name", "price")} == {
        "id": test.pk, "name": "Test Name", "price": 50000.0,
    }  # fmt: skip
    assert data["summary"] == {"item_count": 1, "total": 50000.0}
    again = shop.get("/api/cart")
    assert data_of(again) == data
    assert again.json()["message"] == "Cart retrieved successfully"


def test_cart__then_totals_are_exact_decimals(shop):
    for price in ("0.10", "0.20", "19.99"):
        shop.post("/api/cart/add", {"test_id": make_offer(price=price).pk})
    assert data_of(shop.get("/api/cart"))["summary"] == {"item_count": 3, "total": 20.29}


def test_cart__when_a_price_changes__then_the_cart_shows_it(shop, buyer):
    test = make_offer(price=100)
    fill_cart(buyer, test)
    offers.test_update(test_id=test.pk, data={"price": 70}, actor=ADMIN)
    data = data_of(shop.get("/api/cart"))
    assert (data["items"][0]["price"], data["summary"]["total"]) == (70.0, 70.0)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "Test ID is required."),
        ({"test_id": None}, "Test ID is required."),
        ({"test_id": "x"}, "Test ID must be an integer."),
        ({"test_id": 1.5}, "Test ID must be an integer."),
        ({"test_id": []}, "Test ID must be an integer."),
        ({"test_id": "9" * 2000}, "Test ID must be an integer."),
        ({"test_id": 0}, "Test not found."),
        ({"test_id": -1}, "Test not found."),
        ({"test_id": 987654321}, "Test not found."),
        ({"test_id": str(2**70)}, "Test not found."),
    ],
)
def test_add__when_the_id_is_bad__then_422_with_the_documented_text(shop, body, text):
    error = error_of(shop.post("/api/cart/add", body), 422, "VALIDATION_ERROR")
    assert error["errors"] == {"test_id": [text]}


def test_add__when_deleted__then_not_found(shop):
    test = make_offer()
    offers.test_delete(test_id=test.pk, actor=ADMIN)
    error = error_of(shop.post("/api/cart/add", {"test_id": test.pk}), 422, "VALIDATION_ERROR")
    assert error["errors"] == {"test_id": ["Test not found."]}


@pytest.mark.parametrize("change", [{"is_active": False}, {"type": "company"}])
def test_add__when_not_on_sale__then_400(shop, change):
    test = make_offer()
    Test.objects.filter(pk=test.pk).update(**change)
    error = error_of(shop.post("/api/cart/add", {"test_id": test.pk}), 400, "TEST_NOT_AVAILABLE")
    assert error["message"] == "Test is not available for purchase."
    assert CartItem.objects.count() == 0


def test_add__when_added_twice__then_400_and_once(shop):
    test = make_offer()
    shop.post("/api/cart/add", {"test_id": test.pk})
    error = error_of(shop.post("/api/cart/add", {"test_id": str(test.pk)}), 400, "BUSINESS_RULE")
    assert error["message"] == "Test already in cart."
    assert CartItem.objects.count() == 1


def test_add__when_bought__then_400(shop, buyer):
    test = make_offer()
    make_purchase(buyer, test)
    error = error_of(shop.post("/api/cart/add", {"test_id": test.pk}), 400, "BUSINESS_RULE")
    assert error["message"] == "Test already purchased."


def test_add__when_in_a_pending_order__then_400_until_it_is_rejected(shop, buyer):
    test = make_offer()
    order = make_order(buyer, test)
    error = error_of(shop.post("/api/cart/add", {"test_id": test.pk}), 400, "BUSINESS_RULE")
    assert error["message"] == "Test is already in a pending transaction."
    decide(payment_of(order), approved=False)
    data_of(shop.post("/api/cart/add", {"test_id": test.pk}))


def test_add__when_the_cart_is_full__then_400(shop, buyer, monkeypatch):
    monkeypatch.setattr(carts, "ITEMS_MAX", 2)
    fill_cart(buyer, make_offer(), make_offer())
    error = error_of(shop.post("/api/cart/add", {"test_id": make_offer().pk}), 400, "BUSINESS_RULE")
    assert error["message"] == "A cart holds at most 2 tests."


def test_remove__then_gone_and_the_rest_returned(shop, buyer):
    keep, drop = make_offer(price=10), make_offer(price=20)
    fill_cart(buyer, keep, drop)
    response = shop.delete(f"/api/cart/{drop.pk}")
    data = data_of(response)
    assert response.json()["message"] == "Test removed from cart successfully"
    assert [item["test_id"] for item in data["items"]] == [keep.pk]
    assert data["summary"] == {"item_count": 1, "total": 10.0}


def test_remove__when_not_there__then_400(shop, buyer):
    test = make_offer()
    error = error_of(shop.delete(f"/api/cart/{test.pk}"), 400, "BUSINESS_RULE")
    assert error["message"] == "Cart not found."
    fill_cart(buyer, test)
    error = error_of(shop.delete("/api/cart/987654321"), 400, "BUSINESS_RULE")
    assert error["message"] == "Item not found in cart."
    error_of(shop.delete(f"/api/cart/{10**30}"), 404, "NOT_FOUND")  # no id at all
    assert CartItem.objects.count() == 1


def test_remove__when_no_longer_on_sale__then_still_possible(shop, buyer):
    test = make_offer()
    fill_cart(buyer, test)
    offers.test_delete(test_id=test.pk, actor=ADMIN)
    assert data_of(shop.delete(f"/api/cart/{test.pk}")) == EMPTY


def test_clear__then_empty_also_without_a_cart(shop, buyer):
    response = shop.delete("/api/cart/clear")
    assert data_of(response) is None
    assert response.json()["message"] == "Cart cleared successfully"
    fill_cart(buyer, make_offer(), make_offer())
    assert data_of(shop.delete("/api/cart/clear")) is None
    assert data_of(shop.get("/api/cart")) == EMPTY


def test_cart__then_nobody_elses(api, shop, buyer):
    test = make_offer()
    fill_cart(buyer, test)
    other = api.as_(make_user())
    assert data_of(other.get("/api/cart")) == EMPTY
    error_of(other.delete(f"/api/cart/{test.pk}"), 400, "BUSINESS_RULE")
    data_of(other.delete("/api/cart/clear"))
    assert CartItem.objects.count() == 1


CALLS = [
    ("get", "/api/cart"), ("post", "/api/cart/add"), ("delete", "/api/cart/1"), ("delete", "/api/cart/clear"),
    ("get", "/api/checkout/verify"), ("post", "/api/checkout"), ("get", "/api/transactions"),
    ("get", "/api/transactions/1"), ("get", "/api/transactions/purchased-tests"),
    ("get", "/api/transactions/1/payment"), ("post", "/api/transactions/1/payment/upload-proof"),
]  # fmt: skip


@pytest.mark.parametrize(("verb", "path"), CALLS)
def test_buying__when_not_a_private_buyer__then_401_or_403(api, verb, path):
    error_of(getattr(api, verb)(path), 401, "UNAUTHENTICATED")
    for role in (Role.SUPER_ADMIN, Role.TENANT_ADMIN):
        error = error_of(getattr(api.as_(make_user(role)), verb)(path), 403, "FORBIDDEN")
        assert error["message"] == "Unauthorized"


def test_cart__then_as_many_queries_for_20_as_for_2(shop, buyer):
    counts = []
    for size in (2, 18):
        fill_cart(buyer, *(make_offer() for _ in range(size)))
        with counted_queries() as statements:
            assert len(data_of(shop.get("/api/cart"))["items"]) in {2, 20}
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 8
