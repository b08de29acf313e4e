"""Orders, to look at: they change by what happens to their payments."""

from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html_join

from cbt.http.admin_pages import ReadOnly
from commerce.models import Payment, PublicTransaction, PublicTransactionItem
from commerce.states import Purpose


class ItemInline(ReadOnly, admin.TabularInline):
    """The tests of an order at the prices of its checkout."""

    model = PublicTransactionItem
    fields = ("test", "price_amount")
    extra = 0

    def get_queryset(self, request: Any) -> Any:
        """With the tests."""
        return super().get_queryset(request).select_related("test")


@admin.register(PublicTransaction)
class TransactionPage(ReadOnly, admin.ModelAdmin):
    """Orders of private buyers."""

    list_display = ("transaction_number", "user_email", "total_amount", "status", "created_at")
    list_filter = ("status", "created_at")
    list_select_related = ("user",)
    search_fields = ("transaction_number", "user__email", "user__name", "items__test__code", "items__test__name")
    date_hierarchy = "created_at"
    inlines = (ItemInline,)
    fields = ("transaction_number", "user_email", "total_amount", "status", "payments", "created_at", "updated_at")

    @admin.display(description="user", ordering="user__email")
    def user_email(self, row: PublicTransaction) -> str | None:
        """E-mail."""
        return row.user.email

    @admin.display(description="payments")
    def payments(self, row: PublicTransaction) -> str:
        """Every attempt to pay, newest first, each with a link to its page."""
        rows = Payment.objects.filter(purpose=Purpose.TRANSACTION, payable_id=row.pk).order_by("-pk")
        links = [
            (reverse("admin:commerce_payment_change", args=[one.pk]), one.payment_number, one.status) for one in rows
        ]
        return format_html_join(", ", '<a href="{}">{}</a> ({})', links) or "-"
