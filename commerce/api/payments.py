"""Staff verifies payments, whatever they are for. Contract 7.6."""

from cbt.http.face import Ok
from cbt.http.pages import page_of
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import FaceView, Scope
from cbt.kernel import clock
from cbt.kernel.errors import ErrorCode as E
from cbt.kernel.errors import invalid
from cbt.kernel.permissions import Perm
from commerce.api import examples
from commerce.api.shapes import PaymentOut, VerifyIn, payment_shape
from commerce.selectors.payments import payment_for, payment_list_for
from commerce.services.payments import payment_decide
from commerce.states import PaymentMethod, PaymentStatus

STAFF_ERRORS = (E.UNAUTHENTICATED, E.FORBIDDEN)


class PaymentView(FaceView):
    """A view of staff over all payments."""

    permission = Perm.MANAGE_PAYMENTS
    rate = Rate.STAFF
    scope = Scope.ALL


class AllPayments(PaymentView):
    """Every payment."""

    @documented(
        "Get all payments", response=PaymentOut, paged=True, errors=STAFF_ERRORS,
        query=[
            ("status", ", ".join(word.value for word in PaymentStatus) + "; anything else is ignored"),
            ("method", ", ".join(word.value for word in PaymentMethod) + "; anything else is ignored"),
        ],
    )  # fmt: skip
    def get(self, request: Request) -> Ok:
        """A page of payments, newest first."""
        rows = payment_list_for(request.actor)
        status, method = (request.query_params.get(name, "").strip() for name in ("status", "method"))
        if status in set(PaymentStatus):
            rows = rows.filter(status=status)
        if method in set(PaymentMethod):
            rows = rows.filter(method=method)
        return Ok(page=page_of(rows, request, lambda row: payment_shape(row, request)))


class PendingPayments(PaymentView):
    """What waits for a decision."""

    @documented("Get pending payments", response=PaymentOut, paged=True, errors=STAFF_ERRORS)
    def get(self, request: Request) -> Ok:
        """A page of pending payments, newest first."""
        rows = payment_list_for(request.actor).filter(status=PaymentStatus.PENDING)
        return Ok(page=page_of(rows, request, lambda row: payment_shape(row, request)))


class PaymentShow(PaymentView):
    """One payment to look at before deciding."""

    @documented(
        "Get payment details", response=PaymentOut, errors=(*STAFF_ERRORS, E.NOT_FOUND),
        answer=examples.answer(examples.PAYMENT, "Success"),
    )  # fmt: skip
    def get(self, request: Request, payment_id: int) -> Ok:
        """Show it with its proof."""
        return Ok(payment_shape(payment_for(request.actor, payment_id), request))


class PaymentVerify(PaymentView):
    """Decide."""

    @documented(
        "Verify payment", request=VerifyIn, response=PaymentOut, example=examples.VERIFY,
        errors=(*STAFF_ERRORS, E.VALIDATION_ERROR, E.BUSINESS_RULE),
        answer=examples.answer(
            {**examples.PAYMENT, "status": "paid", "paid_at": "2024-01-01T00:00:00Z"},
            "Payment verified and approved successfully.",
        ),
    )  # fmt: skip
    def post(self, request: Request) -> Ok:
        """Approve or reject; what is paid for follows at once, the payer is mailed."""
        data = VerifyIn.parse(request)
        if not payment_list_for(request.actor).filter(pk=data["payment_id"]).exists():
            raise invalid(payment_id="The selected payment id is invalid.")
        payment = payment_decide(
            payment_id=data["payment_id"], approved=data["approved"], notes=data.get("notes"),
            actor=request.actor, now=clock.now(),
        )  # fmt: skip
        approved = "Payment verified and approved successfully."
        return Ok(
            payment_shape(payment, request), message=approved if data["approved"] else "Payment verification rejected."
        )
