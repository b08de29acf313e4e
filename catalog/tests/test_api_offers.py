"""Contract tests of /api/tests and /api/tests/{test}."""

import pytest

from accounts.states import Role
from accounts.tests.factories import make_user
from catalog.models import Test
from catalog.tests.factories import make_banked, make_category, make_offer
from tests.support import PAGE_KEYS, counted_queries, data_of, error_of

PATH = "/api/tests"
KEYS = {
    "id", "category_id", "category", "name", "code", "price", "question_count", "duration_minutes", "type",
    "description", "instruction_route", "test_route", "metadata", "is_active", "sort_order", "settings", "created_at",
    "updated_at",
}  # fmt: skip
BODY = {
    "name": "Test Name", "code": "TEST-001", "description": "Test description", "price": 50000.00,
    "question_count": 50, "duration_minutes": 60, "type": "public", "instruction_route": "/tests/test-001/instruction",
    "test_route": "/tests/test-001/take", "metadata": {}, "is_active": True, "sort_order": 1,
}  # fmt: skip
MINIMAL = {"name": "N", "code": "C", "price": 0, "type": "all"}
DEFAULT_SETTINGS = {
    "shuffle_questions": False, "shuffle_options": False, "max_attempts": 1, "result_policy": "none",
    "cheat_policy": "ban", "pass_percentage": None,
}  # fmt: skip


@pytest.fixture
def admin(api):
    return api.as_(make_user(Role.SUPER_ADMIN))


def test_create__when_contract_example__then_201_with_the_test(admin):
    category = make_category(name="Tes Kepribadian")
    response = admin.post(PATH, {**BODY, "category_id": category.pk})
    data = data_of(response, 201)
    assert response.json()["message"] == "Test created successfully"
    assert set(data) == KEYS
    assert {name: data[name] for name in BODY} == BODY
    assert isinstance(data["price"], float)
    assert (data["category_id"], data["category"]["slug"]) == (category.pk, "tes-kepribadian")
    assert "tests_count" not in data["category"]
    assert data["settings"] == DEFAULT_SETTINGS


def test_create__when_minimal_or_null__then_defaults(admin):
    routes = ("instruction_route", "test_route")
    nulls = dict.fromkeys(["category_id", "question_count", "duration_minutes", "description", "metadata", *routes])
    for body in (MINIMAL, {**MINIMAL, "code": "D", **nulls}):
        data = data_of(admin.post(PATH, body), 201)
        assert {name: data[name] for name in nulls} == {**nulls, "question_count": 0, "duration_minutes": 0}
        assert (data["is_active"], data["sort_order"], data["category"]) == (True, 0, None)


def test_create__when_settings_are_given__then_stored(admin):
    settings = {"max_attempts": 3, "result_policy": "score", "pass_percentage": 62.5}
    data = data_of(admin.post(PATH, {**MINIMAL, "settings": settings}), 201)
    assert data["settings"] == {**DEFAULT_SETTINGS, **settings}


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"name": None}, {"name": ["The name field is required."]}),
        ({"code": "x" * 51}, {"code": ["The code must not be greater than 50 characters."]}),
        ({"code": "TAKEN"}, {"code": ["The code has already been taken."]}),
        ({"type": "secret"}, {"type": ["The selected type is invalid."]}),
        ({"category_id": 999999}, {"category_id": ["The selected category id is invalid."]}),
        ({"question_count": "many"}, {"question_count": ["The question count must be an integer."]}),
        ({"metadata": []}, {"metadata": ["The metadata must be an object."]}),
    ],
)
def test_create__when_a_field_is_wrong__then_422_names_it(admin, change, errors):
    make_offer(code="TAKEN")
    body = error_of(admin.post(PATH, {**BODY, **change}), 422, "VALIDATION_ERROR")
    assert body["errors"] == errors


@pytest.mark.parametrize(
    ("name", "value"),
    [("price", -1), ("price", "x"), ("price", 1e14), ("price", 0.001), ("duration_minutes", 0), ("sort_order", -1),
     ("sort_order", 2**31), ("name", ["a"]), ("is_active", "x")],
)  # fmt: skip
def test_create__when_out_of_bounds__then_422_at_the_field(admin, name, value):
    assert list(error_of(admin.post(PATH, {**BODY, name: value}), 422, "VALIDATION_ERROR")["errors"]) == [name]


def test_create__when_required_fields_are_missing__then_all_named(admin):
    errors = error_of(admin.post(PATH, {}), 422, "VALIDATION_ERROR")["errors"]
    assert errors == {name: [f"The {name} field is required."] for name in ("name", "code", "price", "type")}


def test_create__when_only_the_case_of_the_code_differs__then_another_test(admin):
    make_offer(code="abc")
    data_of(admin.post(PATH, {**MINIMAL, "code": "ABC"}), 201)


