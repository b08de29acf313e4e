"""Subscribing and paying over HTTP: keys, words, codes, reach, number of queries, and the whole way to paid."""

import io
from datetime import timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts.states import Role
from accounts.tests.factories import make_user
from cbt.kernel import clock
from commerce.models import Payment
from tenants.models import CompanySubscription, Invoice, SubscriptionPrice, SubscriptionTransaction
from tenants.services.invoices import invoices_generate
from tenants.services.purchases import quota_purchase, subscription_extend
from tenants.services.subscriptions import subscription_cancel
from tenants.tests.billing_support import START, buy, decide, make_buyer, make_tier, running
from tenants.tests.factories import make_company, make_plan, make_price, make_subscription, make_tenant_admin
from tests.support import PAGE_KEYS, counted_queries, data_of, error_of

PLAN = {"id", "name", "duration_months", "description", "is_active"}
PRICE = {"id", "user_quota", "price", "price_per_additional_user", "is_active"}
PAYMENT = {
    "id", "payment_number", "amount", "method", "status", "proof_file", "notes", "paid_at", "payable_type",
    "payable_id", "created_at", "updated_at",
}  # fmt: skip
TRANSACTION = {
    "id", "company_subscription_id", "transaction_number", "amount", "status", "metadata", "payment", "created_at",
    "updated_at",
}  # fmt: skip
SUBSCRIPTION = {
    "id", "company_id", "subscription_plan", "subscription_price", "user_quota", "used_quota", "remaining_quota",
    "status", "billing_type", "started_at", "expires_at", "cancelled_at", "is_active", "transactions", "invoices",
    "created_at", "updated_at",
}  # fmt: skip
INVOICE = {
    "id", "company_id", "company_subscription_id", "invoice_number", "kind", "amount", "tax_amount", "total_amount",
    "due_date", "paid_date", "status", "items", "is_overdue", "period_start", "period_end", "created_at", "updated_at",
}  # fmt: skip


@pytest.fixture
def tenant(api):
    """(caller, company, actor) of a company without subscription."""
    company, user, actor = make_buyer()
    return api.as_(user), company, actor


@pytest.fixture
def staff(api):
    return api.as_(make_user(Role.SUPER_ADMIN))


def picture(name="proof.png"):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(buffer, "PNG")
    return SimpleUploadedFile(name, buffer.getvalue(), content_type="image/png")


def body(price, **more):
    return {
        "subscription_plan_id": price.plan_id, "subscription_price_id": price.pk, "payment_type": "pre_paid", **more,
    }  # fmt: skip


def test_available_plans__then_a_plain_array_of_what_is_on_offer(tenant):
    caller, _, _ = tenant
    plan = make_plan(name="B", sort_order=2)
    make_price(plan, user_quota=10)
    make_price(plan, user_quota=5, is_active=False)
    make_plan(name="A", sort_order=1)
    make_plan(name="C", is_active=False)
    make_plan(name="D", deleted_at=clock.now())
    response = caller.get("/api/subscriptions/available-plans")
    data = data_of(response)
    assert response.json()["message"] == "Success"
    assert [(row["name"], len(row["prices"])) for row in data] == [("A", 0), ("B", 1)]
    assert (set(data[1]), set(data[1]["prices"][0])) == (PLAN | {"prices"}, PRICE)
    assert data[1]["prices"][0]["price"] == 900000.0
    for _ in range(18):
        make_price()
    with counted_queries() as queries:
        assert len(data_of(caller.get("/api/subscriptions/available-plans"))) == 20
    assert len(queries) <= 5


