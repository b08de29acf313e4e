"""Staff verifies payments. Contract 7.6; details 2.12, 7."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail

from accounts.states import Role
from accounts.tests.factories import make_user
from catalog.services import offers
from catalog.tests.factories import ADMIN, make_offer
from cbt.kernel import clock
from cbt.kernel.models import AuditEvent, OutgoingMail
from commerce.models import Payment, PublicTransaction, Purchase
from commerce.services import payables, payments
from commerce.services.mails import rupiah
from commerce.states import Purpose
from commerce.tests.factories import decide, make_order, payment_of, prove
from commerce.tests.shapes import PAYMENT_KEYS
from tests.support import PAGE_KEYS, counted_queries, data_of, error_of, run_jobs

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
def staff(api):
    return api.as_(make_user(Role.SUPER_ADMIN))


def sent():
    run_jobs()
    return [(message.to, message.subject) for message in mail.outbox]


def test_all__then_everybodys_newest_first(staff):
    first, second = payment_of(make_order()), payment_of(make_order())
    response = staff.get("/api/payments/all")
    page = data_of(response)
    assert response.json()["message"] == "Success"
    assert set(page) == PAGE_KEYS
    assert [row["id"] for row in page["data"]] == [second.pk, first.pk]
    assert set(page["data"][0]) == PAYMENT_KEYS


def test_all__when_filtered__then_narrowed_and_nonsense_ignored(staff):
    paid = decide(prove(make_order()))
    waiting = payment_of(make_order())
    ids = lambda query: [row["id"] for row in data_of(staff.get(f"/api/payments/all?{query}"))["data"]]  # noqa: E731
    assert ids("status=paid") == [paid.pk]
    assert ids("status=pending&method=manual") == [waiting.pk]
    assert ids("status=failed") == []
    assert ids("status=nonsense&method=nonsense") == [waiting.pk, paid.pk]
    assert ids("status=&per_page=1") == [waiting.pk]


def test_pending__then_only_those(staff):
    decide(prove(make_order()))
    waiting = payment_of(make_order())
    page = data_of(staff.get("/api/payments/pending"))
    assert ([row["id"] for row in page["data"]], page["per_page"]) == ([waiting.pk], 15)


def test_show__then_with_its_proof(staff):
    payment = prove(make_order())
    data = data_of(staff.get(f"/api/payments/{payment.pk}/verify"))
    assert set(data) == PAYMENT_KEYS
    assert f"/storage/{payment.proof_file}?signature=" in data["proof_file"]
    error = error_of(staff.get("/api/payments/987654321/verify"), 404, "NOT_FOUND")
    assert error["message"] == "Payment not found"


def test_approve__then_paid_completed_granted_and_mailed(staff):
    order = make_order()
    tests = [item.test_id for item in order.items.all()]
    payment = prove(order)
    Payment.objects.filter(pk=payment.pk).update(notes="from the payer")
    with time_machine.travel(NOON, tick=False):
        response = staff.post(
            "/api/payments/verify", {"payment_id": payment.pk, "approved": True, "notes": "Payment verified"}
        )
    data = data_of(response)
    assert response.json()["message"] == "Payment verified and approved successfully."
    assert set(data) == PAYMENT_KEYS
    assert (data["status"], data["paid_at"], data["notes"]) == ("paid", "2026-11-30T12:00:00Z", "from the payer")
    payment.refresh_from_db()
    order.refresh_from_db()
    assert (payment.verifier_notes, payment.decided_at, order.status) == ("Payment verified", NOON, "completed")
    assert payment.decided_by.role == Role.SUPER_ADMIN
    rows = Purchase.objects.filter(user=order.user).values_list("test_id", "transaction_number", "purchased_at")
    assert list(rows) == [(tests[0], order.transaction_number, NOON)]
    decisions = AuditEvent.objects.filter(action="commerce.payment.decided")
    assert [row.data["status"] for row in decisions] == ["paid"]
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        mails = sent()
    assert mails == [
        ([order.user.email], "Konfirmasi Pesanan - RuangTes"),
        ([order.user.email], "Pembayaran Diverifikasi - RuangTes"),
    ]
    text = mail.outbox[1].body
    for part in (payment.payment_number, "Rp 50.000", "transfer manual", "30 November 2026 12.00 UTC"):
        assert part in text
    assert f"http://localhost:3000/payments/{payment.pk}" in text


def test_reject__then_failed_nothing_granted_and_mailed_with_the_reason(staff):
    order = make_order()
    payment = prove(order)
    body = {"payment_id": payment.pk, "approved": False, "notes": "Jumlah <kurang>"}
    response = staff.post("/api/payments/verify", body)
    data = data_of(response)
    assert response.json()["message"] == "Payment verification rejected."
    assert (data["status"], data["paid_at"]) == ("failed", None)
    order.refresh_from_db()
    assert (order.status, Purchase.objects.count()) == ("failed", 0)
    assert sent()[1] == ([order.user.email], "Pembayaran Ditolak - RuangTes")
    message = mail.outbox[1]
    assert "Jumlah <kurang>" in message.body
    assert "Jumlah &lt;kurang&gt;" in message.alternatives[0][0]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
def test_decide__when_decided_before__then_400_and_the_first_stands(staff, first, second):
    order = make_order()
    payment = decide(prove(order), approved=first)
    before = Payment.objects.values().get()
    error = error_of(staff.post("/api/payments/verify", {"payment_id": payment.pk, "approved": second}), 400,
                     "BUSINESS_RULE")  # fmt: skip
    assert error["message"] == f"Payment is not pending. Current status: {'paid' if first else 'failed'}"
    assert Payment.objects.values().get() == before
    assert OutgoingMail.objects.filter(kind="commerce.payment_decided").count() == 1


def test_approve__when_there_is_no_proof__then_400(staff):
    order = make_order()
    payment = payment_of(order)
    error = error_of(staff.post("/api/payments/verify", {"payment_id": payment.pk, "approved": True}), 400,
                     "BUSINESS_RULE")  # fmt: skip
    assert error["message"] == "Payment proof has not been uploaded yet."
    payment.refresh_from_db()
    assert (payment.status, Purchase.objects.count()) == ("pending", 0)


@pytest.mark.parametrize(
    ("change", "field", "text"),
    [
        ({"payment_id": None}, "payment_id", "The payment id field is required."),
        ({"payment_id": "x"}, "payment_id", "The payment id must be an integer."),
        ({"payment_id": 987654321}, "payment_id", "The selected payment id is invalid."),
        ({"payment_id": str(10**30)}, "payment_id", "The selected payment id is invalid."),
        ({"approved": None}, "approved", "The approved field is required."),
        ({"approved": "maybe"}, "approved", "The approved field must be true or false."),
        ({"approved": {}}, "approved", "The approved field must be true or false."),
        ({"notes": "x" * 1001}, "notes", "The notes must not be greater than 1000 characters."),
    ],
)
def test_verify__when_a_field_is_bad__then_422(staff, change, field, text):
    body = {"payment_id": prove(make_order()).pk, "approved": True, "notes": None, **change}
    error = error_of(staff.post("/api/payments/verify", body), 422, "VALIDATION_ERROR")
    assert error["errors"] == {field: [text]}
    assert Payment.objects.get().status == "pending"


@pytest.mark.parametrize("missing", ["payment_id", "approved"])
def test_verify__when_a_field_is_missing__then_422(staff, missing):
    body = {"payment_id": 1, "approved": True}
    body.pop(missing)
    error = error_of(staff.post("/api/payments/verify", body), 422, "VALIDATION_ERROR")
    assert set(error["errors"]) == {missing}


@pytest.mark.parametrize("word", [1, "1", "true"])
def test_verify__when_approved_is_written_otherwise__then_read(staff, word):
    payment = prove(make_order())
    body = {"payment_id": str(payment.pk), "approved": word}
    assert data_of(staff.post("/api/payments/verify", body))["status"] == "paid"


CALLS = [
    ("get", "/api/payments/all"), ("get", "/api/payments/pending"), ("get", "/api/payments/1/verify"),
    ("post", "/api/payments/verify"),
]  # fmt: skip


@pytest.mark.parametrize(("verb", "path"), CALLS)
def test_payments__when_not_staff__then_401_or_403(api, verb, path):
    error_of(getattr(api, verb)(path), 401, "UNAUTHENTICATED")
    for role in (Role.PUBLIC_USER, Role.TENANT_ADMIN):
        error = error_of(getattr(api.as_(make_user(role)), verb)(path), 403, "FORBIDDEN")
        assert error["message"] == "Unauthorized"


def test_approve__when_a_test_left_the_offer__then_granted_all_the_same():
    """It is paid. The buyer sees it again when it returns; money back is a matter between people."""
    order = make_order(make_user(), make_offer(), make_offer())
    payment = prove(order)
    offers.test_delete(test_id=order.items.first().test_id, actor=ADMIN)
    decide(payment)
    assert Purchase.objects.filter(user=order.user).count() == 2


def test_lists__then_as_many_queries_for_20_as_for_2(staff):
    counts = []
    for size in (2, 18):
        for _ in range(size):
            prove(make_order())
        for path in ("/api/payments/all", "/api/payments/pending"):
            with counted_queries() as statements:
                assert data_of(staff.get(f"{path}?per_page=100"))["total"] in {2, 20}
            counts.append(len(statements))
    assert len(set(counts)) == 1
    assert counts[0] <= 8


# --- the interface for whatever else is paid ---------------------------------------------------------


@pytest.fixture
def invoice_calls():
    calls = []

    def note(word):
        return lambda **facts: calls.append((word, facts["payable_id"], facts["payment"].status))

    before = dict(payables._payables)
    payables.register(Purpose.INVOICE, on_paid=note("paid"), on_failed=note("failed"), on_reopened=note("reopened"))
    yield calls
    payables._payables.clear()
    payables._payables.update(before)


def open_invoice(**fields):
    return payments.payment_open(
        **{"purpose": Purpose.INVOICE, "payable_id": 7, "amount": 100, "now": NOON, "company_id": 42, **fields}
    )


def make_admin(company_id=42):
    return make_user(Role.TENANT_ADMIN, company_id=company_id)


def test_open__then_pending_with_a_number_of_the_day(invoice_calls):
    payment = open_invoice(amount="185000.005")
    assert re.fullmatch(r"PAY-20261130-[A-Z0-9]{8}", payment.payment_number)
    payment.refresh_from_db()
    assert (str(payment.amount), payment.status, payment.method) == ("185000.01", "pending", "manual")
    assert (payment.purpose, payment.payable_id, payment.company_id) == ("invoice", 7, 42)


def test_open__when_one_is_pending__then_conflict(invoice_calls):
    from cbt.kernel.errors import DomainError, ErrorCode

    open_invoice()
    with pytest.raises(DomainError) as caught:
        open_invoice()
    assert caught.value.code is ErrorCode.CONFLICT
    open_invoice(payable_id=8)
    assert Payment.objects.count() == 2


def test_open__when_a_number_is_taken__then_another(invoice_calls, monkeypatch):
    taken = open_invoice().payment_number
    numbers = iter([taken, taken, "PAY-20261130-FREE0000"])
    monkeypatch.setattr(payments, "payment_number", lambda now: next(numbers))
    assert open_invoice(payable_id=8).payment_number == "PAY-20261130-FREE0000"


def test_open__when_nobody_registered_the_purpose__then_refused(invoice_calls):
    payables._payables.pop(Purpose.INVOICE)
    with pytest.raises(LookupError):
        open_invoice()
    with pytest.raises(ValueError, match="nonsense"):
        open_invoice(purpose="nonsense")


def test_company_payment__then_its_admins_see_prove_and_hear_of_it(invoice_calls):
    from accounts.selectors.users import actor_of_user
    from cbt.kernel.errors import DomainError

    admins = [make_admin(), make_admin()]
    make_admin(43)
    payment = open_invoice()
    upload = {"payment_id": payment.pk, "data": b"%PDF-1.4 %%EOF", "filename": "a.pdf", "notes": None, "now": NOON}
    with pytest.raises(DomainError):
        payments.payment_proof_upload(**upload, actor=actor_of_user(make_admin(43)))
    payments.payment_proof_upload(**upload, actor=actor_of_user(admins[0]))
    decide(payment, approved=False)
    reopened = payments.payment_proof_upload(**upload, actor=actor_of_user(admins[1]))
    decide(reopened)
    assert invoice_calls == [("failed", 7, "failed"), ("reopened", 7, "pending"), ("paid", 7, "paid")]
    assert (reopened.company_id, reopened.user_id) == (42, None)
    assert sent() == [
        ([admin.email], subject)
        for subject in ("Pembayaran Ditolak - RuangTes", "Pembayaran Diverifikasi - RuangTes")
        for admin in admins
    ]
    assert set(OutgoingMail.objects.values_list("company_id", flat=True)) == {42}


def test_decide__when_what_follows_refuses__then_nothing_is_decided(invoice_calls):
    from cbt.kernel.errors import DomainError, ErrorCode

    def refuse(**_):
        raise DomainError(ErrorCode.BUSINESS_RULE, "no")

    payables.register(Purpose.INVOICE, on_paid=refuse, on_failed=refuse)
    payment = open_invoice(company_id=None, user_id=make_user().pk)
    Payment.objects.filter(pk=payment.pk).update(proof_file="payments/proofs/x.pdf")
    with pytest.raises(DomainError):
        decide(payment)
    payment.refresh_from_db()
    assert (payment.status, OutgoingMail.objects.count()) == ("pending", 0)


def test_cancel__then_pending_ones_only_and_never_decided(invoice_calls, staff):
    payment = open_invoice()
    cancel = {"purpose": Purpose.INVOICE, "payable_id": 7, "now": NOON}
    assert payments.payments_cancel(**cancel) == 1
    assert payments.payments_cancel(**cancel) == 0
    error = error_of(staff.post("/api/payments/verify", {"payment_id": payment.pk, "approved": True}), 400,
                     "BUSINESS_RULE")  # fmt: skip
    assert error["message"] == "Payment is not pending. Current status: cancelled"
    assert invoice_calls == []
    assert open_invoice().status == "pending"


def test_settle_free__when_there_is_something_to_pay__then_refused(invoice_calls):
    from cbt.kernel.actor import SYSTEM

    with pytest.raises(ValueError, match="0"):
        payments.payment_settle_free(payment=open_invoice(), actor=SYSTEM, now=NOON)
    free = payments.payment_settle_free(payment=open_invoice(payable_id=8, amount=0), actor=SYSTEM, now=NOON)
    assert (free.status, free.paid_at) == ("paid", NOON)
    assert invoice_calls == [("paid", 8, "paid")]


def test_database__then_it_holds_the_rules_itself(invoice_calls):
    from django.db import IntegrityError, transaction

    payment = open_invoice()
    for fields in ({"status": "paid"}, {"paid_at": NOON}, {"amount": -1}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Payment.objects.filter(pk=payment.pk).update(**fields)
    order = make_order()
    for model, fields in ((PublicTransaction, {"total_amount": -1}), (order.items.model, {"price_amount": -1})):
        with pytest.raises(IntegrityError), transaction.atomic():
            model.objects.update(**fields)


@pytest.mark.parametrize(
    ("amount", "text"), [("0", "Rp 0"), ("1234567", "Rp 1.234.567"), ("999.50", "Rp 999,50"), ("50000.00", "Rp 50.000")]
)
def test_rupiah__then_as_mails_write_it(amount, text):
    from decimal import Decimal

    assert rupiah(Decimal(amount)) == text


def test_checkout_mail__then_prices_total_and_link():
    order = make_order(make_user(name="Budi"), make_offer(name="Tes A", price=1500000), make_offer(name="B", price=5))
    run_jobs()
    message = mail.outbox[0]
    assert message.subject == "Konfirmasi Pesanan - RuangTes"
    for part in ("Budi", order.transaction_number, "Tes A : Rp 1.500.000", "Rp 1.500.005", "unggah buktinya",
                 f"http://localhost:3000/transactions/{order.pk}"):  # fmt: skip
        assert part in message.body
    assert "Rp 1.500.005" in message.alternatives[0][0]


def test_decided_mail__when_the_user_is_gone__then_not_sent(invoice_calls):
    admin = make_admin()
    payment = open_invoice()
    decide(payment, approved=False)
    admin.delete()
    assert sent() == []
    assert OutgoingMail.objects.get().status == "cancelled"


def test_times__then_a_later_decision_is_later():
    payment = prove(make_order())
    with time_machine.travel(clock.now() + timedelta(days=3), tick=False):
        assert decide(payment).updated_at > payment.created_at + timedelta(days=2)
