"""GET tests/catalog…: what is on sale, for everybody. Contract 2.2."""

import pytest

from accounts.states import Role
from accounts.tests.factories import make_user
from catalog.models import Test
from catalog.services import categories, offers
from catalog.tests.factories import ADMIN, make_category, make_offer
from cbt.kernel import clock
from commerce.tests.factories import make_order, make_purchase
from commerce.tests.shapes import TEST_KEYS
from tests.support import PAGE_KEYS, counted_queries, data_of, error_of

pytestmark = pytest.mark.django_db


def test_list__then_public_and_all_active_ones_by_order_and_name(api):
    make_offer(code="C", name="b", type="all", sort_order=1)
    make_offer(code="B", name="a", type="public", sort_order=1)
    make_offer(code="A", name="z", type="public", sort_order=0)
    make_offer(code="X", type="company")
    make_offer(code="Y", is_active=False)
    offers.test_delete(test_id=make_offer(code="Z").pk, actor=ADMIN)
    response = api.get("/api/tests/catalog")
    page = data_of(response)
    assert response.json()["message"] == "Success"
    assert set(page) == PAGE_KEYS
    assert [row["code"] for row in page["data"]] == ["A", "B", "C"]
    assert set(page["data"][0]) == TEST_KEYS
    assert (page["total"], page["per_page"], page["from"], page["to"]) == (3, 15, 1, 3)


def test_list__then_exact_values(api):
    category = make_category(name="Kepribadian")
    test = make_offer(
        code="T", name="Tes", category_id=category.pk, price="50000.50", duration_minutes=60, question_count=50,
        description="Uraian", type="public",
    )  # fmt: skip
    row = data_of(api.get("/api/tests/catalog"))["data"][0]
    assert row == {
        "id": test.pk, "name": "Tes", "code": "T", "description": "Uraian", "price": 50000.5, "question_count": 50,
        "duration_minutes": 60, "type": "public", "is_active": True, "created_at": clock.iso(test.created_at),
        "category": {"id": category.pk, "name": "Kepribadian", "slug": "kepribadian"},
    }  # fmt: skip


def test_list__when_filtered__then_narrowed(api):
    category = make_category()
    make_offer(code="IN", category_id=category.pk, name="Big Five")
    make_offer(code="OUT", description="mentions FIVE too")
    make_offer(code="NOT")
    codes = lambda query: {row["code"] for row in data_of(api.get(f"/api/tests/catalog?{query}"))["data"]}  # noqa: E731
    assert codes(f"category={category.pk}") == {"IN"}
    assert codes(f"category_id={category.pk}") == {"IN"}
    assert codes("category=") == {"IN", "OUT", "NOT"}
    assert codes("category=999") == set()
    assert codes("search=five") == {"IN", "OUT"}
    assert codes("search=not") == {"NOT"}
    page = data_of(api.get("/api/tests/catalog?per_page=2&page=2"))
    assert (len(page["data"]), page["last_page"], page["total"]) == (1, 2, 3)


@pytest.mark.parametrize("query", ["category=x", "category=1e3", "per_page=0", "page=-1", "per_page=ten"])
def test_list__when_a_filter_is_no_number__then_422(api, query):
    error_of(api.get(f"/api/tests/catalog?{query}"), 422, "VALIDATION_ERROR")


def test_detail__when_anonymous__then_flat_and_not_purchased(api):
    test = make_offer()
    response = api.get(f"/api/tests/catalog/{test.pk}")
    data = data_of(response)
    assert response.json()["message"] == "Test details retrieved successfully"
    assert set(data) == TEST_KEYS | {"is_purchased"}
    assert (data["id"], data["is_purchased"], data["category"], data["description"]) == (test.pk, False, None, None)


def test_detail__when_bearer__then_purchased_is_told_for_this_user_only(api):
    test, buyer, other = make_offer(), make_user(), make_user()
    make_purchase(buyer, test)
    path = f"/api/tests/catalog/{test.pk}"
    assert data_of(api.as_(buyer).get(path))["is_purchased"] is True
    assert data_of(api.as_(other).get(path))["is_purchased"] is False
    assert data_of(api.as_(make_user(Role.SUPER_ADMIN)).get(path))["is_purchased"] is False


def test_detail__when_only_ordered__then_not_purchased(api):
    test, buyer = make_offer(), make_user()
    make_order(buyer, test)
    assert data_of(api.as_(buyer).get(f"/api/tests/catalog/{test.pk}"))["is_purchased"] is False


@pytest.mark.parametrize("change", [{"is_active": False}, {"type": "company"}, {"deleted_at": clock.now()}, None])
def test_detail__when_not_on_sale__then_404(api, change):
    test = make_offer()
    if change:
        Test.objects.filter(pk=test.pk).update(**change)
    number = test.pk if change else 987654321
    error = error_of(api.get(f"/api/tests/catalog/{number}"), 404, "NOT_FOUND")
    assert error["message"] == "Test not found or not available"
    assert error_of(api.get("/api/tests/catalog/99999999999999999999999"), 404, "NOT_FOUND")


def test_detail__when_the_bearer_is_bad__then_as_for_anybody(api):
    api.token = "garbage"
    assert data_of(api.get(f"/api/tests/catalog/{make_offer().pk}"))["is_purchased"] is False


def test_categories__then_active_ones_in_order_and_not_paged(api):
    make_category(name="B", sort_order=2)
    make_category(name="A", sort_order=2)
    make_category(name="C", sort_order=1, description="Uraian")
    make_category(name="off", is_active=False)
    categories.category_delete(category_id=make_category(name="gone").pk, actor=ADMIN)
    response = api.get("/api/tests/catalog/categories")
    data = data_of(response)
    assert response.json()["message"] == "Categories retrieved successfully"
    assert [row["name"] for row in data] == ["C", "A", "B"]
    assert set(data[0]) == {
        "id", "name", "slug", "description", "is_active", "sort_order", "created_at", "updated_at",
    }  # fmt: skip
    assert data[0]["description"] == "Uraian"


def test_list__then_as_many_queries_for_20_as_for_2(api):
    counts = []
    for size in (2, 18):
        for _ in range(size):
            make_offer(category_id=make_category().pk)
        with counted_queries() as statements:
            rows = data_of(api.get("/api/tests/catalog?per_page=100"))["data"]
        counts.append((len(rows), len(statements)))
    assert counts == [(2, 3), (20, 3)]


def test_rate__when_signed_in__then_counted_by_user_and_strangers_by_address(api):
    buyers = [api.as_(make_user(Role.PUBLIC_USER)) for _ in range(2)]
    answers = [buyers[0].get("/api/tests/catalog").status_code for _ in range(61)]
    assert (set(answers[:60]), answers[60]) == ({200}, 429)
    assert buyers[1].get("/api/tests/catalog").status_code == 200
    strangers = [api.get("/api/tests/catalog").status_code for _ in range(61)]
    assert (set(strangers[:60]), strangers[60]) == ({200}, 429)