@pytest.mark.parametrize("word", ["payment_type", "billing_type"])
def test_purchase__when_pre_paid__then_the_contract_s_answer(api, tenant, word):
    _, company, _ = tenant
    price = make_tier()
    request = body(price, additional_users=2, notes="Purchase notes")
    request[word] = request.pop("payment_type")
    with time_machine.travel(START, tick=False):
        caller = api.as_(make_tenant_admin(company))
        response = caller.post("/api/subscriptions/purchase", request)
    data = data_of(response, 201)
    assert response.json()["message"] == "Subscription purchased successfully. Please upload payment proof."
    assert set(data) == {"subscription", "transaction", "payment"}
    row, paid, payment = CompanySubscription.objects.get(), SubscriptionTransaction.objects.get(), Payment.objects.get()
    assert data["subscription"] == {
        "id": row.pk, "status": "pending", "expires_at": "2026-04-10T08:00:00Z", "billing_type": "pre_paid",
        "user_quota": 7,
    }  # fmt: skip
    assert (set(data["transaction"]), set(data["payment"])) == (TRANSACTION, PAYMENT)
    assert (data["transaction"]["id"], data["transaction"]["amount"], data["transaction"]["status"]) == (
        paid.pk, 600000.0, "pending",
    )  # fmt: skip
    assert data["payment"] == data["transaction"]["payment"]
    assert (data["payment"]["id"], data["payment"]["payment_number"]) == (payment.pk, payment.payment_number)
    assert (data["payment"]["payable_type"], data["payment"]["payable_id"]) == ("subscription_transaction", paid.pk)
    assert row.company_id == company.pk
    again = error_of(tenant[0].post("/api/subscriptions/purchase", body(price)), 400, "CONFLICT")
    assert again["message"] == "The company already has an active or pending subscription."


def test_purchase__when_post_paid__then_active_with_nothing_to_pay(tenant):
    caller, _, _ = tenant
    response = caller.post("/api/subscriptions/purchase", body(make_tier(), payment_type="post_paid"))
    data = data_of(response, 201)
    assert response.json()["message"] == (
        "Subscription activated successfully. Invoice will be generated at the end of period."
    )
    assert (data["subscription"]["status"], data["transaction"], data["payment"]) == ("active", None, None)


def test_purchase__when_fields_are_wrong__then_told(tenant):
    caller, _, _ = tenant
    price = make_tier()
    post = lambda data: error_of(caller.post("/api/subscriptions/purchase", data), 422, "VALIDATION_ERROR")["errors"]  # noqa: E731
    assert post({}) == {
        "subscription_plan_id": ["The subscription plan id field is required."],
        "subscription_price_id": ["The subscription price id field is required."],
        "payment_type": ["The payment type field is required."],
    }
    assert post(body(price, payment_type="later")) == {"payment_type": ["The selected payment type is invalid."]}
    assert set(post(body(price, additional_users=-1))) == {"additional_users"}
    SubscriptionPrice.objects.update(is_active=False)
    assert post(body(price)) == {"subscription_price_id": ["The selected subscription price id is invalid."]}


def test_active__when_there_is_one__then_with_transactions_and_invoices(api):
    company, actor, row = running(additional_users=1)
    subscription_extend(subscription_id=row.pk, months=1, actor=actor)
    caller = api.as_(make_tenant_admin(company))
    response = caller.get("/api/subscriptions/active")
    data = data_of(response)
    assert response.json()["message"] == "Success"
    assert set(data) == SUBSCRIPTION
    assert (set(data["subscription_plan"]), set(data["subscription_price"])) == (PLAN, PRICE)
    assert (data["user_quota"], data["used_quota"], data["remaining_quota"], data["is_active"]) == (6, 0, 6, True)
    assert [set(one) for one in data["transactions"]] == [TRANSACTION]
    assert data["transactions"][0]["payment"]["status"] == "paid"
    assert data["transactions"][0]["metadata"] == {
        "kind": "purchase", "additional_users": 1, "base_amount": 500000.0, "additional_amount": 50000.0,
    }  # fmt: skip
    (invoice,) = data["invoices"]
    assert set(invoice) == {*INVOICE, "payments"}
    assert [(set(one), one["status"], one["amount"]) for one in invoice["payments"]] == [
        (PAYMENT, "pending", invoice["total_amount"]),
    ]  # fmt: skip


def test_active__when_none_pending_or_run_out__then_404(tenant):
    caller, company, actor = tenant
    for _ in range(3):
        missing = error_of(caller.get("/api/subscriptions/active"), 404, "NOT_FOUND")
        assert missing["message"] == "No active subscription found"
        if not company.subscriptions.exists():
            buy(company, actor)
        else:
            company.subscriptions.update(
                status="active", started_at=clock.now() - timedelta(days=2), expires_at=clock.now()
            )


