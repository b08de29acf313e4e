"""Routes by which a company pays: its payments and invoices. Source: primary contract 8.3, 8.4, details 2.13."""

from django.http import HttpResponse
from rest_framework import serializers

from cbt.http import pages
from cbt.http.face import Ok
from cbt.http.fields import IdField, Input
from cbt.http.files import file_answer
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Scope
from cbt.kernel import clock
from cbt.kernel.errors import ErrorCode as E
from cbt.kernel.permissions import Perm
from commerce.api.shapes import PaymentOut, payment_shape
from commerce.selectors.payments import payment_for, payment_list_for
from commerce.services.payments import payment_proof_upload
from commerce.services.proofs import PROOF_MAX_BYTES
from tenants.api.base import TenantView
from tenants.api.subscription_shapes import InvoiceDetailOut, InvoiceOut, invoice_detail, invoice_shape
from tenants.selectors.billing import invoice_for, invoices_for
from tenants.selectors.invoice_sheets import invoice_document
from tenants.states import InvoiceStatus

ACCESS = (E.UNAUTHENTICATED, E.FORBIDDEN, E.COMPANY_ADMIN_NOT_FOUND, E.COMPANY_INACTIVE)


class CompanyProofIn(Input):
    """A proof of payment."""

    payment_id = IdField()
    proof_file = serializers.FileField(help_text="jpg, jpeg, png or pdf, at most 5120 KB", allow_empty_file=True)
    notes = serializers.CharField(max_length=1000, required=False, allow_null=True, allow_blank=True)


class BillingView(TenantView):
    """A company's own; open without a subscription."""

    permission = Perm.PURCHASE_SUBSCRIPTION
    rate = Rate.STAFF
    scope = Scope.COMPANY
    needs_subscription = False


class Payments(BillingView):
    """All payments of the company."""

    @documented("List payments", response=PaymentOut, paged=True, errors=(*ACCESS, E.VALIDATION_ERROR))
    def get(self, request: Request) -> Ok:
        """Return a page of the payments for subscriptions and invoices, newest first. Source: also details W-63."""
        rows = payment_list_for(request.actor).order_by("-created_at", "-id")
        return Ok(page=pages.page_of(rows, request, lambda row: payment_shape(row, request)))


class OnePayment(BillingView):
    """One payment of the company."""

    @documented("Get payment details", response=PaymentOut, errors=(*ACCESS, E.NOT_FOUND))
    def get(self, request: Request, payment: int) -> Ok:
        """Return it."""
        return Ok(payment_shape(payment_for(request.actor, payment), request))


class UploadProof(BillingView):
    """Show that something was paid."""

    max_body_bytes = 4 * PROOF_MAX_BYTES

    @documented(
        "Upload payment proof", request=CompanyProofIn, response=PaymentOut, multipart=True,
        errors=(*ACCESS, E.NOT_FOUND, E.VALIDATION_ERROR, E.BUSINESS_RULE, E.CONFLICT, E.PAYLOAD_TOO_LARGE),
    )  # fmt: skip
    def post(self, request: Request) -> Ok:
        """Store the proof; after a rejection it opens a new payment for the same thing."""
        data = CompanyProofIn.parse(request)
        proof = data["proof_file"]
        payment = payment_proof_upload(
            payment_id=payment_for(request.actor, data["payment_id"]).pk,
            data=proof.read(PROOF_MAX_BYTES + 1),
            filename=proof.name,
            notes=data.get("notes"),
            actor=request.actor,
            now=clock.now(),
        )
        message = "Payment proof uploaded successfully. Waiting for verification."
        return Ok(payment_shape(payment, request), message=message)


class Invoices(BillingView):
    """All invoices of the company."""

    permission = Perm.VIEW_INVOICES

    @documented(
        "List invoices", response=InvoiceOut, paged=True, errors=(*ACCESS, E.VALIDATION_ERROR),
        query=[("status", ", ".join(status.value for status in InvoiceStatus))],
    )  # fmt: skip
    def get(self, request: Request) -> Ok:
        """Return a page of the invoices, newest first. Source: also details W-63."""
        rows = invoices_for(request.actor)
        status = pages.choice_of(request, "status", {word.value for word in InvoiceStatus})
        if status is not None:
            rows = rows.filter(status=status)
        return Ok(page=pages.page_of(rows, request, invoice_shape))


class OneInvoice(BillingView):
    """One invoice of the company."""

    permission = Perm.VIEW_INVOICES

    @documented("Get invoice details", response=InvoiceDetailOut, errors=(*ACCESS, E.NOT_FOUND))
    def get(self, request: Request, invoice: int) -> Ok:
        """Return it with every attempt to pay it."""
        return Ok(invoice_detail(invoice_for(request.actor, invoice), request))


class InvoicePdf(BillingView):
    """One invoice to print: of the company, or any for staff of the house."""

    permission = Perm.VIEW_INVOICES
    admits_super_admin = True

    @documented("Download an invoice as PDF", binary="application/pdf", errors=(*ACCESS, E.NOT_FOUND))
    def get(self, request: Request, invoice: int) -> HttpResponse:
        """Return the file; Indonesian, with English beside it."""
        row = invoice_for(request.actor, invoice)
        return file_answer(f"{row.invoice_number}.pdf", invoice_document(row), "application/pdf")
