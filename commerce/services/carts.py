"""Filling and emptying a cart."""

from datetime import datetime

from django.db import IntegrityError, transaction

from catalog.models import Test
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode, invalid
from commerce.models import Cart, CartItem
from commerce.selectors.carts import CartView, cart_of, spoken_for
from commerce.selectors.catalogue import is_on_sale

ITEMS_MAX = 100


def lock_cart(user_id: int) -> Cart | None:
    """Return the user's cart, its row locked until the transaction ends; None while there is none."""
    return Cart.objects.select_for_update().filter(user_id=user_id).first()


def cart_ensure(user_id: int, now: datetime) -> Cart:
    """Return the user's cart, locked, made if there is none. Inside the caller's transaction."""
    Cart.objects.get_or_create(user_id=user_id, defaults={"created_at": now, "updated_at": now})
    cart = lock_cart(user_id)
    if cart is None:
        raise AssertionError("a cart is never deleted while its user exists")
    return cart


@transaction.atomic
def cart_add(*, test_id: int, actor: Actor, now: datetime) -> CartView:
    """Put a test in the actor's cart and return the cart.

    Raises VALIDATION_ERROR for an unknown test; TEST_NOT_AVAILABLE for one that is not on sale; BUSINESS_RULE when
    it is in the cart, bought, or in an order that still waits, or the cart is full. Source: details 2.3, W-38.
    """
    user_id = _buyer(actor)
    test = Test.objects.filter(pk=test_id, deleted_at__isnull=True).first()
    if test is None:
        raise invalid(test_id="Test not found.")
    if not is_on_sale(test):
        raise DomainError(ErrorCode.TEST_NOT_AVAILABLE, "Test is not available for purchase.")
    cart = cart_ensure(user_id, now)
    taken = spoken_for(user_id, [test_id])
    if taken.owned:
        raise DomainError(ErrorCode.BUSINESS_RULE, "Test already purchased.")
    if taken.ordered:
        raise DomainError(ErrorCode.BUSINESS_RULE, "Test is already in a pending transaction.")
    if cart.items.count() >= ITEMS_MAX and not cart.items.filter(test_id=test_id).exists():
        raise DomainError(ErrorCode.BUSINESS_RULE, f"A cart holds at most {ITEMS_MAX} tests.")
    try:
        with transaction.atomic():
            CartItem.objects.create(cart=cart, test=test, created_at=now)
    except IntegrityError:
        raise DomainError(ErrorCode.BUSINESS_RULE, "Test already in cart.") from None
    Cart.objects.filter(pk=cart.pk).update(updated_at=now)
    return cart_of(user_id)


@transaction.atomic
def cart_remove(*, test_id: int, actor: Actor, now: datetime) -> CartView:
    """Take a test out of the actor's cart and return the cart.

    Raises BUSINESS_RULE without a cart or when the test is not in it. Source: details 2.3.
    """
    user_id = _buyer(actor)
    cart = lock_cart(user_id)
    if cart is None:
        raise DomainError(ErrorCode.BUSINESS_RULE, "Cart not found.")
    # By the test's own key: a number too large for the database finds nothing there, but is a fault in a foreign key.
    if not cart.items.filter(test__in=Test.objects.filter(pk=test_id)).delete()[0]:
        raise DomainError(ErrorCode.BUSINESS_RULE, "Item not found in cart.")
    Cart.objects.filter(pk=cart.pk).update(updated_at=now)
    return cart_of(user_id)


@transaction.atomic
def cart_clear(*, actor: Actor, now: datetime) -> None:
    """Empty the actor's cart; no cart is an empty one."""
    cart = lock_cart(_buyer(actor))
    if cart is not None:
        cart.items.all().delete()
        Cart.objects.filter(pk=cart.pk).update(updated_at=now)


def _buyer(actor: Actor) -> int:
    if actor.id is None:
        raise DomainError(ErrorCode.FORBIDDEN, "Unauthorized")
    return actor.id
