"""The printed invoice: what it says, whatever the names are, and who may have it."""

import io
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from accounts.states import Role
from accounts.tests.factories import make_user
from tenants.engine.invoice_pdf import Party, Sheet, SheetLine, invoice_pdf, readable
from tenants.engine.words import percent, rupiah_full, spelled, spelled_rupiah
from tenants.models import Company, Invoice
from tenants.selectors.invoice_sheets import invoice_document
from tenants.services.invoices import invoices_generate, invoices_mark_overdue
from tenants.services.purchases import subscription_extend
from tenants.tests.billing_support import START, decide, payment_for_invoice, running
from tenants.tests.factories import make_tenant_admin
from tests.support import error_of

SHEET = Sheet(
    number="INV-20260110-ABCDEFGH", status="pending", status_id="Belum dibayar", status_en="Unpaid",
    issued_on=date(2026, 1, 10), issuer=Party("RuangTes", ("Jl. Contoh 1",)), billed=Party("PT Contoh", ("Jl. 2",)),
    facts=(("Paket", "Plan", "Paket 3 Bulan"),),
    lines=(SheetLine("Paket 3 Bulan", 1, Decimal("500000.00"), Decimal("500000.00")),),
    amount=Decimal("500000.00"), tax_rate=Decimal("0.1100"), tax_amount=Decimal("55000.00"),
    total_amount=Decimal("555000.00"), how_to_pay=(("Transfer.", "Transfer."),),
)  # fmt: skip


def text_of(pdf):
    """The words of all pages, one space between them."""
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def extension(actor, subscription, months=1):
    subscription_extend(subscription_id=subscription.pk, months=months, actor=actor)
    return Invoice.objects.select_related("subscription__plan").get(subscription=subscription)


def fresh(invoice):
    return Invoice.objects.select_related("subscription__plan").get(pk=invoice.pk)


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0", "Rp 0,00"), ("999.995", "Rp 1.000,00"), ("1234567", "Rp 1.234.567,00"),
        ("200000000.50", "Rp 200.000.000,50"),
    ],
)  # fmt: skip
def test_rupiah__then_dots_for_thousands_and_cents_after_a_comma(amount, shown):
    assert rupiah_full(Decimal(amount)) == shown


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "nol"), (11, "sebelas"), (12, "dua belas"), (20, "dua puluh"), (100, "seratus"),
        (111, "seratus sebelas"), (1000, "seribu"), (1001, "seribu satu"), (2019, "dua ribu sembilan belas"),
        (100_000, "seratus ribu"), (1_000_000, "satu juta"), (555_000, "lima ratus lima puluh lima ribu"),
        (1_100_000_000, "satu miliar seratus juta"), (3 * 10**12 + 1, "tiga triliun satu"),
    ],
)  # fmt: skip
def test_spelled__then_as_indonesian_says_it(number, words):
    assert spelled(number) == words


def test_spelled_rupiah__when_cents__then_said_too():
    assert spelled_rupiah(Decimal("185000.50")) == "seratus delapan puluh lima ribu rupiah lima puluh sen"
    assert [percent(Decimal(rate)) for rate in ("0.11", "0.1250", "0", "1")] == ["11%", "12,5%", "0%", "100%"]


def test_pdf__when_made_twice__then_the_same_bytes():
    assert invoice_pdf(SHEET) == invoice_pdf(SHEET)
    assert invoice_pdf(SHEET).startswith(b"%PDF-")
    assert invoice_pdf(replace(SHEET, status_en="Paid")) != invoice_pdf(SHEET)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<b>PT</b> & Sons", "<b>PT</b> & Sons"), ('PT "A" <img src="x"/>', 'PT "A" <img src="x"/>'),
        ("&amp; <para>", "&amp; <para>"), ("Café Ñandú", "Café Ñandú"), ("Ștefan Ľ", "Stefan L"), ("東京", "??"),
        ("A\x00B\tC", "A B C"), ("</font></para>", "</font></para>"),
    ],
)  # fmt: skip
def test_pdf__when_names_look_like_markup_or_are_foreign__then_shown_as_text(name, shown):
    sheet = replace(SHEET, billed=Party(name, (name,)), lines=(replace(SHEET.lines[0], description=name),))
    assert text_of(invoice_pdf(sheet)).count(shown) == 3


@pytest.mark.parametrize("name", ["W" * 255, "PT Panjang Sekali " * 14, "&" * 255, "<" * 255])
def test_pdf__when_names_and_addresses_are_endless__then_wrapped_on_one_page(name):
    address = "\n".join(["Jl. " + "X" * 200] * 200)
    sheet = replace(
        SHEET, issuer=Party(name, (address,)), billed=Party(name, (address, name)),
        lines=(replace(SHEET.lines[0], description=name, quantity=2**31 - 1, total=Decimal("999999999999.99")),) * 2,
        total_amount=Decimal("999999999999.99"),
    )  # fmt: skip
    pages = PdfReader(io.BytesIO(invoice_pdf(sheet))).pages
    assert len(pages) <= 2
    assert "Rp 999.999.999.999,99" in text_of(invoice_pdf(sheet))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=300))
