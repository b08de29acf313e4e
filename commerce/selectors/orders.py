"""Reads of orders, within what the reader may see."""

from django.db.models import Prefetch, QuerySet

from accounts.states import Role
from cbt.kernel.actor import Actor
from cbt.kernel.errors import not_found
from commerce.models import PublicTransaction, PublicTransactionItem


def transaction_list_for(actor: Actor, *, status: str | None = None) -> QuerySet[PublicTransaction]:
    """Orders of the actor, newest first, with items, tests and categories; nobody else's."""
    rows = PublicTransaction.objects.none()
    if actor.role == Role.PUBLIC_USER and actor.id is not None:
        rows = PublicTransaction.objects.filter(user_id=actor.id)
    if status is not None:
        rows = rows.filter(status=status)
    items = PublicTransactionItem.objects.select_related("test__category").order_by("pk")
    return rows.prefetch_related(Prefetch("items", queryset=items)).order_by("-created_at", "-pk")


def transaction_for(actor: Actor, transaction_id: int, *, message: str = "Transaction not found") -> PublicTransaction:
    """One order of the actor. Raises NOT_FOUND with ``message``, alike for absent and foreign ones."""
    found = transaction_list_for(actor).filter(pk=transaction_id).first()
    if found is None:
        raise not_found(message)
    return found


def transaction_by_key(user_id: int, idempotency_key: str) -> PublicTransaction | None:
    """Return the order an earlier checkout with this key made, or None."""
    if not idempotency_key:
        return None
    return PublicTransaction.objects.filter(user_id=user_id, idempotency_key=idempotency_key).first()
