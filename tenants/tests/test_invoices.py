"""Post-paid periods, overdue invoices, reminders, the mails about them and the commands."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command
from django.db import IntegrityError, transaction

from cbt.kernel import jobs, mail
from cbt.kernel.models import OutgoingMail
from commerce.models import Payment
from tenants.models import CompanySubscription, Invoice, SubscriptionPlan
from tenants.services import invoices
from tenants.services.admins import company_admin_add
from tenants.services.companies import company_delete
from tenants.services.invoices import invoices_generate, invoices_mark_overdue
from tenants.services.purchases import quota_purchase, subscription_extend
from tenants.services.subscriptions import subscriptions_expire, subscriptions_remind
from tenants.tests.billing_support import START, decide, make_tier, payment_for_invoice, running
from tenants.tests.factories import make_subscription, super_actor
from tests.support import run_jobs

pytestmark = pytest.mark.django_db
END = datetime(2026, 4, 10, 8, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def subjects() -> list[str]:
    run_jobs()
    from django.core import mail as outbox

    return [message.subject for message in outbox.outbox]


@pytest.fixture
def clock_at():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def test_generate__when_the_period_has_ended__then_billed_once_on_the_real_quota_with_a_payment(clock_at):
    company, actor, row = running("post_paid", additional_users=2)
    quota_purchase(subscription_id=row.pk, additional_users=1, actor=actor)
    clock_at.move_to(END - SECOND)
    assert invoices_generate() == 0
    clock_at.move_to(END)
    assert [invoices_generate(), invoices_generate()] == [1, 0]
    invoice = Invoice.objects.get()
    assert (invoice.amount, invoice.tax_amount, invoice.total_amount) == (
        Decimal("650000.00"), Decimal("71500.00"), Decimal("721500.00"),
    )  # fmt: skip
    assert (invoice.period_start, invoice.period_end, invoice.kind) == (START, END, "post_paid")
    assert (invoice.status, str(invoice.due_date)) == ("pending", "2026-04-17")
    assert [(line["quantity"], line["unit_price"], line["total"]) for line in invoice.items] == [
        (1, "500000.00", "500000.00"), (3, "50000.00", "150000.00"),
    ]  # fmt: skip
    payment = payment_for_invoice(invoice)
    assert (payment.amount, payment.status, payment.company_id) == (Decimal("721500.00"), "pending", company.pk)
    decide(payment)
    invoice.refresh_from_db()
    assert (invoice.status, str(invoice.paid_date)) == ("completed", "2026-04-10")


@pytest.mark.parametrize("expire_first", [True, False])
@pytest.mark.parametrize("days_late", [0, 1, 40, 900])
def test_generate__when_late_and_in_any_order_with_the_expiry__then_once(clock_at, expire_first, days_late):
    running("post_paid")
    clock_at.move_to(END + timedelta(days=days_late))
    for job in (subscriptions_expire, invoices_generate) if expire_first else (invoices_generate, subscriptions_expire):
        assert job() == 1
    assert [invoices_generate(), subscriptions_expire(), Invoice.objects.count()] == [0, 0, 1]
    assert CompanySubscription.objects.get().status == "expired"


def test_generate__when_extended__then_each_period_at_its_own_end_with_the_people_of_then(clock_at):
    _, actor, row = running("post_paid")
    subscription_extend(subscription_id=row.pk, months=1, actor=actor)  # to 10 May
    clock_at.move_to(END + timedelta(days=2))
    assert invoices_generate() == 1
    decide(payment_for_invoice(Invoice.objects.get()))
    quota_purchase(subscription_id=row.pk, additional_users=1, actor=actor)
    clock_at.move_to(datetime(2026, 5, 10, 8, tzinfo=UTC))
    assert invoices_generate() == 1
    made = list(Invoice.objects.order_by("pk").values_list("months", "amount", "period_start"))
    assert made == [(3, Decimal("500000.00"), START), (1, Decimal("183333.33"), END)]


def test_generate__when_the_job_was_away_for_two_periods__then_each_is_billed_for_its_own_people(clock_at):
    _, actor, row = running("post_paid")
    subscription_extend(subscription_id=row.pk, months=3, actor=actor)
    clock_at.move_to(END + timedelta(days=2))
    # Bought in the second period while nothing was billed yet (the first one's invoice would stop it otherwise).
    CompanySubscription.objects.update(user_quota=7)
    from tenants.models import SubscriptionTransaction

    SubscriptionTransaction.objects.create(
        subscription=row, transaction_number="TXN-1", amount=1, status="completed", completed_at=END + SECOND,
        metadata={"kind": "quota_purchase", "additional_users": 2}, created_at=END, updated_at=END,
    )  # fmt: skip
    clock_at.move_to(datetime(2027, 1, 1, tzinfo=UTC))
    assert invoices_generate() == 2
    assert list(Invoice.objects.order_by("period_start").values_list("amount", flat=True)) == [500_000, 600_000]


def test_generate__when_granted_or_pre_paid__then_only_post_paid_is_billed(clock_at):
    running("pre_paid")
    company, _, _ = running("post_paid")
    clock_at.move_to(END)
    assert invoices_generate() == 1
    assert Invoice.objects.get().company_id == company.pk


def test_generate__when_it_costs_nothing__then_settled_at_once_without_mail(clock_at):
    running("post_paid", make_tier(price="0.00"))
    clock_at.move_to(END)
    assert invoices_generate() == 1
    assert (Invoice.objects.get().status, Payment.objects.get().status) == ("completed", "paid")
    assert OutgoingMail.objects.filter(kind="tenants.invoice_new").count() == 0


def test_generate__when_one_fails__then_the_others_are_billed(clock_at, monkeypatch):
    _, _, broken = running("post_paid")
    running("post_paid")
    clock_at.move_to(END)
    real = invoices.subscription_bill

    def sometimes(*, subscription, **more):
        if subscription.pk == broken.pk:
            raise RuntimeError
        return real(subscription=subscription, **more)

    monkeypatch.setattr(invoices, "subscription_bill", sometimes)
    assert invoices_generate() == 1
    monkeypatch.undo()
    assert invoices_generate() == 1


def test_invoice__when_the_same_period_again__then_the_database_refuses(clock_at):
    running("post_paid")
    clock_at.move_to(END)
    invoices_generate()
    twin = Invoice.objects.get()
    twin.pk, twin.invoice_number = None, "INV-2"
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save(force_insert=True)


def test_invoice__when_its_number_is_taken__then_another_is_tried(clock_at, monkeypatch):
    from tenants.services import numbers

    running("post_paid")
    running("post_paid")
    words = iter(["AAAAAAAA", "AAAAAAAA", "BBBBBBBB"])
    monkeypatch.setattr(numbers, "random_word", lambda _: next(words))
    clock_at.move_to(END)
    assert invoices_generate() == 2
    assert sorted(Invoice.objects.values_list("invoice_number", flat=True)) == [
        "INV-20260410-AAAAAAAA", "INV-20260410-BBBBBBBB",
    ]  # fmt: skip


def test_tax__when_the_setting_changes__then_new_invoices_follow(clock_at, settings):
    settings.TAX_RATE = Decimal("0.12")
    running("post_paid")
    clock_at.move_to(END)
    invoices_generate()
    assert Invoice.objects.get().tax_amount == Decimal("60000.00")


def test_company_delete__when_post_paid_was_used__then_billed_without_mail(clock_at):
    company, _, _ = running("post_paid")
    CompanySubscription.objects.update(used_quota=1)
    company_delete(company_id=company.pk, actor=super_actor())
    assert Invoice.objects.get().amount == 500_000
    assert subjects() == []


# --- overdue ----------------------------------------------------------------------------------------


def test_overdue__when_the_due_date_has_passed__then_marked_and_mailed_once(clock_at):
    running("post_paid")
    clock_at.move_to(END)
    invoices_generate()
    clock_at.move_to(datetime(2026, 4, 17, 23, 59, tzinfo=UTC))
    assert invoices_mark_overdue() == 0
    clock_at.move_to(datetime(2026, 4, 18, tzinfo=UTC))
    assert [invoices_mark_overdue(), invoices_mark_overdue()] == [1, 0]
    assert Invoice.objects.get().status == "overdue"
    assert subjects() == ["Invoice Baru - RuangTes", "Invoice Jatuh Tempo - RuangTes"]


def test_overdue__when_rejected_later_and_marked_again__then_still_one_mail_and_payable(clock_at):
    running("post_paid")
    clock_at.move_to(END)
    invoices_generate()
    clock_at.move_to(datetime(2026, 4, 18, tzinfo=UTC))
    invoices_mark_overdue()
    decide(payment_for_invoice(Invoice.objects.get()), approved=False)
    assert Invoice.objects.get().status == "failed"
    assert invoices_mark_overdue() == 1
    assert OutgoingMail.objects.filter(kind="tenants.invoice_overdue").count() == 1


def test_overdue__when_paid__then_left_alone(clock_at):
    running("post_paid")
    clock_at.move_to(END)
    invoices_generate()
    decide(payment_for_invoice(Invoice.objects.get()))
    clock_at.move_to(datetime(2026, 6, 1, tzinfo=UTC))
    assert invoices_mark_overdue() == 0


# --- reminders and mails ----------------------------------------------------------------------------


def test_remind__then_once_at_fourteen_and_once_at_three_days(clock_at):
    running()
    sent = []
    for days in (15, 14, 13, 4, 3, 2, 1):
        clock_at.move_to(END - timedelta(days=days))
        sent.append((subscriptions_remind(), subscriptions_remind()))
    assert sent == [(0, 0), (1, 0), (0, 0), (0, 0), (1, 0), (0, 0), (0, 0)]
    assert OutgoingMail.objects.filter(kind="tenants.subscription_expiring").count() == 2


def test_remind__when_first_seen_on_the_last_days__then_one_mail_only(clock_at):
    running()
    clock_at.move_to(END - timedelta(days=1))
    assert subscriptions_remind() == 1
    assert OutgoingMail.objects.filter(kind="tenants.subscription_expiring").count() == 1


def test_remind__when_extended_and_near_the_new_end__then_again(clock_at):
    _, actor, row = running("post_paid")
    clock_at.move_to(END - timedelta(days=2))
    assert subscriptions_remind() == 1
    subscription_extend(subscription_id=row.pk, months=1, actor=actor)
    assert subscriptions_remind() == 0
    invoices_generate()
    clock_at.move_to(datetime(2026, 5, 9, tzinfo=UTC))
    assert subscriptions_remind() == 1


def test_expire__then_every_admin_is_mailed_once(clock_at):
    company, actor, _ = running()
    company_admin_add(
        company_id=company.pk, name="B", email="second@example.com", password="password123", actor=actor
    )  # fmt: skip
    clock_at.move_to(END)
    assert [subscriptions_expire(), subscriptions_expire()] == [1, 0]
    mails = OutgoingMail.objects.filter(kind="tenants.subscription_expired")
    assert mails.count() == 2
    assert mails.filter(recipient="second@example.com").count() == 1


def test_mails__when_written__then_both_languages_the_amounts_and_the_link(clock_at, settings):
    company, _, _ = running("post_paid")
    clock_at.move_to(END - timedelta(days=3))
    subscriptions_remind()
    run_jobs()
    clock_at.move_to(END)
    subscriptions_expire()
    invoices_generate()
    run_jobs()
    clock_at.move_to(END + timedelta(days=8))
    invoices_mark_overdue()
    run_jobs()
    from django.core import mail as outbox

    assert [message.subject for message in outbox.outbox] == [
        "Langganan Segera Berakhir - RuangTes", "Langganan Telah Berakhir - RuangTes", "Invoice Baru - RuangTes",
        "Invoice Jatuh Tempo - RuangTes",
    ]  # fmt: skip
    invoice = Invoice.objects.get()
    for message in outbox.outbox[2:]:
        for text in (message.body, message.alternatives[0][0]):
            assert invoice.invoice_number in text
            assert "Rp 555.000" in text
            assert f"{settings.FRONTEND_URL}/invoices/{invoice.pk}" in text
            assert "17 April 2026" in text
    assert "dalam 3 hari" in outbox.outbox[0].body
    assert "ends in 3 days, on 10 April 2026 08:00 UTC" in outbox.outbox[0].body
    assert all(company.name in message.body for message in outbox.outbox)


def test_mails__when_they_have_lost_their_point__then_not_sent(clock_at):
    _, actor, row = running("post_paid")
    clock_at.move_to(END - timedelta(days=3))
    subscriptions_remind()
    subscription_extend(subscription_id=row.pk, months=1, actor=actor)
    clock_at.move_to(END)
    invoices_generate()
    decide(payment_for_invoice(Invoice.objects.get()))
    sent = [subject for subject in subjects() if not subject.startswith("Pembayaran")]
    assert sent == []
    statuses = OutgoingMail.objects.filter(kind__startswith="tenants.").values_list("status", flat=True)
    assert set(statuses) == {"cancelled"}


def test_kinds__then_registered():
    assert mail.kinds() >= {
        "tenants.invoice_new", "tenants.invoice_overdue", "tenants.subscription_expiring",
        "tenants.subscription_expired",
    }  # fmt: skip
    assert {row.name for row in jobs.periodic_table()} >= {
        "tenants.expire_subscriptions", "tenants.remind_expiring", "tenants.generate_invoices", "tenants.mark_overdue",
    }  # fmt: skip


# --- commands ---------------------------------------------------------------------------------------


def run(name, *args):
    out = StringIO()
    call_command(name, *args, stdout=out)
    return out.getvalue().strip()


def test_commands__when_dry__then_counted_and_nothing_changes(clock_at):
    running("post_paid")
    clock_at.move_to(END)
    assert run("expire_subscriptions", "--dry-run") == "expired: 1 (dry run, nothing changed)"
    assert run("generate_invoices", "--dry-run") == "invoices: 1 (dry run, nothing changed)"
    assert (CompanySubscription.objects.get().status, Invoice.objects.count()) == ("active", 0)
    assert run("expire_subscriptions") == "expired: 1"
    assert run("generate_invoices") == "invoices: 1"
    clock_at.move_to(END + timedelta(days=8))
    assert run("mark_overdue", "--dry-run") == "overdue: 1 (dry run, nothing changed)"
    assert Invoice.objects.get().status == "pending"
    assert run("mark_overdue") == "overdue: 1"
    assert run("generate_invoices") == "invoices: 0"


def test_plan__when_its_length_is_changed__then_running_subscriptions_keep_theirs(clock_at):
    running("post_paid")
    SubscriptionPlan.objects.update(duration_months=12)
    clock_at.move_to(END)
    assert invoices_generate() == 1
    assert (Invoice.objects.get().months, Invoice.objects.get().amount) == (3, 500_000)


def test_generate__when_the_dates_are_staff_s_own__then_a_begun_month_counts(clock_at):
    company, _, old = running()
    CompanySubscription.objects.filter(pk=old.pk).update(status="expired")
    make_subscription(
        company, price=make_tier(), quota=5, billing_type="post_paid", started_at=START,
        expires_at=START + timedelta(days=40),
    )  # fmt: skip
    clock_at.move_to(END)
    assert invoices_generate() == 1
    assert (Invoice.objects.get().months, Invoice.objects.get().amount) == (2, Decimal("333333.33"))
