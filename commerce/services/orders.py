"""The life of an order after checkout. Every change of its state goes through `transaction_move`."""

from datetime import datetime

from cbt.kernel import audit
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode, not_found
from commerce.models import Payment, PublicTransaction
from commerce.selectors.carts import spoken_for
from commerce.services.carts import cart_ensure
from commerce.services.purchases import purchase_store
from commerce.states import TRANSACTION_MOVES, TransactionStatus


def lock_transaction(transaction_id: int) -> PublicTransaction:
    """Return an order, its row locked until the transaction ends. Raises NOT_FOUND."""
    order = PublicTransaction.objects.select_for_update().filter(pk=transaction_id).first()
    if order is None:
        raise not_found("Transaction not found")
    return order


def transaction_move(*, order: PublicTransaction, to: TransactionStatus, actor: Actor, now: datetime) -> None:
    """Move a locked order to another state. Raises BUSINESS_RULE for a move the table does not allow."""
    old = TransactionStatus(order.status)
    if to not in TRANSACTION_MOVES[old]:
        raise DomainError(ErrorCode.BUSINESS_RULE, f"A transaction that is {old.value} cannot become {to.value}.")
    order.status, order.updated_at = to.value, now
    order.save(update_fields=["status", "updated_at"])
    audit.record("commerce.transaction.moved", actor=actor, obj=order, old=old.value, new=to.value)


def transaction_paid(*, payable_id: int, payment: Payment, now: datetime, actor: Actor) -> None:
    """Complete the order and grant its tests, also those taken off the offer since: they are paid.

    Source: primary contract 7.6; details 4.
    """
    order = lock_transaction(payable_id)
    transaction_move(order=order, to=TransactionStatus.COMPLETED, actor=actor, now=now)
    for test_id in order.items.order_by("pk").values_list("test_id", flat=True):
        purchase_store(user_id=order.user_id, test_id=test_id, now=now, actor=actor, number=order.transaction_number)


def transaction_failed(*, payable_id: int, payment: Payment, now: datetime, actor: Actor) -> None:
    """Mark the order failed; a new proof may follow. Source: primary contract 7.6, W-22."""
    transaction_move(order=lock_transaction(payable_id), to=TransactionStatus.FAILED, actor=actor, now=now)


def transaction_reopened(*, payable_id: int, payment: Payment, now: datetime, actor: Actor) -> None:
    """Let a failed order wait again, now that a new proof has come.

    Raises BUSINESS_RULE when one of its tests was bought or ordered otherwise in the meantime. The cart's lock is
    the one checkout takes: of an old order that returns and a new one of the same test only one goes through.
    """
    order = lock_transaction(payable_id)
    cart_ensure(order.user_id, now)
    names = dict(order.items.values_list("test_id", "test__name"))
    taken = spoken_for(order.user_id, list(names), besides=order.pk)
    if taken.owned:
        raise DomainError(ErrorCode.BUSINESS_RULE, f"Some tests are already purchased: {_named(names, taken.owned)}")
    if taken.ordered:
        text = f"Some tests are already in a pending transaction: {_named(names, taken.ordered)}"
        raise DomainError(ErrorCode.BUSINESS_RULE, text)
    transaction_move(order=order, to=TransactionStatus.PENDING, actor=actor, now=now)


def _named(names: dict[int, str], test_ids: frozenset[int]) -> str:
    return ", ".join(name for test_id, name in names.items() if test_id in test_ids)
