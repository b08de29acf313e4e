"""What a private buyer has ordered, and how it is paid. Contract 2.5, 2.6."""

from dataclasses import replace
from typing import Any, ClassVar

from cbt.http.face import Ok
from cbt.http.pages import choice_of, page_of
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import FaceView, Scope
from cbt.kernel import clock
from cbt.kernel.errors import ErrorCode as E
from cbt.kernel.errors import invalid, not_found
from cbt.kernel.permissions import Perm
from commerce.api import examples
from commerce.api.shapes import (
    CatalogTestOut,
    PaymentOut,
    ProofIn,
    PurchasedTestOut,
    TransactionOut,
    payment_shape,
    transaction_shape,
)
from commerce.models import Payment
from commerce.selectors.orders import transaction_for, transaction_list_for
from commerce.selectors.payments import NOT_FOUND, payment_latest, payments_latest
from commerce.selectors.purchases import purchases_of
from commerce.services.payments import payment_proof_upload
from commerce.services.proofs import PROOF_MAX_BYTES
from commerce.states import Purpose, TransactionStatus

OWN_ERRORS = (E.UNAUTHENTICATED, E.FORBIDDEN)


class TransactionView(FaceView):
    """A view of a private buyer over the own orders."""

    permission: ClassVar[Perm] = Perm.VIEW_TRANSACTIONS
    role = "public_user"
    rate = Rate.STAFF
    scope = Scope.SELF


def transaction_data(transaction_id: int, request: Request) -> dict[str, Any]:
    """Return one order of the caller as it is written."""
    order = transaction_for(request.actor, transaction_id)
    return transaction_shape(order, payment_latest(Purpose.TRANSACTION, order.pk), request)


def payment_of(transaction_id: int, request: Request) -> Payment:
    """Return the newest payment of one order of the caller."""
    order = transaction_for(request.actor, transaction_id, message=NOT_FOUND)
    payment = payment_latest(Purpose.TRANSACTION, order.pk)
    if payment is None:
        raise not_found(NOT_FOUND)
    return payment


class Transactions(TransactionView):
    """All orders of the caller."""

    @documented(
        "Get transaction history", response=TransactionOut, paged=True, errors=(*OWN_ERRORS, E.VALIDATION_ERROR),
        query=[("status", ", ".join(word.value for word in TransactionStatus))],
    )  # fmt: skip
    def get(self, request: Request) -> Ok:
        """A page of orders, newest first."""
        status = choice_of(request, "status", {word.value for word in TransactionStatus})
        rows = transaction_list_for(request.actor, status=status)
        page = page_of(rows, request, lambda row: row)
        payments = payments_latest(Purpose.TRANSACTION, [order.pk for order in page.items])
        items = [transaction_shape(order, payments.get(order.pk), request) for order in page.items]
        return Ok(page=replace(page, items=items))


class PurchasedTests(TransactionView):
    """All tests the caller has bought."""

    @documented("Get purchased tests", response=PurchasedTestOut, paged=True, errors=(*OWN_ERRORS, E.VALIDATION_ERROR))
    def get(self, request: Request) -> Ok:
        """A page of tests, bought last first."""
        page = page_of(purchases_of(request.actor.id or 0), request, _purchased)
        return Ok(page=page, message="Purchased tests retrieved successfully")


def _purchased(purchase: Any) -> dict[str, Any]:
    return {
        "test": CatalogTestOut(purchase.test).data,
        "purchased_at": clock.iso(purchase.purchased_at),
        "transaction_number": purchase.transaction_number,
    }


class TransactionShow(TransactionView):
    """One order."""

    @documented(
        "Get transaction details", response=TransactionOut, errors=(*OWN_ERRORS, E.NOT_FOUND),
        answer=examples.answer(examples.TRANSACTION, "Transaction details retrieved successfully"),
    )  # fmt: skip
    def get(self, request: Request, transaction_id: int) -> Ok:
        """Items at the prices of the checkout, and the newest payment."""
        return Ok(transaction_data(transaction_id, request), message="Transaction details retrieved successfully")


class TransactionPayment(TransactionView):
    """How an order is paid."""

    @documented(
        "Get payment for transaction", response=PaymentOut, errors=(*OWN_ERRORS, E.NOT_FOUND),
        answer=examples.answer(examples.PAYMENT, "Payment retrieved successfully"),
    )  # fmt: skip
    def get(self, request: Request, transaction_id: int) -> Ok:
        """The newest payment of the order."""
        return Ok(payment_shape(payment_of(transaction_id, request), request), message="Payment retrieved successfully")


class ProofUpload(TransactionView):
    """Show that an order was paid."""

    permission = Perm.PURCHASE_TESTS
    # Above the limit of a proof, so that one a little too large is told so as a fault of its field.
    max_body_bytes = 4 * PROOF_MAX_BYTES

    @documented(
        "Upload payment proof", request=ProofIn, response=PaymentOut, multipart=True,
        errors=(*OWN_ERRORS, E.NOT_FOUND, E.VALIDATION_ERROR, E.BUSINESS_RULE, E.PAYLOAD_TOO_LARGE),
        answer=examples.answer(
            examples.PAYMENT, "Payment proof uploaded successfully. Waiting for verification."
        ),
    )  # fmt: skip
    def post(self, request: Request, transaction_id: int) -> Ok:
        """Store the proof; after a rejection it opens a new payment and the order waits again."""
        payment = payment_of(transaction_id, request)
        data = ProofIn.parse(request)
        if data.get("transaction_id") not in {None, transaction_id}:
            raise invalid(transaction_id="The transaction id does not match the address.")
        upload = data["proof_file"]
        payment = payment_proof_upload(
            payment_id=payment.pk, data=upload.read(PROOF_MAX_BYTES + 1), filename=upload.name,
            notes=data.get("notes"), actor=request.actor, now=clock.now(),
        )  # fmt: skip
        return Ok(
            payment_shape(payment, request), message="Payment proof uploaded successfully. Waiting for verification."
        )