def test_history__when_two_or_twenty__then_newest_first_and_the_same_few_queries(tenant):
    caller, company, _ = tenant
    counts = []
    for count in (2, 18):
        for _ in range(count):
            price = make_tier()
            row = make_subscription(company, price=price, status="expired")
            now = clock.now()
            paid = SubscriptionTransaction.objects.create(
                subscription=row, transaction_number=f"TXN-{row.pk}", amount=1, status="pending",
                metadata={"kind": "purchase"}, created_at=now, updated_at=now,
            )  # fmt: skip
            Payment.objects.create(
                purpose="subscription_transaction", payable_id=paid.pk, amount=1, company_id=company.pk,
                payment_number=f"PAY-{row.pk}", created_at=now, updated_at=now,
            )  # fmt: skip
        with counted_queries() as queries:
            page = data_of(caller.get("/api/subscriptions/history", {"per_page": "100"}))
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 8
    assert set(page) == PAGE_KEYS
    assert set(page["data"][0]) == SUBSCRIPTION
    assert [row["id"] for row in page["data"]] == sorted((row["id"] for row in page["data"]), reverse=True)
    assert all(row["transactions"][0]["payment"]["payment_number"] == f"PAY-{row['id']}" for row in page["data"])


def test_quota__when_pre_paid__then_a_transaction_to_pay(api):
    company, _, row = running()
    caller = api.as_(make_tenant_admin(company))
    response = caller.post(f"/api/subscriptions/{row.pk}/purchase-quota", {"additional_users": 5})
    data = data_of(response, 201)
    assert response.json()["message"] == "Quota purchase successful. Please upload payment proof."
    assert set(data) == TRANSACTION
    assert (data["amount"], data["status"], data["payment"]["amount"]) == (250000.0, "pending", 250000.0)
    for wrong in ({}, {"additional_users": 0}, {"additional_users": "x"}):
        refused = caller.post(f"/api/subscriptions/{row.pk}/purchase-quota", wrong)
        assert set(error_of(refused, 422, "VALIDATION_ERROR")["errors"]) == {"additional_users"}


@pytest.mark.parametrize("word", ["extension_months", "months"])
def test_extend__when_pre_paid__then_an_invoice_to_pay(api, word):
    company, _, row = running()
    caller = api.as_(make_tenant_admin(company))
    response = caller.post(f"/api/subscriptions/{row.pk}/extend", {word: 1})
    data = data_of(response)
    assert response.json()["message"] == "Subscription extended successfully. Please pay the invoice."
    assert set(data) == SUBSCRIPTION
    assert [invoice["total_amount"] for invoice in data["invoices"]] == [185000.0]
    assert data["expires_at"] == clock.iso(row.expires_at)
    for wrong in ({}, {word: 0}, {word: 13}):
        refused = caller.post(f"/api/subscriptions/{row.pk}/extend", wrong)
        assert set(error_of(refused, 422, "VALIDATION_ERROR")["errors"]) == {"extension_months"}


def test_post_paid__when_people_or_time_are_added__then_at_once(api):
    company, _, row = running("post_paid")
    caller = api.as_(make_tenant_admin(company))
    response = caller.post(f"/api/subscriptions/{row.pk}/purchase-quota", {"additional_users": 5})
    assert data_of(response, 201)["status"] == "completed"
    response = caller.post(f"/api/subscriptions/{row.pk}/extend", {"extension_months": 3})
    data = data_of(response)
    assert (data["user_quota"], data["invoices"]) == (10, [])
    assert data["expires_at"] > clock.iso(row.expires_at)


def test_cancel__then_over_and_again_the_same(api):
    company, _, row = running()
    caller = api.as_(make_tenant_admin(company))
    response = caller.post(f"/api/subscriptions/{row.pk}/cancel")
    data = data_of(response)
    assert response.json()["message"] == "Subscription cancelled successfully."
    assert (set(data), data["status"], data["is_active"]) == (SUBSCRIPTION, "cancelled", False)
    assert data_of(caller.post(f"/api/subscriptions/{row.pk}/cancel"))["cancelled_at"] == data["cancelled_at"]


# --- paying -----------------------------------------------------------------------------------------


