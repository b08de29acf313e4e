"""Money and places when several act at once. The controls do the same the naive way and show what would happen."""

import threading

import pytest
import time_machine

from cbt.kernel import clock
from cbt.kernel.actor import SYSTEM
from cbt.kernel.errors import DomainError, ErrorCode
from cbt.kernel.models import OutgoingMail
from commerce.models import Payment
from commerce.services.payments import payment_decide, payment_proof_upload
from tenants.engine.periods import add_months
from tenants.models import CompanySubscription, Invoice, SubscriptionPrice, SubscriptionTransaction
from tenants.services import invoices
from tenants.services.invoices import invoices_generate, invoices_mark_overdue
from tenants.services.plans import price_delete
from tenants.services.purchases import quota_purchase, subscription_extend
from tenants.services.subscriptions import subscription_cancel
from tenants.states import InvoiceKind
from tenants.tests.billing_support import START, buy, decide, make_buyer, make_tier, payment_for_invoice, running
from tenants.tests.factories import super_actor
from tests.support import race
from tests.world import png

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def faults(results):
    return [result for result in results if isinstance(result, Exception) and not isinstance(result, DomainError)]


def codes(results):
    return [result.code for result in results if isinstance(result, DomainError)]


def proved(*payments):
    Payment.objects.filter(pk__in=[payment.pk for payment in payments]).update(proof_file="payments/proofs/x.png")


def approve(pk, actor):
    return payment_decide(payment_id=pk, approved=True, notes=None, actor=actor, now=clock.now())


def test_purchase__when_four_at_once__then_one_with_one_transaction_and_payment():
    company, _, actor = make_buyer()
    price = make_tier()
    results = race(4, lambda _: buy(company, actor, price))
    assert faults(results) == []
    assert codes(results) == [ErrorCode.CONFLICT] * 3
    counts = [model.objects.count() for model in (CompanySubscription, SubscriptionTransaction, Payment)]
    assert counts == [1, 1, 1]


def test_extend__when_post_paid_four_at_once__then_every_month_counts():
    _, actor, row = running("post_paid")
    results = race(4, lambda _: subscription_extend(subscription_id=row.pk, months=1, actor=actor))
    assert faults(results) == codes(results) == []
    assert CompanySubscription.objects.get().expires_at == _plus_single(row.expires_at, 4)


def _plus_single(moment, count):
    for _ in range(count):
        moment = add_months(moment, 1)
    return moment


def test_extend__control__when_read_first_and_written_after__then_months_are_lost():
    _, _, row = running("post_paid")
    all_have_read = threading.Barrier(4)

    def naive(_):
        mine = CompanySubscription.objects.get()
        all_have_read.wait(timeout=30)
        CompanySubscription.objects.filter(pk=mine.pk).update(expires_at=add_months(mine.expires_at, 1))

    assert faults(race(4, naive)) == []
    assert CompanySubscription.objects.get().expires_at == add_months(row.expires_at, 1)  # four paid for, one given


def test_extend__when_pre_paid_four_at_once__then_one_open_invoice_with_one_payment():
    _, actor, row = running()
    results = race(4, lambda _: subscription_extend(subscription_id=row.pk, months=1, actor=actor))
    assert faults(results) == codes(results) == []
    assert sorted(Invoice.objects.values_list("status", flat=True)) == ["cancelled"] * 3 + ["pending"]
    pending = Payment.objects.filter(purpose="invoice", status="pending").values_list("payable_id", flat=True)
    assert list(pending) == [Invoice.objects.get(status="pending").pk]


def test_quota__when_one_payment_is_approved_four_times_at_once__then_granted_once():
    _, actor, row = running()
    bought = quota_purchase(subscription_id=row.pk, additional_users=3, actor=actor)
    proved(bought.payment)
    staff = super_actor()
    results = race(4, lambda _: approve(bought.payment.pk, staff))
    assert faults(results) == []
    assert codes(results) == [ErrorCode.BUSINESS_RULE] * 3
    assert CompanySubscription.objects.get().user_quota == 8


def test_quota__when_four_payments_are_approved_at_once__then_all_count():
    _, actor, row = running()
    payments = [quota_purchase(subscription_id=row.pk, additional_users=3, actor=actor).payment for _ in range(4)]
    proved(*payments)
    staff = super_actor()
    results = race(4, lambda index: approve(payments[index].pk, staff))
    assert faults(results) == codes(results) == []
    assert CompanySubscription.objects.get().user_quota == 5 + 12


