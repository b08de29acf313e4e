"""Companies, their admins, plans and prices over HTTP: keys, words, codes, reach, number of queries."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.core import mail as outbox

from accounts.models import EmailVerification, Login, PasswordReset, User
from accounts.services.passwords import password_reset_send
from accounts.services.verification import PURPOSE
from accounts.states import Role
from accounts.tests.factories import make_user
from cbt.kernel import clock
from cbt.kernel.ids import derive_token
from tenants.models import Company, CompanyAdmin, SubscriptionPlan, SubscriptionPrice
from tenants.services import admins
from tenants.tests.factories import make_company, make_plan, make_price, make_subscription, make_tenant_admin
from tests.support import PAGE_KEYS, counted_queries, data_of, error_of, run_jobs

COMPANY = {"id", "name", "email", "phone", "address", "logo", "settings", "is_active", "created_at", "updated_at"}
ROW = COMPANY | {"admins_count", "participants_count", "subscriptions_count", "active_subscription"}
DETAIL = ROW | {"admins", "subscriptions"}
BRIEF = {
    "id", "plan_name", "status", "billing_type", "user_quota", "used_quota", "remaining_quota", "started_at",
    "expires_at", "cancelled_at", "created_at",
}  # fmt: skip
ADMIN = {"id", "user_id", "company_id", "is_primary", "user", "created_at", "updated_at"}
USER = {"id", "name", "email", "email_verified_at", "created_at"}
PLAN = {
    "id", "name", "duration_months", "description", "is_active", "sort_order", "created_at", "updated_at", "prices",
}  # fmt: skip
PRICE = {
    "id", "subscription_plan_id", "user_quota", "user_quota_label", "price", "price_per_additional_user", "is_active",
    "created_at", "updated_at",
}  # fmt: skip
NEW_ADMIN = {
    "name": "New Admin", "email": "new@example.com", "password": "password456", "password_confirmation": "password456",
}  # fmt: skip


@pytest.fixture
def staff(api):
    return api.as_(make_user(Role.SUPER_ADMIN))


def make_participant(company, **fields):
    """Of a room above: known here by name only."""
    number, now = apps.get_model("sessions_app", "Participant").objects.count(), clock.now()
    apps.get_model("sessions_app", "Participant").objects.create(
        company_id=company.pk, name="P", email=f"p{number}@example.com", unique_token=f"t{number}", created_at=now,
        updated_at=now, **fields,
    )  # fmt: skip


def said(response, status=200):
    data_of(response, status)
    return response.json()["message"]


# --- companies --------------------------------------------------------------------------------------


def test_companies__when_listed__then_counts_and_the_running_subscription(staff):
    company = make_company()
    make_tenant_admin(company)
    make_tenant_admin(company)
    make_participant(company)
    make_participant(company, deleted_at=clock.now())
    make_subscription(company, status="expired")
    response = staff.get("/api/companies")
    page = data_of(response)
    assert response.json()["message"] == "Companies retrieved successfully"
    assert set(page) == PAGE_KEYS
    (row,) = page["data"]
    assert set(row) == ROW
    assert (row["admins_count"], row["participants_count"], row["subscriptions_count"]) == (2, 1, 2)
    assert set(row["active_subscription"]) == BRIEF
    assert row["active_subscription"]["status"] == "active"
    assert (row["phone"], row["settings"]) == (None, {})


def names(response):
    return [row["name"] for row in data_of(response)["data"]]


def test_companies__when_filtered_searched_and_sorted__then_as_asked(staff):
    make_company(name="Running", phone="0811")
    run_out = make_company(name="Run out")
    run_out.subscriptions.update(started_at=clock.now() - timedelta(days=9), expires_at=clock.now())
    make_company(name="Never", with_subscription=False, is_active=False)
    make_company(name="Deleted", is_active=False, deleted_at=clock.now())
    get = lambda **query: names(staff.get("/api/companies", {"sort_by": "name", "sort_order": "asc", **query}))  # noqa: E731
    assert get() == ["Never", "Run out", "Running"]
    assert get(has_subscription="true") == ["Run out", "Running"]
    assert get(has_subscription="0") == ["Never"]
    assert get(has_active_subscription="true") == ["Running"]
    assert get(has_active_subscription="false") == ["Never", "Run out"]
    assert get(is_active="false") == ["Never"]
    assert get(search="0811") == ["Running"]
    assert get(search="RUN") == ["Run out", "Running"]
    assert get(is_active="", has_subscription="") == ["Never", "Run out", "Running"]
    assert get(per_page="all") == ["Never", "Run out", "Running"]
    assert get(per_page="2", page="2") == ["Running"]
    assert names(staff.get("/api/companies"))[0] == "Never"  # newest first
    assert set(error_of(staff.get("/api/companies", {"sort_by": "password"}), 422, "VALIDATION_ERROR")["errors"]) == {
        "sort_by"
    }


def test_companies__when_all_are_asked_for__then_a_hundred_a_page(staff):
    for number in range(103):
        make_company(with_subscription=False, name=f"PT {number:03}")
    query = {"per_page": "all", "sort_by": "name", "sort_order": "asc", "search": "PT "}
    first = data_of(staff.get("/api/companies", query))
    assert (len(first["data"]), first["per_page"], first["total"], first["last_page"]) == (100, 100, 103, 2)
    last = data_of(staff.get("/api/companies", {**query, "page": "2"}))
    assert [row["name"] for row in last["data"]] == ["PT 100", "PT 101", "PT 102"]
    flat = staff.get("/api/companies", {**query, "limit": "2"}).json()
    assert ([row["name"] for row in flat["data"]], flat["total"], flat["limit"]) == (["PT 000", "PT 001"], 103, 2)


def test_companies__when_two_or_twenty__then_the_same_few_queries(staff):
    counts = []
    for count in (2, 18):
        for _ in range(count):
            make_tenant_admin(make_company())
        with counted_queries() as queries:
            assert len(data_of(staff.get("/api/companies", {"per_page": "all"}))["data"]) >= count
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 8


def test_company__when_created__then_open_and_shown(staff):
    body = {"name": "PT Baru", "email": "baru@example.com", "phone": None, "settings": {"color": "red"}}
    response = staff.post("/api/companies", body)
    data = data_of(response, 201)
    assert response.json()["message"] == "Company created successfully"
    assert set(data) == DETAIL
    assert (data["is_active"], data["admins"], data["subscriptions"], data["settings"]) == (
        True,
        [],
        [],
        {"color": "red"},
    )
    twin = error_of(staff.post("/api/companies", {**body, "email": "BARU@example.com"}), 422, "VALIDATION_ERROR")
    assert twin["errors"] == {"email": ["The email has already been taken."]}
    missing = error_of(staff.post("/api/companies", {}), 422, "VALIDATION_ERROR")
    assert missing["errors"] == {"name": ["The name field is required."], "email": ["The email field is required."]}


def test_company__when_shown__then_admins_and_subscriptions_but_no_participants(staff):
    company = make_company()
    make_tenant_admin(company)
    response = staff.get(f"/api/companies/{company.pk}")
    data = data_of(response)
    assert response.json()["message"] == "Company retrieved successfully"
    assert set(data) == DETAIL
    assert [set(row) for row in data["admins"]] == [ADMIN]
    assert [set(row) for row in data["subscriptions"]] == [BRIEF]
    with counted_queries() as queries:
        staff.get(f"/api/companies/{company.pk}")
    assert len(queries) <= 8


@pytest.mark.parametrize("verb", ["put", "patch"])
def test_company__when_changed__then_only_what_is_told(staff, verb):
    company = make_company(phone="1")
    call = getattr(staff, verb)
    response = call(f"/api/companies/{company.pk}", {"name": "Renamed", "is_active": False})
    data = data_of(response)
    assert response.json()["message"] == "Company updated successfully"
    assert (data["name"], data["phone"], data["is_active"]) == ("Renamed", "1", False)
    data = data_of(call(f"/api/companies/{company.pk}", {"phone": None, "is_active": True}))
    assert (data["phone"], data["is_active"]) == (None, True)
    other = make_company()
    taken = call(f"/api/companies/{company.pk}", {"email": other.email})
    assert error_of(taken, 422, "VALIDATION_ERROR")["errors"] == {"email": ["The email has already been taken."]}


def test_company__when_toggled__then_shut_and_open_again(staff, api):
    company = make_company()
    admin = api.as_(make_tenant_admin(company))
    response = staff.post(f"/api/companies/{company.pk}/toggle-active")
    assert response.json()["message"] == "Company status updated successfully"
    assert data_of(response)["is_active"] is False
    error_of(admin.get("/api/company"), 401, "UNAUTHENTICATED")
    assert data_of(staff.post(f"/api/companies/{company.pk}/toggle-active"))["is_active"] is True


def test_company__when_deleted__then_gone_for_everybody(staff):
    company = make_company()
    assert said(staff.delete(f"/api/companies/{company.pk}")) == "Company deleted successfully"
    assert Company.objects.get().deleted_at is not None
    for response in (
        staff.get(f"/api/companies/{company.pk}"), staff.put(f"/api/companies/{company.pk}", {}),
        staff.delete(f"/api/companies/{company.pk}"), staff.post(f"/api/companies/{company.pk}/toggle-active"),
        staff.get(f"/api/companies/{company.pk}/admins"), staff.post(f"/api/companies/{company.pk}/admins", NEW_ADMIN),
    ):  # fmt: skip
        error_of(response, 404, "NOT_FOUND")


@pytest.mark.parametrize("role", [Role.TENANT_ADMIN, Role.PUBLIC_USER])
def test_staff_routes__when_not_staff__then_forbidden(api, role):
    user = make_tenant_admin() if role == Role.TENANT_ADMIN else make_user(role)
    company = Company.objects.first() or make_company()
    price = make_price()
    caller = api.as_(user)
    calls = [
        ("get", "companies"), ("post", "companies"), ("get", f"companies/{company.pk}"),
        ("put", f"companies/{company.pk}"), ("patch", f"companies/{company.pk}"), ("delete", f"companies/{company.pk}"),
        ("post", f"companies/{company.pk}/toggle-active"), ("get", "subscription-plans"),
        ("post", "subscription-plans"),
        ("get", f"subscription-plans/{price.plan_id}"), ("put", f"subscription-plans/{price.plan_id}"),
        ("patch", f"subscription-plans/{price.plan_id}"), ("delete", f"subscription-plans/{price.plan_id}"),
        ("get", f"subscription-plans/{price.plan_id}/prices"), ("post", "subscription-prices"),
        ("get", f"subscription-plans/{price.plan_id}/prices/all"), ("get", f"subscription-prices/{price.pk}"),
        ("put", f"subscription-prices/{price.pk}"), ("delete", f"subscription-prices/{price.pk}"),
    ]  # fmt: skip
    for verb, path in calls:
        error_of(getattr(caller, verb)(f"/api/{path}"), 403, "FORBIDDEN")
        error_of(getattr(api, verb)(f"/api/{path}"), 401, "UNAUTHENTICATED")


# --- the own company --------------------------------------------------------------------------------


def test_own_company__then_shown_and_changed_without_a_subscription(api):
    company = make_company(with_subscription=False, settings={"a": 1})
    caller = api.as_(make_tenant_admin(company))
    data = data_of(caller.get("/api/company"))
    assert (set(data), data["id"]) == (COMPANY, company.pk)
    response = caller.put("/api/company", {"name": "Own", "phone": "0812", "settings": {}, "is_active": False})
    data = data_of(response)
    assert response.json()["message"] == "Company updated successfully"
    assert (data["name"], data["phone"], data["settings"], data["is_active"]) == ("Own", "0812", {"a": 1}, True)


def test_own_company__when_not_a_company_admin__then_refused(api, staff):
    error_of(staff.get("/api/company"), 403, "COMPANY_ADMIN_NOT_FOUND")
    error_of(api.as_(make_user(Role.PUBLIC_USER)).get("/api/company"), 403, "FORBIDDEN")


# --- admins -----------------------------------------------------------------------------------------


@pytest.fixture
def own(api):
    """A company with two admins; the primary one calls: (caller, company, primary row, second row)."""
    company = make_company(with_subscription=False)
    first, second = make_tenant_admin(company), make_tenant_admin(company)
    rows = [CompanyAdmin.objects.get(user=user) for user in (first, second)]
    return api.as_(first), company, *rows


def test_admins__when_listed__then_the_primary_one_first(own, staff):
    caller, company, first, second = own
    for one in (caller, staff):
        response = one.get(f"/api/companies/{company.pk}/admins")
        data = data_of(response)
        assert response.json()["message"] == "Company admins retrieved successfully"
        assert [row["id"] for row in data] == [first.pk, second.pk]
        assert (set(data[0]), set(data[0]["user"])) == (ADMIN, USER)
        assert [row["is_primary"] for row in data] == [True, False]


def test_admin__when_added__then_may_sign_in_and_no_mail_is_sent(own, api):
    caller, company, first, _ = own
    response = caller.post(f"/api/companies/{company.pk}/admins", NEW_ADMIN)
    data = data_of(response, 201)
    assert response.json()["message"] == "Company admin created successfully"
    assert (set(data), data["is_primary"]) == (ADMIN, False)
    assert data["user"]["email_verified_at"] is not None
    data_of(api.post("/api/auth/login", {"email": NEW_ADMIN["email"], "password": NEW_ADMIN["password"]}))
    run_jobs()
    assert outbox.outbox == []
    taken = caller.post(f"/api/companies/{company.pk}/admins", NEW_ADMIN)
    assert error_of(taken, 422, "VALIDATION_ERROR")["errors"] == {"email": ["The email has already been taken."]}
    short = caller.post(f"/api/companies/{company.pk}/admins", {**NEW_ADMIN, "password": "short"})
    assert error_of(short, 422, "VALIDATION_ERROR")["errors"] == {
        "password": ["The password must be at least 8 characters.", "The password confirmation does not match."]
    }
    primary = caller.post(
        f"/api/companies/{company.pk}/admins", {**NEW_ADMIN, "email": "p@example.com", "is_primary": True}
    )
    assert data_of(primary, 201)["is_primary"] is True
    first.refresh_from_db()
    assert first.is_primary is False


def test_admin__when_shown__then_with_the_company(own):
    caller, company, first, _ = own
    data = data_of(caller.get(f"/api/company-admins/{first.pk}"))
    assert set(data) == ADMIN | {"company"}
    assert data["company"] == {"id": company.pk, "name": company.name, "email": company.email}


@pytest.mark.parametrize("verb", ["put", "patch"])
def test_admin__when_a_colleague_changes_another__then_the_address_waits_and_the_password_ends_its_logins(
    own, api, verb
):
    caller, _, _, second = own
    victim = api.as_(second.user)
    password_reset_send(user_id=second.user_id, asked_at=clock.now())
    body = {
        "name": "Changed", "email": "changed@example.com", "password": "password789",
        "password_confirmation": "password789",
    }  # fmt: skip
    old = second.user.email
    response = getattr(caller, verb)(f"/api/company-admins/{second.pk}", body)
    data = data_of(response)
    assert response.json()["message"] == "Company admin updated successfully"
    assert (data["user"]["name"], data["user"]["email"]) == ("Changed", old)
    error_of(victim.get("/api/company"), 401, "UNAUTHENTICATED")
    data_of(caller.get("/api/company"))
    data_of(api.post("/api/auth/login", {"email": old, "password": "password789"}))
    assert PasswordReset.objects.filter(used_at__isnull=True).count() == 0
    asked = EmailVerification.objects.get(user=second.user, used_at__isnull=True)
    run_jobs()
    assert {"changed@example.com", old} <= {address for message in outbox.outbox for address in message.to}
    data_of(api.post("/api/auth/verify-email", {"token": derive_token(PURPOSE, asked.nonce)}))
    assert User.objects.get(pk=second.user_id).email == "changed@example.com"


def test_admin__when_staff_of_the_house_gives_the_address__then_at_once_and_the_old_one_is_told(own, api):
    _, _, _, second = own
    old = second.user.email
    staff = api.as_(make_user(Role.SUPER_ADMIN))
    data = data_of(staff.put(f"/api/company-admins/{second.pk}", {"email": "changed@example.com"}))
    assert data["user"]["email"] == "changed@example.com"
    run_jobs()
    assert [address for message in outbox.outbox for address in message.to] == [old]


def test_admin__when_a_hundred_are_there__then_no_more(own, monkeypatch):
    caller, company, _, _ = own
    monkeypatch.setattr(admins, "MAX_ADMINS", 2)
    refused = caller.post(f"/api/companies/{company.pk}/admins", NEW_ADMIN)
    assert error_of(refused, 400, "BUSINESS_RULE")["message"] == "A company has at most 2 admins."


def test_admin__when_only_the_name_is_told__then_nobody_is_signed_out(own, api):
    caller, _, _, second = own
    victim = api.as_(second.user)
    data_of(caller.patch(f"/api/company-admins/{second.pk}", {"name": "Only"}))
    data_of(victim.get("/api/company"))


def test_admin__when_the_own_password_changes__then_this_login_goes_on_and_others_end(own, api):
    caller, _, first, _ = own
    other = api.as_(first.user)
    body = {"password": "password789", "password_confirmation": "password789"}
    data_of(caller.put(f"/api/company-admins/{first.pk}", body))
    data_of(caller.get("/api/company"))
    error_of(other.get("/api/company"), 401, "UNAUTHENTICATED")
    assert Login.objects.filter(user=first.user, revoked_at__isnull=True).count() == 1


def test_admin__when_the_own_address_changes__then_only_after_the_proof(own):
    caller, _, first, _ = own
    old = first.user.email
    data = data_of(caller.put(f"/api/company-admins/{first.pk}", {"email": "mine@example.com"}))
    assert data["user"]["email"] == old
    run_jobs()
    assert {address for message in outbox.outbox for address in message.to} == {"mine@example.com", old}


def test_admin__when_address_or_password_is_wrong__then_told_by_field_and_nothing_changes(own):
    caller, _, first, second = own
    taken = caller.put(f"/api/company-admins/{second.pk}", {"name": "X", "email": first.user.email})
    assert error_of(taken, 422, "VALIDATION_ERROR")["errors"] == {"email": ["The email has already been taken."]}
    unconfirmed = caller.put(f"/api/company-admins/{second.pk}", {"password": "password789"})
    assert error_of(unconfirmed, 422, "VALIDATION_ERROR")["errors"] == {
        "password": ["The password confirmation does not match."]
    }
    assert User.objects.get(pk=second.user_id).name == second.user.name


def primaries(company):
    return list(company.admins.filter(is_primary=True).values_list("pk", flat=True))


def test_admin__when_made_primary__then_the_one_before_is_not(own):
    caller, company, first, second = own
    response = caller.post(f"/api/company-admins/{second.pk}/set-primary")
    assert data_of(response)["is_primary"] is True
    assert response.json()["message"] == "Primary admin set successfully"
    assert primaries(company) == [second.pk]
    data_of(caller.put(f"/api/company-admins/{first.pk}", {"is_primary": True}))
    assert primaries(company) == [first.pk]
    refused = caller.put(f"/api/company-admins/{first.pk}", {"is_primary": False, "name": "X"})
    assert error_of(refused, 400, "BUSINESS_RULE")["message"] == "Make another admin the primary one first."
    assert User.objects.get(pk=first.user_id).name == first.user.name
    data_of(caller.put(f"/api/company-admins/{second.pk}", {"is_primary": False}))
    assert primaries(company) == [first.pk]


def test_admin__when_removed__then_its_user_too_but_never_the_primary_or_last_one(own, staff):
    caller, company, first, second = own
    error_of(caller.delete(f"/api/company-admins/{first.pk}"), 400, "BUSINESS_RULE")
    assert said(caller.delete(f"/api/company-admins/{second.pk}")) == "Company admin deleted successfully"
    assert not User.objects.filter(pk=second.user_id).exists()
    last = staff.delete(f"/api/company-admins/{first.pk}")
    assert error_of(last, 400, "BUSINESS_RULE")["message"] == "The last admin of a company cannot be removed."
    assert primaries(company) == [first.pk]


def test_admin_routes__when_of_another_company__then_as_if_absent(own):
    caller, _, _, _ = own
    foreign = make_tenant_admin()
    row, company = CompanyAdmin.objects.get(user=foreign), foreign.company_id
    before = list(CompanyAdmin.objects.order_by("pk").values()), User.objects.get(pk=foreign.pk).password
    seen = []
    for pk, company_pk in ((row.pk, company), (909_090, 909_091)):
        for response in (
            caller.get(f"/api/companies/{company_pk}/admins"),
            caller.post(f"/api/companies/{company_pk}/admins", NEW_ADMIN),
            caller.get(f"/api/company-admins/{pk}"),
            caller.put(
                f"/api/company-admins/{pk}", {"password": "password789", "password_confirmation": "password789"}
            ),
            caller.patch(f"/api/company-admins/{pk}", {"email": "evil@example.com"}),
            caller.delete(f"/api/company-admins/{pk}"),
            caller.post(f"/api/company-admins/{pk}/set-primary"),
        ):
            body = error_of(response, 404, "NOT_FOUND")
            body.pop("request_id")
            seen.append(body)
    assert seen == [seen[0]] * 14
    assert (list(CompanyAdmin.objects.order_by("pk").values()), User.objects.get(pk=foreign.pk).password) == before
    assert not User.objects.filter(email=NEW_ADMIN["email"]).exists()


# --- plans and prices -------------------------------------------------------------------------------


def test_plans__when_listed__then_in_their_order_with_prices_and_filters(staff):
    make_price(make_plan(name="B", sort_order=2, duration_months=6))
    plan = make_plan(name="A", sort_order=1, description="Hemat")
    make_price(plan, user_quota=30)
    make_price(plan, user_quota=0, price_amount=0, is_active=False)
    make_plan(name="C", sort_order=3, is_active=False)
    make_plan(name="D", deleted_at=clock.now())
    response = staff.get("/api/subscription-plans")
    assert response.json()["message"] == "Subscription plans retrieved successfully"
    assert names(response) == ["A", "B", "C"]
    row = data_of(response)["data"][0]
    assert (set(row), set(row["prices"][0])) == (PLAN, PRICE)
    assert [(price["user_quota_label"], price["price"]) for price in row["prices"]] == [
        ("Custom", 0.0),
        ("30", 900000.0),
    ]
    assert names(staff.get("/api/subscription-plans", {"is_active": "false"})) == ["C"]
    assert names(staff.get("/api/subscription-plans", {"duration_months": "6"})) == ["B"]
    assert names(staff.get("/api/subscription-plans", {"search": "hemat"})) == ["A"]
    assert names(staff.get("/api/subscription-plans", {"sort_by": "name", "sort_order": "desc"})) == ["C", "B", "A"]


def test_plans__when_two_or_twenty__then_the_same_few_queries(staff):
    counts = []
    for count in (2, 18):
        for _ in range(count):
            make_price()
        with counted_queries() as queries:
            data_of(staff.get("/api/subscription-plans", {"per_page": "100"}))
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 8


def test_plan__when_created_changed_and_deleted__then_so(staff):
    body = {"name": "3 Bulan", "duration_months": 3, "description": "Subscription 3 bulan", "is_active": True}
    response = staff.post("/api/subscription-plans", body)
    data = data_of(response, 201)
    assert response.json()["message"] == "Subscription plan created successfully"
    assert (set(data), data["sort_order"], data["prices"]) == (PLAN, 0, [])
    path = f"/api/subscription-plans/{data['id']}"
    assert data_of(staff.get(path))["name"] == "3 Bulan"
    for verb in (staff.put, staff.patch):
        response = verb(path, {"is_active": False, "sort_order": 4})
        changed = data_of(response)
        assert response.json()["message"] == "Subscription plan updated successfully"
        assert (changed["is_active"], changed["sort_order"], changed["name"]) == (False, 4, "3 Bulan")
    wrong = error_of(staff.post("/api/subscription-plans", {"name": "", "duration_months": 4}), 422, "VALIDATION_ERROR")
    assert wrong["errors"] == {
        "name": ["The name field is required."], "duration_months": ["The selected duration months is invalid."],
    }  # fmt: skip
    assert said(staff.delete(path)) == "Subscription plan deleted successfully"
    assert SubscriptionPlan.objects.get().deleted_at is not None
    for response in (staff.get(path), staff.put(path, {}), staff.delete(path), staff.get(f"{path}/prices")):
        error_of(response, 404, "NOT_FOUND")


def test_prices__when_listed__then_all_paged_and_active_ones_unpaged(staff):
    plan = make_plan()
    make_price(plan, user_quota=30)
    make_price(plan, user_quota=5)
    make_price(plan, user_quota=10, is_active=False)
    make_price()
    path = f"/api/subscription-plans/{plan.pk}/prices"
    page = data_of(staff.get(path))
    assert (set(page), [row["user_quota"] for row in page["data"]]) == (PAGE_KEYS, [5, 10, 30])
    assert [row["user_quota"] for row in data_of(staff.get(path, {"is_active": "true"}))["data"]] == [5, 30]
    assert [row["user_quota"] for row in data_of(staff.get(path, {"sort_order": "desc"}))["data"]] == [30, 10, 5]
    response = staff.get(f"{path}/all")
    assert response.json()["message"] == "Subscription prices retrieved successfully"
    assert [row["user_quota"] for row in data_of(response)] == [5, 30]


def test_price__when_created_changed_and_deleted__then_so(staff):
    plan = make_plan()
    body = {
        "subscription_plan_id": plan.pk, "user_quota": 10, "price": 1000000.00, "price_per_additional_user": 100000.00,
    }  # fmt: skip
    response = staff.post("/api/subscription-prices", body)
    data = data_of(response, 201)
    assert response.json()["message"] == "Subscription price created successfully"
    assert set(data) == PRICE | {"subscription_plan"}
    assert set(data["subscription_plan"]) == PLAN - {"prices"}
    assert (data["price"], data["price_per_additional_user"]) == (1000000.0, 100000.0)
    twin = error_of(staff.post("/api/subscription-prices", body), 422, "VALIDATION_ERROR")
    assert twin["errors"] == {"user_quota": ["The user quota already exists for this subscription plan."]}
    path = f"/api/subscription-prices/{data['id']}"
    response = staff.put(path, {"price": 5.5, "price_per_additional_user": None})
    assert response.json()["message"] == "Subscription price updated successfully"
    assert (data_of(response)["price"], data_of(response)["price_per_additional_user"]) == (5.5, None)
    other = make_price(plan, user_quota=20)
    clash = error_of(staff.patch(path, {"user_quota": other.user_quota}), 422, "VALIDATION_ERROR")
    assert clash["errors"] == {"user_quota": ["The user quota already exists for this subscription plan."]}
    unknown = error_of(
        staff.post("/api/subscription-prices", {**body, "subscription_plan_id": 99}), 422, "VALIDATION_ERROR"
    )
    assert unknown["errors"] == {"subscription_plan_id": ["The selected subscription plan id is invalid."]}
    negative = error_of(staff.patch(path, {"price": -1}), 422, "VALIDATION_ERROR")
    assert set(negative["errors"]) == {"price"}
    assert data_of(staff.get(path))["user_quota"] == 10
    assert said(staff.delete(path)) == "Subscription price deleted successfully"
    error_of(staff.get(path), 404, "NOT_FOUND")
    error_of(staff.delete(path), 404, "NOT_FOUND")


def test_price__when_a_subscription_uses_it__then_not_deleted(staff):
    price = make_price()
    make_subscription(make_company(with_subscription=False), price=price)
    refused = error_of(staff.delete(f"/api/subscription-prices/{price.pk}"), 400, "CONFLICT")
    assert refused["message"] == (
        "This price is used by subscriptions and cannot be deleted. Deactivate it instead."
    )  # fmt: skip
    assert SubscriptionPrice.objects.filter(pk=price.pk).exists()
    moved = staff.put(f"/api/subscription-prices/{price.pk}", {"subscription_plan_id": make_plan().pk})
    assert set(error_of(moved, 422, "VALIDATION_ERROR")["errors"]) == {"subscription_plan_id"}
