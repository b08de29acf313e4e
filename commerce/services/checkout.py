"""From a cart to an order."""

from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction

from cbt.kernel import audit
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode
from commerce.models import Cart, CartItem, PublicTransaction, PublicTransactionItem
from commerce.selectors.carts import CartView, cart_of, spoken_for
from commerce.selectors.catalogue import is_on_sale
from commerce.selectors.orders import transaction_by_key
from commerce.services import carts
from commerce.services.mails import checkout_mail_enqueue
from commerce.services.numbers import INSERT_TRIES
from commerce.services.payments import payment_open, payment_settle_free
from commerce.services.purchases import new_transaction_number
from commerce.states import Purpose, TransactionStatus

EMPTY = "Cart is empty."
TOTAL_BELOW = Decimal(10) ** 13  # numeric(15, 2)


def cart_verify(*, actor: Actor) -> CartView:
    """Return the actor's cart if it could be checked out now.

    Raises BUSINESS_RULE when it is empty, names tests that are bought or ordered already, or is too dear;
    TEST_NOT_AVAILABLE naming tests that are no longer on sale. Source: details 2.3, W-27.
    """
    if actor.id is None:
        raise DomainError(ErrorCode.FORBIDDEN, "Unauthorized")
    cart = cart_of(actor.id)
    if not cart.items:
        raise DomainError(ErrorCode.BUSINESS_RULE, EMPTY)
    gone = [item for item in cart.items if not is_on_sale(item.test)]
    if gone:
        raise DomainError(ErrorCode.TEST_NOT_AVAILABLE, f"Some tests are no longer available: {_names(gone)}")
    taken = spoken_for(actor.id, [item.test_id for item in cart.items])
    owned = [item for item in cart.items if item.test_id in taken.owned]
    if owned:
        raise DomainError(ErrorCode.BUSINESS_RULE, f"Some tests are already purchased: {_names(owned)}")
    ordered = [item for item in cart.items if item.test_id in taken.ordered]
    if ordered:
        raise DomainError(
            ErrorCode.BUSINESS_RULE, f"Some tests are already in a pending transaction: {_names(ordered)}"
        )
    if cart.total >= TOTAL_BELOW:
        raise DomainError(ErrorCode.BUSINESS_RULE, "The total is too large for one transaction.")
    return cart


def _names(items: list[CartItem]) -> str:
    return ", ".join(item.test.name for item in items)


@transaction.atomic
def checkout(*, actor: Actor, now: datetime, idempotency_key: str = "") -> PublicTransaction:
    """Make one order with one payment of the actor's cart, empty the cart, and return the order.

    The cart's row lock orders parallel calls: the first takes the items, the others find the cart empty. A call
    with the key of an earlier one returns that order. Prices are copied into the items. An order of total 0 is
    completed at once: its payment of 0 is ``paid`` without a proof.
    Raises what `cart_verify` raises. Source: primary contract 2.4; details 2.3, W-27, W-33.
    """
    if actor.id is None:
        raise DomainError(ErrorCode.FORBIDDEN, "Unauthorized")
    locked = carts.lock_cart(actor.id)
    if locked is None:
        raise DomainError(ErrorCode.BUSINESS_RULE, EMPTY)
    earlier = transaction_by_key(actor.id, idempotency_key)
    if earlier is not None:
        return earlier
    cart = cart_verify(actor=actor)
    order = _store(actor.id, cart, now, idempotency_key)
    locked.items.filter(pk__in=[item.pk for item in cart.items]).delete()
    Cart.objects.filter(pk=locked.pk).update(updated_at=now)
    audit.record(
        "commerce.transaction.created", actor=actor, obj=order,
        test_ids=[item.test_id for item in cart.items], total_amount=str(order.total_amount),
    )  # fmt: skip
    payment = payment_open(
        purpose=Purpose.TRANSACTION, payable_id=order.pk, amount=order.total_amount, now=now, user_id=actor.id,
        actor=actor,
    )  # fmt: skip
    if order.total_amount == 0:
        payment_settle_free(payment=payment, actor=actor, now=now)
        order.refresh_from_db()
    checkout_mail_enqueue(order=order)
    return order


def _store(user_id: int, cart: CartView, now: datetime, idempotency_key: str) -> PublicTransaction:
    order = PublicTransaction(
        user_id=user_id, total_amount=cart.total, status=TransactionStatus.PENDING.value,
        idempotency_key=idempotency_key, created_at=now, updated_at=now,
    )  # fmt: skip
    for tries_left in reversed(range(INSERT_TRIES)):
        order.transaction_number = new_transaction_number()
        try:
            with transaction.atomic():
                order.save(force_insert=True)
            break
        except IntegrityError:
            if not tries_left:
                raise
    PublicTransactionItem.objects.bulk_create(
        PublicTransactionItem(transaction=order, test_id=item.test_id, price_amount=item.test.price, created_at=now)
        for item in cart.items
    )
    return order