def test_whole_way__when_rejected_and_proved_again__then_paid_and_active(tenant, staff, media):
    caller, _, _ = tenant
    bought = data_of(caller.post("/api/subscriptions/purchase", body(make_tier())), 201)
    first = bought["payment"]["id"]
    upload = lambda: caller.upload(  # noqa: E731
        "/api/payments/upload-proof", {"payment_id": first, "proof_file": picture(), "notes": "transfer"}
    )
    response = upload()
    shown = data_of(response)
    assert response.json()["message"] == "Payment proof uploaded successfully. Waiting for verification."
    assert (set(shown), shown["id"], shown["notes"]) == (PAYMENT, first, "transfer")
    assert shown["proof_file"].startswith("http://testserver/storage/payments/proofs/")
    data_of(staff.post("/api/payments/verify", {"payment_id": first, "approved": False, "notes": "blurred"}))
    assert SubscriptionTransaction.objects.get().status == "failed"
    second = data_of(upload())["id"]
    assert second != first
    assert SubscriptionTransaction.objects.get().status == "pending"
    data_of(staff.post("/api/payments/verify", {"payment_id": second, "approved": True}))
    assert data_of(caller.get("/api/subscriptions/active"))["transactions"][0]["payment"]["id"] == second
    assert [row["status"] for row in data_of(caller.get("/api/payments"))["data"]] == ["paid", "failed"]
    late = upload()
    assert error_of(late, 400, "BUSINESS_RULE")["message"] == "Payment is not pending. Current status: paid"


def test_whole_way__when_an_invoice_is_rejected_and_proved_again__then_extended(api, staff, media):
    company, actor, row = running()
    subscription_extend(subscription_id=row.pk, months=1, actor=actor)
    caller = api.as_(make_tenant_admin(company))
    invoice = Invoice.objects.get()
    first = data_of(caller.get(f"/api/invoices/{invoice.pk}"))["payments"][0]["id"]
    upload = lambda: data_of(  # noqa: E731
        caller.upload("/api/payments/upload-proof", {"payment_id": first, "proof_file": picture()})
    )["id"]
    upload()
    data_of(staff.post("/api/payments/verify", {"payment_id": first, "approved": False}))
    assert data_of(caller.get(f"/api/invoices/{invoice.pk}"))["status"] == "failed"
    second = upload()
    assert data_of(caller.get(f"/api/invoices/{invoice.pk}"))["status"] == "pending"
    data_of(staff.post("/api/payments/verify", {"payment_id": second, "approved": True}))
    shown = data_of(caller.get(f"/api/invoices/{invoice.pk}"))
    assert (shown["status"], [one["id"] for one in shown["payments"]]) == ("completed", [second, first])
    assert data_of(caller.get("/api/subscriptions/active"))["expires_at"] > clock.iso(row.expires_at)


def test_proof__when_the_request_was_cancelled__then_refused(api, media):
    company, actor, row = running()
    bought = quota_purchase(subscription_id=row.pk, additional_users=1, actor=actor)
    decide(bought.payment, approved=False)
    subscription_cancel(subscription_id=row.pk, actor=actor)
    caller = api.as_(make_tenant_admin(company))
    refused = caller.upload("/api/payments/upload-proof", {"payment_id": bought.payment.pk, "proof_file": picture()})
    assert error_of(refused, 400, "BUSINESS_RULE")["message"] == (
        "What this payment is for has been cancelled or settled."
    )
    assert SubscriptionTransaction.objects.get(pk=bought.transaction.pk).status == "cancelled"


def test_proof__when_fields_are_wrong__then_told(tenant, media):
    caller, company, actor = tenant
    payment = buy(company, actor).payment
    missing = caller.upload("/api/payments/upload-proof", {})
    assert set(error_of(missing, 422, "VALIDATION_ERROR")["errors"]) == {"payment_id", "proof_file"}
    text = SimpleUploadedFile("a.png", b"no picture", content_type="image/png")
    wrong = caller.upload("/api/payments/upload-proof", {"payment_id": payment.pk, "proof_file": text})
    assert set(error_of(wrong, 422, "VALIDATION_ERROR")["errors"]) == {"proof_file"}
    large = SimpleUploadedFile("a.pdf", b"%PDF-" + b"0" * (5120 * 1024) + b"%%EOF", content_type="application/pdf")
    too_large = caller.upload("/api/payments/upload-proof", {"payment_id": payment.pk, "proof_file": large})
    assert set(error_of(too_large, 422, "VALIDATION_ERROR")["errors"]) == {"proof_file"}


def test_payments__when_listed_and_shown__then_the_own_ones_newest_first(tenant):
    caller, company, actor = tenant
    payment = buy(company, actor).payment
    other, _, stranger = make_buyer()
    buy(other, stranger)
    response = caller.get("/api/payments")
    assert response.json()["message"] == "Success"
    assert [(row["id"], set(row)) for row in data_of(response)["data"]] == [(payment.pk, PAYMENT)]
    assert data_of(caller.get(f"/api/payments/{payment.pk}"))["payment_number"] == payment.payment_number


