"""What a printed invoice says."""

from decimal import Decimal

from django.conf import settings

from cbt.kernel.dates import date_id
from commerce.selectors.payments import payment_latest
from commerce.states import Purpose
from tenants.engine.invoice_pdf import Party, Sheet, SheetLine, invoice_pdf
from tenants.models import Invoice
from tenants.states import INVOICE_OPEN, InvoiceStatus

STATUS_WORDS: dict[InvoiceStatus, tuple[str, str]] = {
    InvoiceStatus.PENDING: ("Belum dibayar", "Unpaid"),
    InvoiceStatus.COMPLETED: ("Lunas", "Paid"),
    InvoiceStatus.FAILED: ("Bukti pembayaran ditolak", "Payment proof rejected"),
    InvoiceStatus.OVERDUE: ("Lewat jatuh tempo", "Overdue"),
    InvoiceStatus.CANCELLED: ("Dibatalkan", "Cancelled"),
}


def invoice_document(invoice: Invoice) -> bytes:
    """Return an invoice as PDF, as it stands now: paid and cancelled ones ask for nothing. Two or three queries."""
    return invoice_pdf(sheet_of(invoice))


def sheet_of(invoice: Invoice) -> Sheet:
    """Return what the page of an invoice shows."""
    status = InvoiceStatus(invoice.status)
    indonesian, english = STATUS_WORDS[status]
    return Sheet(
        number=invoice.invoice_number, status=status.value, status_id=indonesian, status_en=english,
        issued_on=invoice.created_at.date(), issuer=_issuer(), billed=_billed(invoice), facts=_facts(invoice),
        lines=tuple(
            SheetLine(item["description"], item["quantity"], Decimal(item["unit_price"]), Decimal(item["total"]))
            for item in invoice.items
        ),
        amount=invoice.amount, tax_rate=invoice.tax_rate, tax_amount=invoice.tax_amount,
        total_amount=invoice.total_amount, how_to_pay=_how_to_pay(invoice) if status in INVOICE_OPEN else (),
    )  # fmt: skip


def _issuer() -> Party:
    tax_id = f"NPWP {settings.INVOICE_ISSUER_TAX_ID}" if settings.INVOICE_ISSUER_TAX_ID else ""
    return Party(settings.INVOICE_ISSUER_NAME, (settings.INVOICE_ISSUER_ADDRESS, tax_id))


def _billed(invoice: Invoice) -> Party:
    told = invoice.bill_to
    contact = " · ".join(word for word in (told["email"], told["phone"]) if word)
    return Party(told["name"], tuple(line for line in (told["address"], contact) if line))


def _facts(invoice: Invoice) -> tuple[tuple[str, str, str], ...]:
    plan = invoice.subscription.plan
    paid = [("Dibayar pada", "Paid on", date_id(invoice.paid_date))] if invoice.paid_date else []
    return (
        ("Tanggal invoice", "Invoice date", date_id(invoice.created_at)),
        ("Jatuh tempo", "Due date", date_id(invoice.due_date)),
        *paid,
        ("Paket", "Plan", f"{plan.name} ({plan.duration_months} bulan / months)"),
        ("Periode", "Period", _period(invoice)),
        ("Kuota peserta", "Participant quota", f"{invoice.user_quota:,}".replace(",", ".")),
    )


def _period(invoice: Invoice) -> str:
    if invoice.period_start is None or invoice.period_end is None:
        return f"{invoice.months} bulan sejak akhir langganan / months from the end of the subscription"
    return f"{date_id(invoice.period_start)} - {date_id(invoice.period_end)} ({invoice.months} bulan / months)"


def _how_to_pay(invoice: Invoice) -> tuple[tuple[str, str], ...]:
    payment = payment_latest(Purpose.INVOICE, invoice.pk)
    number = f" ({payment.payment_number})" if payment else ""
    account = settings.INVOICE_BANK_ACCOUNT
    to_id, to_en = (f" ke {account}", f" to {account}") if account else ("", "")
    link = f"{settings.FRONTEND_URL}/invoices/{invoice.pk}"
    return (
        (
            f"Transfer jumlah total{to_id} dengan berita {invoice.invoice_number}.",
            f"Transfer the total{to_en}, quoting {invoice.invoice_number}.",
        ),
        (
            f"Unggah bukti pembayaran{number} (JPG, PNG atau PDF, maksimal 5 MB) di {link}.",
            f"Upload the proof of payment (JPG, PNG or PDF, at most 5 MB) at {link}.",
        ),
        (
            "Kami memverifikasi pembayaran dan mengabari Anda melalui email.",
            "We verify the payment and tell you by e-mail.",
        ),
    )