def test_pdf__when_any_text__then_made(text):
    readable(text).encode("cp1252")
    assert invoice_pdf(replace(SHEET, billed=Party(text, (text,)), facts=(("Paket", "Plan", text),)))


@pytest.mark.django_db
@time_machine.travel(START, tick=False)
def test_document__when_extension__then_says_all_there_is_to_say(settings):
    settings.INVOICE_ISSUER_NAME, settings.INVOICE_ISSUER_TAX_ID = "PT Ruang Tes", "01.234.567.8-901.000"
    settings.INVOICE_BANK_ACCOUNT = "Bank Contoh 123-456 a.n. PT Ruang Tes"
    company, actor, subscription = running(additional_users=2)
    Company.objects.filter(pk=company.pk).update(name="PT Maju & Jaya", address="Jl. Merdeka 1\nBandung")
    invoice = extension(actor, subscription)
    text = text_of(invoice_document(invoice))
    payment = payment_for_invoice(invoice)
    for said in (
        invoice.invoice_number, "PT Ruang Tes", "NPWP 01.234.567.8-901.000", "PT Maju & Jaya", "Jl. Merdeka 1 Bandung",
        company.email, "BELUM DIBAYAR / UNPAID", "Tanggal invoice / Invoice date 10 Januari 2026",
        "Jatuh tempo / Due date 17 Januari 2026", "Paket / Plan Paket 3 Bulan (3 bulan / months)",
        "1 bulan sejak akhir langganan", "Kuota peserta / Participant quota 7",
        "Paket 3 Bulan, 7 pengguna, per bulan 1 Rp 200.000,00 Rp 200.000,00", "PPN 11% / VAT Rp 22.000,00",
        "Rp 222.000,00", "Terbilang: dua ratus dua puluh dua ribu rupiah", "Bank Contoh 123-456 a.n. PT Ruang Tes",
        payment.payment_number, f"/invoices/{invoice.pk}", "Cara membayar / How to pay", "Halaman / Page 1",
    ):  # fmt: skip
        assert said in text, said


@pytest.mark.django_db
def test_document__when_post_paid_overdue_and_paid__then_status_period_and_day_of_payment():
    with time_machine.travel(START, tick=False):
        _, _, subscription = running("post_paid")
    with time_machine.travel(subscription.expires_at, tick=False):
        assert invoices_generate() == 1
    invoice = Invoice.objects.get(subscription=subscription)
    assert "10 Januari 2026 - 10 April 2026 (3 bulan / months)" in text_of(invoice_document(fresh(invoice)))
    with time_machine.travel("2026-05-02T00:00:00Z", tick=False):
        assert invoices_mark_overdue() == 1
        assert "LEWAT JATUH TEMPO / OVERDUE" in text_of(invoice_document(fresh(invoice)))
        decide(payment_for_invoice(invoice))
    text = text_of(invoice_document(fresh(invoice)))
    assert "LUNAS / PAID" in text
    assert "Dibayar pada / Paid on 2 Mei 2026" in text
    assert "Cara membayar" not in text


@pytest.mark.django_db
def test_document__when_company_and_tax_rate_change_later__then_the_bill_does_not(settings):
    company, actor, subscription = running()
    invoice = extension(actor, subscription)
    before = invoice_document(invoice)
    settings.TAX_RATE = Decimal("0.12")
    Company.objects.filter(pk=company.pk).update(name="PT Baru", address="Elsewhere")
    assert invoice_document(fresh(invoice)) == before
    assert invoice.tax_rate == Decimal("0.11")


@pytest.mark.django_db
def test_route__then_own_invoice_and_staffs_any_and_nobody_elses(api):
    company, actor, subscription = running()
    invoice = extension(actor, subscription)
    path = f"/api/invoices/{invoice.pk}/pdf"
    for user in (make_tenant_admin(company), make_user(Role.SUPER_ADMIN)):
        answer = api.as_(user).get(path)
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
        assert answer["Content-Disposition"] == f'attachment; filename="{invoice.invoice_number}.pdf"'
        assert answer["Cache-Control"] == "private, no-store"
        assert invoice.invoice_number in text_of(answer.content)
    error_of(api.as_(make_tenant_admin()).get(path), 404, "NOT_FOUND")
    error_of(api.as_(make_user()).get(path), 403, "FORBIDDEN")
    error_of(api.get(path), 401, "UNAUTHENTICATED")


@pytest.mark.django_db
def test_admin__then_links_to_the_pdf_and_the_payment(client):
    _, actor, subscription = running()
    invoice = extension(actor, subscription)
    path = f"/admin/tenants/invoice/{invoice.pk}"
    assert client.get(f"{path}/pdf/").status_code == 302
    client.force_login(make_user(Role.SUPER_ADMIN))
    page = client.get(f"{path}/change/").content.decode()
    assert f'href="{path}/pdf/"' in page
    assert f'href="/admin/commerce/payment/{payment_for_invoice(invoice).pk}/change/"' in page
    assert f'href="{path}/pdf/"' in client.get("/admin/tenants/invoice/").content.decode()
    answer = client.get(f"{path}/pdf/")
    assert answer["Content-Disposition"].startswith("inline")
    assert invoice.invoice_number in text_of(answer.content)
    assert client.get("/admin/tenants/invoice/909090909/pdf/").status_code == 404
