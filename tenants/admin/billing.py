"""Pages of transactions and invoices: to look at. They change by payments, which have pages of their own."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from cbt.http.admin_pages import ReadOnly
from cbt.http.files import file_answer
from commerce.models import Payment
from commerce.states import Purpose
from tenants.models import Invoice, SubscriptionTransaction
from tenants.selectors.invoice_sheets import invoice_document


@admin.register(SubscriptionTransaction)
class TransactionPage(ReadOnly, admin.ModelAdmin):
    """Payments in advance."""

    list_display = ("transaction_number", "company", "amount", "status", "created_at", "completed_at")
    list_filter = ("status", "created_at")
    list_select_related = ("subscription__company",)
    search_fields = ("transaction_number", "subscription__company__name")
    date_hierarchy = "created_at"

    @admin.display(description="company", ordering="subscription__company__name")
    def company(self, row: SubscriptionTransaction) -> str:
        """Name of the company."""
        return row.subscription.company.name


@admin.register(Invoice)
class InvoicePage(ReadOnly, admin.ModelAdmin):
    """Bills, each with the attempts to pay it and its printed page."""

    list_display = ("invoice_number", "company", "kind", "total_amount", "status", "due_date", "paid_date", "pdf")
    list_filter = ("status", "kind", "due_date")
    list_select_related = ("company",)
    search_fields = ("invoice_number", "company__name", "company__email")
    search_help_text = "Number of the invoice, name or e-mail of the company"
    date_hierarchy = "created_at"
    fields = (
        "invoice_number", "pdf", "payments", "company", "subscription", "kind", "months", "user_quota",
        "period_start", "period_end", "lines", "amount", "tax_rate", "tax_amount", "total_amount",
        "due_date", "paid_date", "status", "created_at", "updated_at",
    )  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        """With the address of the printed page."""
        view = self.admin_site.admin_view(self.print_view)
        return [path("<int:invoice_id>/pdf/", view, name="tenants_invoice_pdf"), *super().get_urls()]

    def print_view(self, request: HttpRequest, invoice_id: int) -> HttpResponse:
        """Show the PDF."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = Invoice.objects.select_related("subscription__plan").filter(pk=invoice_id).first()
        if row is None:
            raise Http404
        return file_answer(f"{row.invoice_number}.pdf", invoice_document(row), "application/pdf", inline=True)

    @admin.display(description="PDF")
    def pdf(self, row: Invoice) -> SafeString:
        """Link to the printed page."""
        return format_html('<a href="{}">Open PDF</a>', reverse("admin:tenants_invoice_pdf", args=[row.pk]))

    @admin.display(description="lines")
    def lines(self, row: Invoice) -> SafeString:
        """What is billed."""
        items = [(item["quantity"], item["description"], item["unit_price"], item["total"]) for item in row.items]
        return format_html_join("", "<div>{} x {} at {}: {}</div>", items)

    @admin.display(description="payments")
    def payments(self, row: Invoice) -> str:
        """Every attempt to pay, newest first, each with a link to the page where it is decided."""
        rows = Payment.objects.filter(purpose=Purpose.INVOICE, payable_id=row.pk).order_by("-pk")
        links = [
            (reverse("admin:commerce_payment_change", args=[one.pk]), one.payment_number, one.status) for one in rows
        ]
        return format_html_join(", ", '<a href="{}">{}</a> ({})', links) or "-"