def test_invoices__when_listed_and_shown__then_as_documented(api):
    with time_machine.travel(START, tick=False) as traveller:
        company, _, row = running("post_paid", additional_users=1)
        traveller.move_to(row.expires_at)
        invoices_generate()
        traveller.shift(timedelta(days=8))
        caller = api.as_(make_tenant_admin(company))
        response = caller.get("/api/invoices")
        (shown,) = data_of(response)["data"]
        detail = data_of(caller.get(f"/api/invoices/{shown['id']}"))
        assert data_of(caller.get("/api/invoices", {"status": "completed"}))["total"] == 0
        assert data_of(caller.get("/api/invoices", {"status": "pending"}))["total"] == 1
        error_of(caller.get("/api/invoices", {"status": "x"}), 422, "VALIDATION_ERROR")
    assert response.json()["message"] == "Success"
    assert (set(shown), set(detail)) == (INVOICE, INVOICE | {"payments"})
    assert [set(one) for one in detail["payments"]] == [PAYMENT]
    expected = {
        "amount": 550000.0, "tax_amount": 60500.0, "total_amount": 610500.0, "due_date": "2026-04-17",
        "paid_date": None, "is_overdue": True,
    }  # fmt: skip
    assert {key: shown[key] for key in expected} == expected
    assert shown["items"][1] == {
        "description": "Pengguna tambahan", "quantity": 1, "unit_price": 50000.0, "total": 50000.0,
    }  # fmt: skip


def test_lists__when_two_or_twenty__then_the_same_few_queries(tenant):
    caller, company, _ = tenant
    row = make_subscription(company, status="expired")
    counts = {"/api/invoices": [], "/api/payments": []}
    for count in (2, 18):
        for _ in range(count):
            now = clock.now()
            number = Invoice.objects.count()
            invoice = Invoice.objects.create(
                company=company, subscription=row, kind="post_paid", invoice_number=f"INV-{number}", months=3,
                period_start=now + timedelta(days=number), period_end=now + timedelta(days=number + 1), items=[],
                user_quota=1, tax_rate=0, amount=1, tax_amount=0, total_amount=1, due_date=now.date(),
                status="pending", created_at=now, updated_at=now,
            )  # fmt: skip
            Payment.objects.create(
                purpose="invoice", payable_id=invoice.pk, amount=1, company_id=company.pk,
                payment_number=f"PAY-{number}", created_at=now, updated_at=now,
            )  # fmt: skip
        for path, seen in counts.items():
            with counted_queries() as queries:
                data_of(caller.get(path))
            seen.append(len(queries))
    assert all(two == twenty <= 8 for two, twenty in counts.values())


def test_payments_and_invoices__when_many__then_in_pages_of_at_most_a_hundred(tenant):
    caller, company, _ = tenant
    row, now = make_subscription(company, status="expired"), clock.now()
    Payment.objects.bulk_create(
        Payment(
            purpose="invoice", payable_id=number, amount=1, company_id=company.pk, payment_number=f"PAY-{number}",
            created_at=now, updated_at=now,
        )
        for number in range(103)
    )  # fmt: skip
    Invoice.objects.bulk_create(
        Invoice(
            company=company, subscription=row, kind="post_paid", invoice_number=f"INV-{number}", months=3,
            user_quota=1, tax_rate=0, period_start=now + timedelta(days=number), amount=1, tax_amount=0,
            period_end=now + timedelta(days=number + 1), total_amount=1, due_date=now.date(), status="pending",
            created_at=now, updated_at=now,
        )
        for number in range(103)
    )  # fmt: skip
    for path, key in (("/api/payments", "payment_number"), ("/api/invoices", "invoice_number")):
        first = data_of(caller.get(path))
        assert set(first) == PAGE_KEYS
        assert (len(first["data"]), first["total"], first["last_page"]) == (15, 103, 7)
        pages = [data_of(caller.get(path, {"per_page": 500, "page": page}))["data"] for page in (1, 2, 3)]
        assert [len(page) for page in pages] == [100, 3, 0]
        assert len({one[key] for page in pages for one in page}) == 103
        error_of(caller.get(path, {"page": "x"}), 422, "VALIDATION_ERROR")


