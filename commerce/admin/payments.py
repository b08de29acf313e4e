"""Payments: the proof beside the two buttons that decide."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from accounts.admin import actor_of
from cbt.http.admin_pages import ReadOnly
from cbt.kernel import clock, storage
from cbt.kernel.errors import DomainError
from commerce.models import Payment, PublicTransaction
from commerce.services.mails import rupiah
from commerce.services.payments import payment_decide
from commerce.states import PaymentStatus, Purpose

#: The pages of what is paid: of other apps too, known by name only.
PAGES = {
    Purpose.TRANSACTION: "admin:commerce_publictransaction_change",
    Purpose.SUBSCRIPTION_TRANSACTION: "admin:tenants_subscriptiontransaction_change",
    Purpose.INVOICE: "admin:tenants_invoice_change",
}


class DecisionForm(forms.Form):
    """What the buttons send. seen_proof: the proof that stood on the page."""

    decision = forms.ChoiceField(choices=[("approve", "approve"), ("reject", "reject")])
    notes = forms.CharField(max_length=1000, required=False)
    seen_proof = forms.CharField(max_length=255, required=False)


class ProofFilter(admin.SimpleListFilter):
    """With or without a proof."""

    title = "proof"
    parameter_name = "proof"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Both."""
        return [("yes", "uploaded"), ("no", "missing")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Payment]) -> QuerySet[Payment]:
        """Narrow."""
        if self.value() is None:
            return queryset
        return queryset.exclude(proof_file="") if self.value() == "yes" else queryset.filter(proof_file="")


@admin.register(Payment)
class PaymentPage(ReadOnly, admin.ModelAdmin):
    """Payments of buyers and companies. A row changes only by its decision."""

    change_form_template = "admin/commerce/payment.html"
    list_display = (
        "payment_number", "purpose", "payer", "amount", "status", "has_proof", "proof_uploaded_at", "created_at",
    )  # fmt: skip
    list_filter = ("status", ProofFilter, "purpose", "method", "created_at")
    list_select_related = ("user",)
    search_fields = ("payment_number", "user__email", "user__name", "notes", "verifier_notes")
    search_help_text = "Payment or transaction number, e-mail or name of the payer, or a note"
    date_hierarchy = "created_at"
    fields = (
        "payment_number", "purpose", "payable", "payer", "amount", "method", "status", "notes", "proof_uploaded_at",
        "verifier_notes", "paid_at", "decided_at", "decided_by", "created_at", "updated_at",
    )  # fmt: skip

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Payment], search_term: str) -> Any:
        """Find payments by the number of their order, too."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if search_term.strip():
            orders = PublicTransaction.objects.filter(transaction_number__icontains=search_term.strip())
            ids = orders.values("pk")
            found |= queryset.filter(Q(purpose=Purpose.TRANSACTION) & Q(payable_id__in=ids))
        return found, may_repeat

    @admin.display(description="payer", ordering="user__email")
    def payer(self, row: Payment) -> str | None:
        """E-mail of the buyer, or a link to the company."""
        if row.user is not None or row.company_id is None:
            return row.user.email if row.user else "-"
        address = reverse("admin:tenants_company_change", args=[row.company_id])
        return format_html('<a href="{}">company {}</a>', address, row.company_id)

    @admin.display(description="proof", boolean=True, ordering="proof_file")
    def has_proof(self, row: Payment) -> bool:
        """Whether there is something to look at."""
        return bool(row.proof_file)

    @admin.display(description="for")
    def payable(self, row: Payment) -> str:
        """What is paid, with a link to its page."""
        address = reverse(PAGES[Purpose(row.purpose)], args=[row.payable_id])
        return format_html('<a href="{}">{} {}</a>', address, row.purpose, row.payable_id)

    def get_urls(self) -> list[URLPattern]:
        """With the address of the buttons."""
        decide = self.admin_site.admin_view(self.decide)
        return [path("<int:payment_id>/decide/", decide, name="commerce_payment_decide"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the row, its proof, and the buttons while it waits."""
        row = self.get_object(request, object_id)
        extra = {**(extra_context or {}), "payment": row, "title": "Payment"}
        if row is not None:
            extra |= {
                "amount": rupiah(row.amount),
                "is_waiting": row.status == PaymentStatus.PENDING,
                "proof_path": storage.signed_path(row.proof_file) if row.proof_file else "",
                "is_picture": row.proof_file.endswith((".jpg", ".png")),
            }
        return super().change_view(request, object_id, form_url, extra)

    def decide(self, request: HttpRequest, payment_id: int) -> HttpResponse:
        """Approve or reject through the service, and show the row again."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        form = DecisionForm(request.POST)
        if form.is_valid():
            self._decided(request, payment_id, form.cleaned_data)
        else:
            texts = [str(text) for errors in form.errors.values() for text in errors]
            self.message_user(request, " ".join(texts), messages.ERROR)
        return HttpResponseRedirect(reverse("admin:commerce_payment_change", args=[payment_id]))

    def _decided(self, request: HttpRequest, payment_id: int, data: dict[str, Any]) -> None:
        approved = data["decision"] == "approve"
        try:
            payment_decide(
                payment_id=payment_id, approved=approved, notes=data["notes"], actor=actor_of(request),
                now=clock.now(), seen_proof=data["seen_proof"],
            )  # fmt: skip
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
            return
        text = "The payment was approved." if approved else "The payment was rejected."
        self.message_user(request, text, messages.SUCCESS)
