"""Pages of transactions and invoices: to look at. They change by payments, which have pages of their own."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from tenants.models import Invoice, SubscriptionTransaction


class HistoryPage(admin.ModelAdmin):
    """Rows nobody edits."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say no."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no."""
        return False


@admin.register(SubscriptionTransaction)
class TransactionPage(HistoryPage):
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
class InvoicePage(HistoryPage):
    """Bills."""

    list_display = ("invoice_number", "company", "kind", "total_amount", "status", "due_date", "paid_date")
    list_filter = ("status", "kind", "due_date")
    list_select_related = ("company",)
    search_fields = ("invoice_number", "company__name", "company__email")
    date_hierarchy = "created_at"