# --- reach ------------------------------------------------------------------------------------------


def test_routes__when_of_another_company__then_as_if_absent_and_untouched(tenant, media):
    caller, _, _ = tenant
    _, actor, row = running()
    subscription_extend(subscription_id=row.pk, months=1, actor=actor)
    invoice, payment = Invoice.objects.get(), Payment.objects.get(purpose="invoice")
    before = [list(model.objects.order_by("pk").values()) for model in (CompanySubscription, Invoice, Payment)]
    seen = []
    for sub, inv, pay in ((row.pk, invoice.pk, payment.pk), (909_090, 909_091, 909_092)):
        answers = [
            caller.post(f"/api/subscriptions/{sub}/purchase-quota", {"additional_users": 1}),
            caller.post(f"/api/subscriptions/{sub}/extend", {"extension_months": 1}),
            caller.post(f"/api/subscriptions/{sub}/cancel"),
            caller.get(f"/api/payments/{pay}"),
            caller.upload("/api/payments/upload-proof", {"payment_id": pay, "proof_file": picture()}),
            caller.get(f"/api/invoices/{inv}"),
        ]
        seen.append([error_of(answer, 404, "NOT_FOUND")["message"] for answer in answers])
    assert seen == [["Subscription not found"] * 3 + ["Payment not found"] * 2 + ["Invoice not found"]] * 2
    assert before == [list(model.objects.order_by("pk").values()) for model in (CompanySubscription, Invoice, Payment)]
    assert data_of(caller.get("/api/payments"))["total"] == data_of(caller.get("/api/invoices"))["total"] == 0
    assert data_of(caller.get("/api/subscriptions/history"))["total"] == 0


ROUTES = [
    ("get", "subscriptions/available-plans"), ("post", "subscriptions/purchase"), ("get", "subscriptions/active"),
    ("get", "subscriptions/history"), ("post", "subscriptions/1/purchase-quota"), ("post", "subscriptions/1/extend"),
    ("post", "subscriptions/1/cancel"), ("get", "payments"), ("get", "payments/1"), ("post", "payments/upload-proof"),
    ("get", "invoices"), ("get", "invoices/1"),
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(("verb", "path"), ROUTES)
def test_routes__when_not_a_company_admin__then_refused(api, staff, verb, path):
    error_of(getattr(api, verb)(f"/api/{path}"), 401, "UNAUTHENTICATED")
    error_of(getattr(staff, verb)(f"/api/{path}"), 403, "COMPANY_ADMIN_NOT_FOUND")
    error_of(getattr(api.as_(make_user(Role.PUBLIC_USER)), verb)(f"/api/{path}"), 403, "FORBIDDEN")
    admin = make_user(Role.TENANT_ADMIN, company_id=make_company().pk)  # of no company any more
    error_of(getattr(api.as_(admin), verb)(f"/api/{path}"), 403, "COMPANY_ADMIN_NOT_FOUND")


def test_quota__then_the_price_for_each_is_a_number(api):
    company, _, row = running()
    caller = api.as_(make_tenant_admin(company))
    data = data_of(caller.post(f"/api/subscriptions/{row.pk}/purchase-quota", {"additional_users": 3}), 201)
    assert (data["amount"], data["metadata"]["price_per_user"]) == (150000.0, 50000.0)


def test_active__when_the_tier_costs_more_by_now__then_the_agreed_price_is_shown(api):
    company, _, row = running()
    SubscriptionPrice.objects.update(user_quota=7, price_amount="900000", price_per_additional_user_amount=None)
    shown = data_of(api.as_(make_tenant_admin(company)).get("/api/subscriptions/active"))["subscription_price"]
    assert shown == {
        "id": row.price_id, "user_quota": 5, "price": 500000.0, "price_per_additional_user": 50000.0,
        "is_active": True,
    }  # fmt: skip


def test_extend__then_the_answer_names_the_payment_to_prove(api, media):
    company, _, row = running()
    caller = api.as_(make_tenant_admin(company))
    data = data_of(caller.post(f"/api/subscriptions/{row.pk}/extend", {"extension_months": 1}))
    (payment,) = data["invoices"][0]["payments"]
    fields = {"payment_id": payment["id"], "proof_file": picture()}
    assert data_of(caller.upload("/api/payments/upload-proof", fields))["id"] == payment["id"]
