"""Buying in advance and on account: what is granted, when, and for how much."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine

from cbt.kernel import clock
from cbt.kernel.errors import DomainError, ErrorCode
from cbt.kernel.models import AuditEvent, OutgoingMail
from commerce.models import Payment
from tenants.engine.periods import add_months
from tenants.models import CompanySubscription, Invoice, SubscriptionPrice, SubscriptionTransaction
from tenants.services import purchases
from tenants.services.invoices import invoices_generate
from tenants.services.purchases import quota_purchase, subscription_extend
from tenants.services.subscriptions import subscription_cancel, subscriptions_expire
from tenants.tests.billing_support import START, buy, decide, make_buyer, make_tier, payment_for_invoice, running
from tenants.tests.factories import make_plan

pytestmark = pytest.mark.django_db


def refused(act) -> DomainError:
    with pytest.raises(DomainError) as caught:
        act()
    return caught.value


def test_pre_paid__then_waits_and_starts_with_the_approval_not_the_purchase():
    company, _, actor = make_buyer()
    with time_machine.travel(START, tick=False):
        bought = buy(company, actor, make_tier(), additional_users=2, notes="PO 7")
        assert (bought.subscription.status, bought.subscription.user_quota) == ("pending", 7)
        assert bought.transaction.amount == Decimal("600000.00")
        assert bought.transaction.metadata == {
            "kind": "purchase", "additional_users": 2, "base_amount": "500000.00", "additional_amount": "100000.00",
        }  # fmt: skip
        assert bought.transaction.transaction_number.startswith("TXN-20260110-")
        assert (bought.payment.amount, bought.payment.company_id) == (Decimal("600000.00"), company.pk)
    with time_machine.travel(START + timedelta(days=5), tick=False):
        decide(bought.payment)
    row = CompanySubscription.objects.get()
    assert (row.status, row.started_at) == ("active", START + timedelta(days=5))
    assert row.expires_at == datetime(2026, 4, 15, 8, tzinfo=UTC)
    assert row.notes == "PO 7"
    assert SubscriptionTransaction.objects.get().status == "completed"
    assert Invoice.objects.count() == 0


def test_pre_paid__when_approved__then_each_admin_is_mailed_once():
    company, user, actor = make_buyer()
    bought = buy(company, actor)
    decide(bought.payment)
    assert list(OutgoingMail.objects.values_list("recipient", flat=True)) == [user.email]


def test_pre_paid__when_rejected__then_transaction_fails_and_nothing_is_granted():
    company, _, actor = make_buyer()
    bought = buy(company, actor)
    decide(bought.payment, approved=False)
    assert SubscriptionTransaction.objects.get().status == "failed"
    assert CompanySubscription.objects.get().status == "pending"
    assert refused(lambda: buy(company, actor)).code is ErrorCode.CONFLICT


def test_pre_paid__when_it_costs_nothing__then_active_at_once():
    company, _, actor = make_buyer()
    bought = buy(company, actor, make_tier(price="0.00"))
    assert (bought.subscription.status, bought.transaction.status, bought.payment.status) == (
        "active", "completed", "paid",
    )  # fmt: skip


def test_custom_tier__then_everybody_is_a_further_person():
    company, _, actor = make_buyer()
    tier = make_tier(quota=0, price="0.00", extra="50000.00")
    assert set(refused(lambda: buy(company, actor, tier)).fields) == {"additional_users"}
    bought = buy(company, actor, tier, additional_users=12)
    assert (bought.subscription.user_quota, bought.transaction.amount) == (12, Decimal("600000.00"))


def test_purchase__when_no_further_people_are_sold__then_refused():
    company, _, actor = make_buyer()
    error = refused(lambda: buy(company, actor, make_tier(extra=None), additional_users=1))
    assert error.fields == {"additional_users": ["This tier sells no additional users."]}


def test_purchase__when_amount_would_not_fit__then_told_by_field():
    company, _, actor = make_buyer()
    tier = make_tier(extra="900000000.00")
    assert set(refused(lambda: buy(company, actor, tier, additional_users=1_000_000)).fields) == {"additional_users"}


@pytest.mark.parametrize("fault", ["inactive_price", "other_plan", "inactive_plan", "deleted_plan"])
def test_purchase__when_not_on_offer__then_told_by_field(fault):
    company, _, actor = make_buyer()
    price = make_tier()
    field = "subscription_price_id"
    if fault == "inactive_price":
        SubscriptionPrice.objects.update(is_active=False)
    elif fault == "other_plan":
        price.plan_id = make_plan().pk
    else:
        field = "subscription_plan_id"
        price.plan.is_active = fault != "inactive_plan"
        price.plan.deleted_at = clock.now() if fault == "deleted_plan" else None
        price.plan.save()
    assert set(refused(lambda: buy(company, actor, price)).fields) == {field}
    assert CompanySubscription.objects.count() == 0


def test_post_paid__then_active_at_once_without_anything_to_pay():
    company, _, actor = make_buyer()
    with time_machine.travel(START, tick=False):
        bought = buy(company, actor, kind="post_paid")
    assert (bought.subscription.status, bought.transaction, bought.payment) == ("active", None, None)
    assert bought.subscription.expires_at == datetime(2026, 4, 10, 8, tzinfo=UTC)
    assert Payment.objects.count() == 0


def test_post_paid__when_an_earlier_period_is_unpaid__then_refused_even_if_the_job_never_ran():
    with time_machine.travel(START, tick=False) as traveller:
        company, actor, _ = running("post_paid")
        traveller.move_to(datetime(2026, 5, 1, tzinfo=UTC))
        error = refused(lambda: buy(company, actor, kind="post_paid"))
        assert (error.code, error.message) == (ErrorCode.BUSINESS_RULE, purchases.UNPAID)
        assert Invoice.objects.count() == 0  # undone with the refusal
        assert invoices_generate() == 1
        assert refused(lambda: buy(company, actor, kind="post_paid")).message == purchases.UNPAID
        decide(payment_for_invoice(Invoice.objects.get()), approved=False)
        assert refused(lambda: buy(company, actor, kind="post_paid")).message == purchases.UNPAID
        reopened = Payment.objects.create(
            purpose="invoice", payable_id=Invoice.objects.get().pk, amount=1, company_id=company.pk,
            payment_number="PAY-X", created_at=clock.now(), updated_at=clock.now(),
        )  # fmt: skip
        decide(reopened)
        assert buy(company, actor, kind="post_paid").subscription.status == "active"


def test_post_paid__when_a_period_is_unpaid__then_pre_paid_may_be_bought_and_the_period_is_billed():
    with time_machine.travel(START, tick=False) as traveller:
        company, actor, _ = running("post_paid")
        traveller.move_to(datetime(2026, 5, 1, tzinfo=UTC))
        assert buy(company, actor).subscription.status == "pending"
    assert Invoice.objects.get().kind == "post_paid"


def test_terms__when_the_price_changes_later__then_what_was_agreed_counts():
    _, actor, row = running()
    SubscriptionPrice.objects.update(price_amount=1, price_per_additional_user_amount=1)
    assert quota_purchase(subscription_id=row.pk, additional_users=3, actor=actor).transaction.amount == 150_000
    subscription_extend(subscription_id=row.pk, months=3, actor=actor)
    assert Invoice.objects.get().amount == 500_000


# --- more people ------------------------------------------------------------------------------------


def test_quota__when_pre_paid__then_counts_only_when_approved():
    _, actor, row = running()
    bought = quota_purchase(subscription_id=row.pk, additional_users=3, actor=actor)
    row.refresh_from_db()
    assert (row.user_quota, bought.transaction.status) == (5, "pending")
    assert bought.transaction.metadata == {
        "kind": "quota_purchase", "type": "quota_purchase", "additional_users": 3, "price_per_user": "50000.00",
    }  # fmt: skip
    decide(bought.payment)
    row.refresh_from_db()
    assert (row.user_quota, SubscriptionTransaction.objects.get(pk=bought.transaction.pk).status) == (8, "completed")


def test_quota__when_rejected__then_nothing_is_granted():
    _, actor, row = running()
    bought = quota_purchase(subscription_id=row.pk, additional_users=3, actor=actor)
    decide(bought.payment, approved=False)
    row.refresh_from_db()
    assert (row.user_quota, SubscriptionTransaction.objects.get(pk=bought.transaction.pk).status) == (5, "failed")


def test_quota__when_post_paid__then_counts_at_once_and_has_no_payment():
    _, actor, row = running("post_paid")
    bought = quota_purchase(subscription_id=row.pk, additional_users=3, actor=actor)
    assert (bought.subscription.user_quota, bought.transaction.status, bought.payment) == (8, "completed", None)


def test_quota__when_the_subscription_is_over_by_the_approval__then_the_approval_is_refused_and_nothing_changes():
    _, actor, row = running()
    bought = quota_purchase(subscription_id=row.pk, additional_users=3, actor=actor)
    with time_machine.travel(row.expires_at, tick=False):
        assert refused(lambda: decide(bought.payment)).message == "The subscription is no longer active."
    assert Payment.objects.get(pk=bought.payment.pk).status == "pending"
    assert SubscriptionTransaction.objects.get(pk=bought.transaction.pk).status == "pending"


@pytest.mark.parametrize("state", ["pending", "run_out", "cancelled"])
def test_quota_and_extension__when_not_active__then_refused(state):
    company, _, actor = make_buyer()
    bought = buy(company, actor)
    row = bought.subscription
    if state == "run_out":
        decide(bought.payment)
        CompanySubscription.objects.update(
            started_at=clock.now() - timedelta(days=3), expires_at=clock.now() - timedelta(days=1)
        )
    if state == "cancelled":
        subscription_cancel(subscription_id=row.pk, actor=actor)
    quota = refused(lambda: quota_purchase(subscription_id=row.pk, additional_users=1, actor=actor))
    assert (quota.code, quota.message) == (
        ErrorCode.BUSINESS_RULE, "Subscription must be active to purchase additional quota.",
    )  # fmt: skip
    extension = refused(lambda: subscription_extend(subscription_id=row.pk, months=1, actor=actor))
    assert extension.message == "Only active subscriptions can be extended."


# --- more time --------------------------------------------------------------------------------------


def test_extend__when_pre_paid__then_invoice_with_tax_and_time_only_when_paid():
    with time_machine.travel(START, tick=False):
        _, actor, row = running()
        subscription_extend(subscription_id=row.pk, months=1, actor=actor)
        invoice = Invoice.objects.get()
    assert (invoice.amount, invoice.tax_amount, invoice.total_amount) == (
        Decimal("166666.67"), Decimal("18333.33"), Decimal("185000.00"),
    )  # fmt: skip
    assert (invoice.kind, invoice.status, str(invoice.due_date)) == ("extension", "pending", "2026-01-17")
    assert invoice.invoice_number.startswith("INV-20260110-")
    assert invoice.items == [
        {"description": "Paket 3 Bulan, 5 pengguna, per bulan", "quantity": 1, "unit_price": "166666.67",
         "total": "166666.67"},
    ]  # fmt: skip
    row.refresh_from_db()
    assert row.expires_at == datetime(2026, 4, 10, 8, tzinfo=UTC)
    with time_machine.travel(START + timedelta(days=3), tick=False):
        decide(payment_for_invoice(invoice))
    row.refresh_from_db()
    invoice.refresh_from_db()
    assert row.expires_at == datetime(2026, 5, 10, 8, tzinfo=UTC)
    assert (invoice.status, str(invoice.paid_date)) == ("completed", "2026-01-13")
    assert (invoice.period_start, invoice.period_end) == (datetime(2026, 4, 10, 8, tzinfo=UTC), row.expires_at)


def test_extend__when_rejected__then_invoice_fails_and_the_end_stays():
    _, actor, row = running()
    subscription_extend(subscription_id=row.pk, months=1, actor=actor)
    decide(payment_for_invoice(Invoice.objects.get()), approved=False)
    before = row.expires_at
    row.refresh_from_db()
    assert (row.expires_at, Invoice.objects.get().status) == (before, "failed")


def test_extend__when_asked_again__then_the_unpaid_request_is_replaced():
    _, actor, row = running()
    subscription_extend(subscription_id=row.pk, months=1, actor=actor)
    subscription_extend(subscription_id=row.pk, months=6, actor=actor)
    assert list(Invoice.objects.order_by("pk").values_list("months", "status")) == [(1, "cancelled"), (6, "pending")]
    assert list(
        Payment.objects.filter(purpose="invoice").order_by("pk").values_list("status", flat=True)
    ) == ["cancelled", "pending"]  # fmt: skip


def test_extend__when_a_proof_waits__then_conflict_and_nothing_changes():
    _, actor, row = running()
    subscription_extend(subscription_id=row.pk, months=1, actor=actor)
    Payment.objects.filter(purpose="invoice").update(proof_file="payments/proofs/x.png")
    error = refused(lambda: subscription_extend(subscription_id=row.pk, months=6, actor=actor))
    assert error.code is ErrorCode.CONFLICT
    assert (Invoice.objects.get().status, Payment.objects.get(purpose="invoice").status) == ("pending", "pending")


def test_extend__when_approved_after_the_end__then_it_starts_again_from_the_approval():
    with time_machine.travel(START, tick=False) as traveller:
        _, actor, row = running()
        traveller.move_to(datetime(2026, 4, 9, tzinfo=UTC))
        subscription_extend(subscription_id=row.pk, months=2, actor=actor)
        traveller.move_to(datetime(2026, 4, 12, tzinfo=UTC))
        assert subscriptions_expire() == 1
        decide(payment_for_invoice(Invoice.objects.get()))
    row.refresh_from_db()
    assert (row.status, row.expires_at) == ("active", datetime(2026, 6, 12, tzinfo=UTC))


def test_extend__when_another_was_bought_meanwhile__then_the_approval_is_refused():
    with time_machine.travel(START, tick=False) as traveller:
        company, actor, row = running()
        subscription_extend(subscription_id=row.pk, months=2, actor=actor)
        traveller.move_to(datetime(2026, 4, 12, tzinfo=UTC))
        buy(company, actor)
        assert refused(lambda: decide(payment_for_invoice(Invoice.objects.get()))).code is ErrorCode.CONFLICT
    row.refresh_from_db()
    assert (row.status, row.expires_at) == ("expired", datetime(2026, 4, 10, 8, tzinfo=UTC))
    assert Invoice.objects.get().status == "pending"


def test_extend__when_people_were_added__then_billed_for_all_of_them():
    _, actor, row = running(price=make_tier(), additional_users=1)
    subscription_extend(subscription_id=row.pk, months=3, actor=actor)
    invoice = Invoice.objects.get()
    assert (invoice.amount, invoice.tax_amount) == (Decimal("550000.00"), Decimal("60500.00"))
    assert [(line["quantity"], line["total"]) for line in invoice.items] == [(1, "500000.00"), (1, "50000.00")]


def test_extend__when_post_paid__then_at_once_and_without_invoice():
    with time_machine.travel(START, tick=False):
        _, actor, row = running("post_paid")
        changed = subscription_extend(subscription_id=row.pk, months=2, actor=actor)
    assert changed.expires_at == datetime(2026, 6, 10, 8, tzinfo=UTC)
    assert Invoice.objects.count() == 0


# --- cancelling -------------------------------------------------------------------------------------


def test_cancel__when_pending__then_its_transaction_and_payment_go_too():
    company, _, actor = make_buyer()
    bought = buy(company, actor)
    subscription_cancel(subscription_id=bought.subscription.pk, actor=actor)
    assert SubscriptionTransaction.objects.get().status == "cancelled"
    assert Payment.objects.get().status == "cancelled"
    assert buy(company, actor).subscription.status == "pending"


def test_cancel__when_active_with_open_requests__then_they_go_too_and_what_was_paid_stays():
    _, actor, row = running()
    quota_purchase(subscription_id=row.pk, additional_users=1, actor=actor)
    subscription_extend(subscription_id=row.pk, months=1, actor=actor)
    subscription_cancel(subscription_id=row.pk, actor=actor)
    assert list(SubscriptionTransaction.objects.order_by("pk").values_list("status", flat=True)) == [
        "completed", "cancelled",
    ]  # fmt: skip
    assert Invoice.objects.get().status == "cancelled"
    assert sorted(Payment.objects.values_list("status", flat=True)) == ["cancelled", "cancelled", "paid"]


@pytest.mark.parametrize(("used", "bills"), [(0, 0), (1, 1)])
def test_cancel__when_post_paid__then_the_running_period_is_billed_whole_if_it_was_used(used, bills):
    with time_machine.travel(START, tick=False) as traveller:
        _, actor, row = running("post_paid")
        CompanySubscription.objects.update(used_quota=used)
        traveller.shift(timedelta(days=20))
        subscription_cancel(subscription_id=row.pk, actor=actor)
        assert [invoice.amount for invoice in Invoice.objects.all()] == [Decimal("500000.00")] * bills
        traveller.shift(timedelta(days=400))
        assert invoices_generate() == 0


def test_payment__when_its_transaction_was_cancelled_in_a_race__then_approval_is_refused_and_rejection_works():
    company, _, actor = make_buyer()
    bought = buy(company, actor)
    SubscriptionTransaction.objects.update(status="cancelled")
    assert refused(lambda: decide(bought.payment)).code is ErrorCode.BUSINESS_RULE
    decide(bought.payment, approved=False)
    assert (Payment.objects.get().status, SubscriptionTransaction.objects.get().status) == ("failed", "cancelled")


def test_acts__then_audited():
    company, actor, row = running()
    quota_purchase(subscription_id=row.pk, additional_users=1, actor=actor)
    subscription_extend(subscription_id=row.pk, months=1, actor=actor)
    actions = set(AuditEvent.objects.filter(company_id=company.pk).values_list("action", flat=True))
    assert actions >= {
        "tenants.subscription.purchased", "tenants.transaction.completed", "tenants.subscription.moved",
        "tenants.subscription.quota_bought", "tenants.subscription.extension_asked", "tenants.invoice.created",
    }  # fmt: skip


def test_purchase__when_a_later_step_fails__then_nothing_is_left(monkeypatch):
    company, _, actor = make_buyer()

    def broken(**_):
        raise RuntimeError

    monkeypatch.setattr(purchases, "payment_open", broken)
    with pytest.raises(RuntimeError):
        buy(company, actor)
    counts = [model.objects.count() for model in (CompanySubscription, SubscriptionTransaction, Payment)]
    assert counts == [0, 0, 0]


@pytest.mark.parametrize("kind", ["pre_paid", "post_paid"])
def test_extend__when_it_would_reach_beyond_five_years__then_refused(kind):
    """Endless calls would otherwise end in a year no calendar has."""
    _, actor, row = running(kind)
    CompanySubscription.objects.filter(pk=row.pk).update(expires_at=add_months(clock.now(), 49))
    subscription_extend(subscription_id=row.pk, months=10, actor=actor)
    CompanySubscription.objects.filter(pk=row.pk).update(expires_at=add_months(clock.now(), 49))
    with pytest.raises(DomainError, match="at most five years ahead") as caught:
        subscription_extend(subscription_id=row.pk, months=12, actor=actor)
    assert caught.value.code == ErrorCode.BUSINESS_RULE


def test_quota__when_twenty_orders_wait__then_no_more_until_one_is_settled():
    _, actor, row = running()
    bought = [quota_purchase(subscription_id=row.pk, additional_users=1, actor=actor) for _ in range(20)]
    with pytest.raises(DomainError, match="Please pay the open quota purchases first") as caught:
        quota_purchase(subscription_id=row.pk, additional_users=1, actor=actor)
    assert caught.value.code == ErrorCode.BUSINESS_RULE
    decide(bought[0].payment)
    quota_purchase(subscription_id=row.pk, additional_users=1, actor=actor)


# --- more people while more time waits to be paid ---------------------------------------------------


def test_quota__when_granted_while_an_extension_is_unpaid__then_it_is_billed_anew_for_all():
    with time_machine.travel(START, tick=False) as traveller:
        company, actor, row = running()
        bought = quota_purchase(subscription_id=row.pk, additional_users=100, actor=actor)
        subscription_extend(subscription_id=row.pk, months=12, actor=actor)
        old = Invoice.objects.get()
        assert (old.user_quota, old.amount) == (5, Decimal("2000000.00"))
        traveller.shift(timedelta(days=2))
        decide(bought.payment)
    old.refresh_from_db()
    new = Invoice.objects.exclude(pk=old.pk).get()
    assert (old.status, payment_for_invoice(old).status) == ("cancelled", "cancelled")
    # 12 of 3 months: 4 times the tier, and 4 times 50,000 for each of the hundred
    assert (new.status, new.user_quota, new.months, new.amount) == ("pending", 105, 12, Decimal("22000000.00"))
    assert (payment_for_invoice(new).status, payment_for_invoice(new).amount) == ("pending", new.total_amount)
    assert str(new.due_date) == "2026-01-19"
    event = AuditEvent.objects.get(action="tenants.invoice.rebilled", company_id=company.pk)
    assert event.object_id == str(new.pk)
    assert OutgoingMail.objects.filter(kind="tenants.invoice_new").count() == 2
    assert refused(lambda: decide(payment_for_invoice(old))).code is ErrorCode.BUSINESS_RULE


def test_quota__when_asked_while_the_proof_of_an_extension_waits__then_refused():
    _, actor, row = running()
    subscription_extend(subscription_id=row.pk, months=12, actor=actor)
    Payment.objects.filter(purpose="invoice").update(proof_file="payments/proofs/x.png")
    error = refused(lambda: quota_purchase(subscription_id=row.pk, additional_users=100, actor=actor))
    assert (error.code, error.message) == (
        ErrorCode.BUSINESS_RULE,
        "The payment of an extension is being verified. Quota can be added once that is decided.",
    )


def test_quota__when_approved_while_the_proof_of_an_extension_waits__then_the_extension_is_decided_first():
    _, actor, row = running()
    bought = quota_purchase(subscription_id=row.pk, additional_users=100, actor=actor)
    subscription_extend(subscription_id=row.pk, months=12, actor=actor)
    invoice = Invoice.objects.get()
    Payment.objects.filter(purpose="invoice").update(proof_file="payments/proofs/x.png")
    assert refused(lambda: decide(bought.payment)).code is ErrorCode.BUSINESS_RULE
    row.refresh_from_db()
    assert (row.user_quota, SubscriptionTransaction.objects.get(pk=bought.transaction.pk).status) == (5, "pending")
    decide(payment_for_invoice(invoice), approved=False)
    decide(bought.payment)
    row.refresh_from_db()
    assert row.user_quota == 105
    assert list(Invoice.objects.order_by("pk").values_list("status", "user_quota")) == [
        ("cancelled", 5), ("pending", 105),
    ]  # fmt: skip