def test_quota__control__when_checked_first_and_granted_after__then_granted_four_times_or_lost():
    _, actor, row = running()
    bought = quota_purchase(subscription_id=row.pk, additional_users=3, actor=actor)
    all_have_checked = threading.Barrier(4)
    granted = []

    def naive(_):
        mine, quota = Payment.objects.get(pk=bought.payment.pk), CompanySubscription.objects.get().user_quota
        all_have_checked.wait(timeout=30)
        if mine.status == "pending":
            Payment.objects.filter(pk=mine.pk).update(status="paid", paid_at=clock.now())
            CompanySubscription.objects.update(user_quota=quota + 3)
            granted.append(1)

    assert faults(race(4, naive)) == []
    assert len(granted) == 4  # four grants for one payment, all but one overwritten by luck alone


def test_invoices__when_the_job_runs_four_times_at_once__then_one_invoice_payment_and_mail():
    with time_machine.travel(START, tick=False) as traveller:
        _, _, row = running("post_paid")
        traveller.move_to(row.expires_at)
        results = race(4, lambda _: invoices_generate())
    assert sorted(results) == [0, 0, 0, 1]
    assert [Invoice.objects.count(), Payment.objects.count()] == [1, 1]
    assert OutgoingMail.objects.filter(kind="tenants.invoice_new").count() == 1


def test_invoices__control__when_the_company_is_not_locked__then_the_index_still_leaves_one(monkeypatch):
    """Without the lock the unique (subscription, period_start) is what is left; it must do."""
    monkeypatch.setattr(invoices, "company_row_lock", lambda company_id: None)
    with time_machine.travel(START, tick=False) as traveller:
        _, _, row = running("post_paid")
        traveller.move_to(row.expires_at)
        results = race(4, lambda _: invoices_generate())
    assert sorted(results) == [0, 0, 0, 1]
    assert [Invoice.objects.count(), Payment.objects.count()] == [1, 1]


def test_invoices__control__when_looked_first_and_billed_after__then_two_try(monkeypatch):
    """Two runs that have both seen the period unbilled, outside of any lock: only the index stops the second."""
    with time_machine.travel(START, tick=False) as traveller:
        _, _, row = running("post_paid")
        traveller.move_to(row.expires_at)
        both_have_looked = threading.Barrier(2)

        def naive(_):
            mine = CompanySubscription.objects.select_related("plan").get()
            (period,) = invoices._unbilled(mine)
            both_have_looked.wait(timeout=30)
            return invoices._bill_period(mine, period, clock.now(), SYSTEM)

        results = race(2, naive)
    assert faults(results) == []
    assert sorted(type(result).__name__ for result in results) == ["Invoice", "NoneType"]


def test_overdue__when_marked_four_times_at_once__then_one_mail():
    with time_machine.travel(START, tick=False) as traveller:
        _, _, row = running("post_paid")
        traveller.move_to(row.expires_at)
        invoices_generate()
        traveller.move_to(add_months(row.expires_at, 1))
        results = race(4, lambda _: invoices_mark_overdue())
    assert sorted(results) == [0, 0, 0, 1]
    assert OutgoingMail.objects.filter(kind="tenants.invoice_overdue").count() == 1


@pytest.mark.parametrize("attempt", range(4))
def test_cancel__when_its_payment_is_approved_at_once__then_no_deadlock_and_one_story(attempt):
    company, _, actor = make_buyer()
    bought = buy(company, actor)
    proved(bought.payment)
    staff = super_actor()
    acts = [
        lambda: approve(bought.payment.pk, staff),
        lambda: subscription_cancel(subscription_id=bought.subscription.pk, actor=actor),
    ]
    results = race(2, lambda index: acts[index]())
    assert faults(results) == []
    row, paid = CompanySubscription.objects.get(), SubscriptionTransaction.objects.get()
    payment = Payment.objects.get()
    assert row.status == "cancelled"
    assert (paid.status, payment.status) in {("completed", "paid"), ("cancelled", "cancelled")}
    assert len(codes(results)) == (payment.status == "cancelled")


@pytest.mark.parametrize("attempt", range(3))
def test_cancel__when_its_extension_is_approved_at_once__then_no_deadlock_and_one_story(attempt):
    _, actor, row = running()
    subscription_extend(subscription_id=row.pk, months=1, actor=actor)
    payment = payment_for_invoice(Invoice.objects.get())
    proved(payment)
    staff = super_actor()
    acts = [
        lambda: approve(payment.pk, staff),
        lambda: subscription_cancel(subscription_id=row.pk, actor=actor),
    ]
    results = race(2, lambda index: acts[index]())
    assert faults(results) == []
    payment.refresh_from_db()
    assert CompanySubscription.objects.get().status == "cancelled"
    assert (Invoice.objects.get().status, payment.status) in {("completed", "paid"), ("cancelled", "cancelled")}


@pytest.mark.parametrize("attempt", range(3))
def test_price__when_deleted_and_bought_at_once__then_one_of_them(attempt):
    company, _, actor = make_buyer()
    price, staff = make_tier(), super_actor()
    acts = [lambda: price_delete(price_id=price.pk, actor=staff), lambda: buy(company, actor, price)]
    results = race(2, lambda index: acts[index]())
    assert faults(results) == []
    assert codes(results) in ([ErrorCode.CONFLICT], [ErrorCode.VALIDATION_ERROR])
    assert SubscriptionPrice.objects.count() == CompanySubscription.objects.count()


