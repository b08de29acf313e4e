"""Reads of payments, within what the reader may see."""

from collections.abc import Iterable

from django.db.models import QuerySet

from accounts.states import Role
from cbt.kernel.actor import Actor, ActorKind
from cbt.kernel.errors import not_found
from commerce.models import Payment
from commerce.states import Purpose

NOT_FOUND = "Payment not found"


def payment_list_for(actor: Actor) -> QuerySet[Payment]:
    """Payments the actor may see, newest first: staff all, a company's admin its company's, a buyer the own ones."""
    if actor.is_super_admin or actor.kind is ActorKind.SYSTEM:
        return Payment.objects.all()
    if actor.role == Role.TENANT_ADMIN and actor.company_id is not None:
        return Payment.objects.filter(company_id=actor.company_id)
    if actor.role == Role.PUBLIC_USER and actor.id is not None:
        return Payment.objects.filter(user_id=actor.id)
    return Payment.objects.none()


def payment_for(actor: Actor, payment_id: int) -> Payment:
    """One payment the actor may see. Raises NOT_FOUND, alike for absent and foreign ones."""
    payment = payment_list_for(actor).filter(pk=payment_id).first()
    if payment is None:
        raise not_found(NOT_FOUND)
    return payment


def payments_latest(purpose: Purpose, payable_ids: Iterable[int]) -> dict[int, Payment]:
    """Return {payable id: its newest payment}; one query."""
    rows = Payment.objects.filter(purpose=purpose, payable_id__in=list(payable_ids)).order_by("pk")
    return {row.payable_id: row for row in rows}


def payment_latest(purpose: Purpose | str, payable_id: int) -> Payment | None:
    """Return the newest payment of one payable, or None."""
    return Payment.objects.filter(purpose=purpose, payable_id=payable_id).order_by("-pk").first()
