"""The mails of billing as they are read: Indonesian first, English below, no code words, nothing unfilled."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail as outbox

from cbt.kernel import clock
from cbt.kernel.models import OutgoingMail
from commerce.models import Payment
from tenants.models import CompanySubscription
from tenants.services.invoices import invoices_generate, invoices_mark_overdue
from tenants.services.subscriptions import subscriptions_expire, subscriptions_remind
from tenants.tests.billing_support import START, decide, payment_for_invoice, running
from tests.support import run_jobs

pytestmark = pytest.mark.django_db


def sent():
    """Return (subject, text, html) of the only mail that waits, as sent."""
    outbox.outbox.clear()
    run_jobs()
    assert not OutgoingMail.objects.exclude(status="sent").exists()
    (message,) = outbox.outbox
    html = str(message.alternatives[0][0])
    for text in (message.body, html):
        assert not re.search(r"\{[{%]|None|pending|completed|overdue_|post_paid", text), text
    assert 'lang="en"' in html
    return message.subject, message.body, html


@pytest.fixture
def owing():
    """A post-paid company whose first period has ended, the clock standing at its end: (traveller, subscription)."""
    with time_machine.travel(START, tick=False) as traveller:
        _, _, row = running("post_paid", additional_users=1)
        run_jobs()
        traveller.move_to(row.expires_at)
        yield traveller, row


def test_invoice_new__then_words_in_both_languages(owing):
    invoices_generate()
    subject, text, html = sent()
    assert subject == "Invoice Baru - RuangTes"
    for said in (
        "Tanggal      : 10 April 2026", "Jatuh tempo  : 17 April 2026", "Status       : Belum dibayar",
        "Jumlah       : Rp 550.000", "PPN 11%      : Rp 60.500", "Total        : Rp 610.500",
        "- Pengguna tambahan x 1: Rp 50.000", "due 17 April 2026",
    ):  # fmt: skip
        assert said in text, said
    assert "PPN 11%" in html and "Belum dibayar" in html


def test_invoice_overdue_then_rejected_then_paid__then_each_is_told(owing):
    traveller, _ = owing
    invoices_generate()
    run_jobs()
    traveller.shift(timedelta(days=35))
    invoices_mark_overdue()
    subject, text, _ = sent()
    assert subject == "Invoice Jatuh Tempo - RuangTes"
    assert "Status       : Lewat jatuh tempo" in text
    assert "for Rp 610.500 was due on 17 April 2026" in text
    invoice = CompanySubscription.objects.get().invoices.get()
    first = payment_for_invoice(invoice)
    decide(first, approved=False)
    subject, text, _ = sent()
    assert subject == "Pembayaran Ditolak - RuangTes"
    assert "Catatan          : seen" in text
    again = Payment.objects.create(
        purpose="invoice", payable_id=invoice.pk, amount=first.amount, company_id=invoice.company_id,
        payment_number="PAY-2", created_at=clock.now(), updated_at=clock.now(),
    )  # fmt: skip
    decide(again)
    subject, text, html = sent()
    assert subject == "Pembayaran Diverifikasi - RuangTes"
    assert "Diverifikasi     : 15 Mei 2026 08.00 UTC" in text
    assert "We have verified the payment named above." in html


def test_expiring_and_expired__then_day_and_hour_in_both_languages():
    with time_machine.travel(START, tick=False) as traveller:
        _, _, row = running()
        run_jobs()
        traveller.move_to(row.expires_at - timedelta(days=13, hours=1))
        assert subscriptions_remind() == 1
        subject, text, _ = sent()
        assert subject == "Langganan Segera Berakhir - RuangTes"
        assert "berakhir dalam 14 hari" in text and "Berakhir  : 10 April 2026 08.00 UTC" in text
        assert "ends in 14 days, on 10 April 2026 08:00 UTC" in text
        traveller.move_to(row.expires_at)
        assert subscriptions_expire() == 1
        subject, text, html = sent()
        assert subject == "Langganan Telah Berakhir - RuangTes"
        assert "Your data is kept" in text and "10 April 2026 08.00 UTC" in html