def test_invoices__when_paid_and_marked_overdue_at_once__then_paid_in_the_end():
    with time_machine.travel(START, tick=False) as traveller:
        _, _, row = running("post_paid")
        traveller.move_to(row.expires_at)
        invoices_generate()
        payment = payment_for_invoice(Invoice.objects.get())
        staff = super_actor()
        traveller.move_to(add_months(row.expires_at, 1))
        results = race(2, lambda index: [invoices_mark_overdue, lambda: decide(payment, actor=staff)][index]())
    assert faults(results) == codes(results) == []
    assert Invoice.objects.get().status == "completed"


@pytest.mark.parametrize("attempt", range(6))
def test_cancel__when_a_rejected_order_is_proved_again_at_once__then_no_payment_waits_for_nothing(attempt, media):
    """A new proof opens a payment after the rejected one; cancelling must not overlook it."""
    _, actor, row = running()
    bought = quota_purchase(subscription_id=row.pk, additional_users=1, actor=actor)
    decide(bought.payment, approved=False)

    def act(index):
        if index:
            return subscription_cancel(subscription_id=row.pk, actor=actor)
        return payment_proof_upload(
            payment_id=bought.payment.pk, data=png(), filename="p.png", notes=None, actor=actor, now=clock.now()
        )

    assert faults(race(2, act)) == []
    assert SubscriptionTransaction.objects.get(pk=bought.transaction.pk).status == "cancelled"
    assert not Payment.objects.filter(status="pending").exists()


@pytest.mark.parametrize("attempt", range(4))
def test_extend__when_quota_is_approved_at_once__then_billed_for_all(attempt):
    _, actor, row = running()
    bought = quota_purchase(subscription_id=row.pk, additional_users=100, actor=actor)
    proved(bought.payment)
    staff = super_actor()
    acts = [
        lambda: approve(bought.payment.pk, staff),
        lambda: subscription_extend(subscription_id=row.pk, months=12, actor=actor),
    ]
    results = race(2, lambda index: acts[index]())
    assert faults(results) == codes(results) == []
    assert CompanySubscription.objects.get().user_quota == 105
    assert Invoice.objects.get(status="pending").user_quota == 105


def test_extend__control__when_the_quota_is_read_before_it_is_granted__then_billed_for_five():
    _, actor, row = running()
    bought = quota_purchase(subscription_id=row.pk, additional_users=100, actor=actor)
    proved(bought.payment)
    staff = super_actor()
    has_read, is_granted = threading.Event(), threading.Event()

    def naive(index):
        if index:
            has_read.wait(timeout=30)
            approve(bought.payment.pk, staff)
            is_granted.set()
            return
        mine = CompanySubscription.objects.select_related("plan", "company").get()
        has_read.set()
        is_granted.wait(timeout=30)
        invoices.invoice_make(
            subscription=mine, kind=InvoiceKind.EXTENSION, months=12, user_quota=mine.user_quota, actor=actor,
            now=clock.now(),
        )  # fmt: skip

    assert faults(race(2, naive)) == []
    assert (CompanySubscription.objects.get().user_quota, Invoice.objects.get().user_quota) == (105, 5)


@pytest.mark.parametrize("attempt", range(4))
def test_extension__when_paid_while_quota_is_approved__then_never_time_for_more_than_was_billed(attempt):
    _, actor, row = running()
    bought = quota_purchase(subscription_id=row.pk, additional_users=100, actor=actor)
    subscription_extend(subscription_id=row.pk, months=12, actor=actor)
    payment = payment_for_invoice(Invoice.objects.get())
    proved(bought.payment, payment)
    staff = super_actor()
    results = race(2, lambda index: approve([bought.payment, payment][index].pk, staff))
    assert faults(results) == []
    assert Invoice.objects.get().status == "completed"  # shown before the quota, so paid before it
    after = CompanySubscription.objects.get()
    assert (codes(results), after.user_quota) in [([], 105), ([ErrorCode.BUSINESS_RULE], 5)]


@pytest.mark.parametrize("attempt", range(3))
def test_quota__when_two_orders_are_approved_at_once__then_the_open_extension_is_for_all(attempt):
    _, actor, row = running()
    payments = [quota_purchase(subscription_id=row.pk, additional_users=10, actor=actor).payment for _ in range(2)]
    subscription_extend(subscription_id=row.pk, months=1, actor=actor)
    proved(*payments)
    staff = super_actor()
    results = race(2, lambda index: approve(payments[index].pk, staff))
    assert faults(results) == codes(results) == []
    assert list(Invoice.objects.exclude(status="cancelled").values_list("status", "user_quota")) == [("pending", 25)]
