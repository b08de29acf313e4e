"""Contract tests of /api/test-categories."""

import pytest

from accounts.states import Role
from accounts.tests.factories import make_user
from catalog.models import Test, TestCategory
from catalog.services.categories import category_create
from catalog.tests.factories import ADMIN, make_category, make_offer
from cbt.kernel.models import AuditEvent
from tests.support import PAGE_KEYS, counted_queries, data_of, error_of, race

PATH = "/api/test-categories"
KEYS = {"id", "name", "slug", "description", "is_active", "sort_order", "tests_count", "created_at", "updated_at"}
BODY = {
    "name": "Category Name", "slug": "category-slug", "description": "Category description", "is_active": True,
    "sort_order": 1,
}  # fmt: skip


@pytest.fixture
def admin(api):
    return api.as_(make_user(Role.SUPER_ADMIN))


def test_create__when_contract_example__then_201_with_the_category(admin):
    response = admin.post(PATH, BODY)
    data = data_of(response, 201)
    assert response.json()["message"] == "Test category created successfully"
    assert set(data) == KEYS
    assert {name: data[name] for name in BODY} == BODY
    assert data["tests_count"] == 0
    assert data["created_at"].endswith("Z")
    assert AuditEvent.objects.filter(action="catalog.category.created").count() == 1


def test_create__when_no_slug__then_made_of_the_name_and_kept_apart(admin):
    first = data_of(admin.post(PATH, {"name": "Tes Bakat & Minat"}), 201)
    second = data_of(admin.post(PATH, {"name": "Tes Bakat / Minat"}), 201)
    assert (first["slug"], second["slug"]) == ("tes-bakat-minat", "tes-bakat-minat-2")
    assert (first["description"], first["is_active"], first["sort_order"]) == (None, True, 0)
    assert data_of(admin.post(PATH, {"name": "心理"}), 201)["slug"] == "category"


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"name": ["The name field is required."]}),
        ({"name": ""}, {"name": ["The name field is required."]}),
        ({"name": "x" * 256}, {"name": ["The name must not be greater than 255 characters."]}),
        ({"name": "Taken"}, {"name": ["The name has already been taken."]}),
        ({"name": "Other", "slug": "Taken"}, {"slug": ["The slug has already been taken."]}),
        ({"name": "Other", "slug": "///"}, {"slug": ["The slug must contain letters or digits."]}),
        ({"name": "Other", "is_active": "perhaps"}, {"is_active": ["The is active field must be true or false."]}),
    ],
)
def test_create__when_a_field_is_wrong__then_422_names_it(admin, body, errors):
    make_category(name="Taken")
    body = error_of(admin.post(PATH, body), 422, "VALIDATION_ERROR")
    assert (body["message"], body["errors"]) == ("The given data was invalid.", errors)


def test_list__when_filtered_and_sorted__then_a_page_of_those(admin):
    for name, order, is_active in (("Beta", 2, True), ("Alpha", 1, True), ("Gamma", 0, False)):
        make_category(name=name, sort_order=order, is_active=is_active)
    response = admin.get(PATH, {"is_active": "true"})
    page = data_of(response)
    assert response.json()["message"] == "Test categories retrieved successfully"
    assert set(page) == PAGE_KEYS
    assert [row["name"] for row in page["data"]] == ["Alpha", "Beta"]
    assert (page["per_page"], page["total"]) == (15, 2)
    by_name = data_of(admin.get(PATH, {"sort_by": "name", "sort_order": "desc", "search": "A", "per_page": 2}))
    assert [row["name"] for row in by_name["data"]] == ["Gamma", "Beta"]
    assert by_name["last_page"] == 2


def test_list__when_sorted_by_an_unlisted_column__then_422(admin):
    assert list(error_of(admin.get(PATH, {"sort_by": "deleted_at"}), 422, "VALIDATION_ERROR")["errors"]) == ["sort_by"]


def test_list__when_2_or_20_rows__then_equal_query_counts(admin):
    counts = []
    for rows in (2, 18):
        for _ in range(rows):
            make_offer(category_id=make_category().pk)
        with counted_queries() as statements:
            data_of(admin.get(PATH, {"per_page": 100}))
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_one__when_shown__then_counts_its_live_tests(admin):
    category = make_category()
    make_offer(category_id=category.pk)
    Test.objects.filter(pk=make_offer(category_id=category.pk).pk).update(deleted_at=category.created_at)
    response = admin.get(f"{PATH}/{category.pk}")
    assert data_of(response)["tests_count"] == 1
    assert response.json()["message"] == "Test category retrieved successfully"


@pytest.mark.parametrize("verb", ["put", "patch"])
def test_update__when_renamed__then_slug_follows(admin, verb):
    category = make_category(name="Old", slug="own-slug", description="Kept")
    response = getattr(admin, verb)(f"{PATH}/{category.pk}", {"name": "New name"})
    data = data_of(response)
    assert response.json()["message"] == "Test category updated successfully"
    assert (data["name"], data["slug"], data["description"]) == ("New name", "new-name", "Kept")


def test_update__when_name_is_its_own__then_accepted_and_slug_kept(admin):
    category = make_category(name="Same", slug="own-slug")
    assert data_of(admin.put(f"{PATH}/{category.pk}", {"name": "Same", "sort_order": 4}))["slug"] == "own-slug"
    other = make_category()
    body = error_of(admin.put(f"{PATH}/{other.pk}", {"name": "Same"}), 422, "VALIDATION_ERROR")
    assert body["errors"] == {"name": ["The name has already been taken."]}


def test_delete__when_it_has_tests__then_soft_and_tests_lose_it(admin):
    category = make_category(name="Gone")
    test = make_offer(category_id=category.pk)
    response = admin.delete(f"{PATH}/{category.pk}")
    assert data_of(response) is None
    assert response.json()["message"] == "Test category deleted successfully"
    assert TestCategory.objects.get(pk=category.pk).deleted_at is not None
    test.refresh_from_db()
    assert test.category_id is None
    error_of(admin.get(f"{PATH}/{category.pk}"), 404, "NOT_FOUND")
    data_of(admin.post(PATH, {"name": "Gone"}), 201)


@pytest.mark.parametrize("verb", ["get", "put", "patch", "delete"])
def test_one__when_absent__then_404(admin, verb):
    body = error_of(getattr(admin, verb)(f"{PATH}/999999"), 404, "NOT_FOUND")
    assert body["message"] == "Resource not found"


@pytest.mark.parametrize("role", [Role.TENANT_ADMIN, Role.PUBLIC_USER])
def test_any__when_not_super_admin__then_403(api, role):
    client = api.as_(make_user(role))
    for response in (client.get(PATH), client.post(PATH, BODY), client.delete(f"{PATH}/1")):
        assert error_of(response, 403, "FORBIDDEN")["message"] == "Unauthorized"
    error_of(api.get(PATH), 401, "UNAUTHENTICATED")


@pytest.mark.django_db
def test_create__when_a_hundred_names_have_no_latin_letters__then_each_has_a_slug():
    slugs = [category_create(data={"name": f"\u0642{chr(0x4E00 + number)}"}, actor=ADMIN).slug for number in range(103)]
    assert (slugs[:3], slugs[-1]) == (["category", "category-2", "category-3"], "category-103")


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_create__when_four_names_without_latin_letters_at_once__then_four_slugs():
    results = race(4, lambda index: category_create(data={"name": chr(0x4E00 + index)}, actor=ADMIN).slug)
    assert sorted(results) == ["category", "category-2", "category-3", "category-4"]