def test_list__when_filtered__then_those_tests(admin):
    category = make_category()
    make_offer(code="A-1", name="Logic", category_id=category.pk, type="public", sort_order=2)
    make_offer(code="B-2", name="Numbers", type="company", sort_order=1, description="with LOGIC inside")
    make_offer(code="C-3", name="Words", is_active=False)

    def codes(**params):
        return [row["code"] for row in data_of(admin.get(PATH, params))["data"]]

    assert codes() == ["C-3", "B-2", "A-1"]
    assert codes(category=category.pk) == codes(category_id=category.pk) == ["A-1"]
    assert codes(type="company") == ["B-2"]
    assert codes(is_active="0") == ["C-3"]
    assert codes(search="logic") == ["B-2", "A-1"]
    assert codes(sort_by="code", sort_order="desc", category="", type="") == ["C-3", "B-2", "A-1"]
    page = data_of(admin.get(PATH, {"per_page": 2, "page": 2}))
    assert set(page) == PAGE_KEYS
    assert (page["total"], page["last_page"], page["from"], page["to"]) == (3, 2, 3, 3)
    assert set(page["data"][0]) == KEYS


@pytest.mark.parametrize("params", [{"type": "x"}, {"category": "x"}, {"is_active": "x"}, {"sort_by": "metadata"}])
def test_list__when_a_filter_is_unreadable__then_422(admin, params):
    assert list(error_of(admin.get(PATH, params), 422, "VALIDATION_ERROR")["errors"]) == list(params)


def test_list__when_2_or_20_rows__then_equal_query_counts(admin):
    counts = []
    for rows in (2, 18):
        for _ in range(rows):
            make_offer(category_id=make_category().pk)
        with counted_queries() as statements:
            data_of(admin.get(PATH, {"per_page": 100}))
        counts.append(len(statements))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("role", "seen"), [(Role.TENANT_ADMIN, ["company", "all"]), (Role.PUBLIC_USER, ["public", "all"])]
)
def test_list__when_not_super_admin__then_only_active_tests_of_their_types(api, role, seen):
    tests = {kind: make_offer(type=kind) for kind in ("public", "company", "all")}
    hidden = make_offer(is_active=False)
    client = api.as_(make_user(role))
    assert {row["type"] for row in data_of(client.get(PATH))["data"]} == set(seen)
    for kind, test in tests.items():
        assert client.get(f"{PATH}/{test.pk}").status_code == (200 if kind in seen else 404)
    error_of(client.get(f"{PATH}/{hidden.pk}"), 404, "NOT_FOUND")
    for response in (
        client.post(PATH, BODY),
        client.put(f"{PATH}/{hidden.pk}", {}),
        client.delete(f"{PATH}/{hidden.pk}"),
        client.get(f"{PATH}/{tests['all'].pk}/questions"),
        client.get(f"{PATH}/{tests['all'].pk}/export"),
    ):
        error_of(response, 403, "FORBIDDEN")


def test_one__when_shown__then_message_and_keys(admin):
    response = admin.get(f"{PATH}/{make_offer().pk}")
    assert set(data_of(response)) == KEYS
    assert response.json()["message"] == "Test retrieved successfully"


@pytest.mark.parametrize("verb", ["put", "patch"])
def test_update__when_some_fields__then_the_rest_stays(admin, verb):
    test = make_offer(code="OWN", description="Kept", duration_minutes=30)
    response = getattr(admin, verb)(f"{PATH}/{test.pk}", {"code": "OWN", "price": 12.5, "duration_minutes": None})
    data = data_of(response)
    assert response.json()["message"] == "Test updated successfully"
    assert (data["code"], data["price"], data["description"], data["duration_minutes"]) == ("OWN", 12.5, "Kept", 0)


def test_update__when_code_is_another_tests__then_422(admin):
    make_offer(code="TAKEN")
    body = error_of(admin.patch(f"{PATH}/{make_offer().pk}", {"code": "TAKEN"}), 422, "VALIDATION_ERROR")
    assert body["errors"] == {"code": ["The code has already been taken."]}


def test_update__when_there_is_a_bank__then_question_count_is_the_banks(admin):
    test = make_banked()
    assert data_of(admin.put(f"{PATH}/{test.pk}", {"question_count": 99}))["question_count"] == 1


def test_delete__when_done__then_soft_and_code_free(admin):
    test = make_offer(code="GONE")
    response = admin.delete(f"{PATH}/{test.pk}")
    assert data_of(response) is None
    assert response.json()["message"] == "Test deleted successfully"
    assert Test.objects.get(pk=test.pk).deleted_at is not None
    for verb in ("get", "put", "patch", "delete"):
        error_of(getattr(admin, verb)(f"{PATH}/{test.pk}"), 404, "NOT_FOUND")
    data_of(admin.post(PATH, {**MINIMAL, "code": "GONE"}), 201)


def test_any__when_anonymous__then_401(api):
    for response in (
        api.get(PATH),
        api.post(PATH, BODY),
        api.get(f"{PATH}/1/questions"),
        api.post(f"{PATH}/import", {}),
    ):
        error_of(response, 401, "UNAUTHENTICATED")


@pytest.mark.parametrize("role", [Role.PUBLIC_USER, Role.TENANT_ADMIN])
def test_show__when_not_staff__then_neither_metadata_nor_settings(api, role):
    test = make_offer(type="all", metadata={"supplier": "x"})
    caller = api.as_(make_user(role))
    (row,) = data_of(caller.get(PATH))["data"]
    assert set(row) == set(data_of(caller.get(f"{PATH}/{test.pk}"))) == KEYS - {"metadata", "settings"}
