"""Mails about orders and payments, written when they are sent."""

from collections.abc import Mapping
from decimal import Decimal

from django.conf import settings
from django.db.models import QuerySet

from accounts.models import User
from accounts.states import Role
from cbt.kernel import mail
from cbt.kernel.mail import MailContent
from cbt.kernel.models import OutgoingMail
from commerce.models import Payment, PublicTransaction
from commerce.states import PaymentStatus, TransactionStatus

DECIDED = "commerce.payment_decided"
CHECKOUT = "commerce.checkout"
PAYMENT_TYPE = "commerce.payment"
TRANSACTION_TYPE = "commerce.publictransaction"


def rupiah(amount: Decimal) -> str:
    """Write an amount as mails do: ``Rp 1.234.567``; cents only where there are some."""
    whole, _, cents = f"{amount:.2f}".partition(".")
    text = f"Rp {int(whole):,}".replace(",", ".")
    return text if cents == "00" else f"{text},{cents}"


@mail.kind(DECIDED)
def payment_decided_mail(context: Mapping[str, object]) -> MailContent | None:
    """Write that a payment was verified or rejected. Source: details 7."""
    payment = Payment.objects.filter(pk=int(str(context["payment_id"]))).first()
    user = User.objects.filter(pk=int(str(context["user_id"]))).first()
    if payment is None or user is None or payment.decided_at is None:
        return None
    approved = payment.status == PaymentStatus.PAID
    return MailContent(
        subject=f"Pembayaran {'Diverifikasi' if approved else 'Ditolak'} - {settings.BRAND}",
        template="commerce/payment_decided",
        context={
            "name": user.name, "payment": payment, "amount": rupiah(payment.amount), "approved": approved,
            "link": f"{settings.FRONTEND_URL}/payments/{payment.pk}",
        },
    )  # fmt: skip


@mail.kind(CHECKOUT)
def checkout_mail(context: Mapping[str, object]) -> MailContent | None:
    """Write what was ordered and what happens next."""
    order = PublicTransaction.objects.select_related("user").filter(pk=int(str(context["transaction_id"]))).first()
    if order is None:
        return None
    items = [(item.test.name, rupiah(item.price_amount)) for item in order.items.select_related("test")]
    return MailContent(
        subject=f"Konfirmasi Pesanan - {settings.BRAND}",
        template="commerce/checkout",
        context={
            "name": order.user.name, "number": order.transaction_number, "items": items,
            "total": rupiah(order.total_amount), "is_completed": order.status == TransactionStatus.COMPLETED,
            "link": f"{settings.FRONTEND_URL}/transactions/{order.pk}",
        },
    )  # fmt: skip


def payment_mails_enqueue(*, payment: Payment) -> list[OutgoingMail]:
    """Tell the payer (a buyer, or every admin of the company) how it was decided; in the caller's transaction."""
    users = User.objects.filter(pk=payment.user_id) if payment.user_id else _admins_of(payment.company_id)
    mails = [
        mail.enqueue(
            DECIDED,
            to=user.email,
            context={"payment_id": payment.pk, "user_id": user.pk},
            dedupe_key=f"payment-decided:{payment.pk}:{user.pk}",
            company_id=payment.company_id,
            about=(PAYMENT_TYPE, payment.pk),
        )
        for user in users.order_by("pk")
        if user.email
    ]
    return [row for row in mails if row is not None]


def _admins_of(company_id: int | None) -> QuerySet[User]:
    if company_id is None:
        return User.objects.none()
    return User.objects.filter(company_id=company_id, role=Role.TENANT_ADMIN, is_active=True)


def checkout_mail_enqueue(*, order: PublicTransaction) -> OutgoingMail | None:
    """Confirm an order to its buyer; in the caller's transaction."""
    address = order.user.email
    if address is None:
        return None
    return mail.enqueue(
        CHECKOUT,
        to=address,
        context={"transaction_id": order.pk},
        dedupe_key=f"checkout:{order.pk}",
        about=(TRANSACTION_TYPE, order.pk),
    )
