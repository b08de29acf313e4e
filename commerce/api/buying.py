"""From the cart to an order. Contract 2.3, 2.4."""

import re
from typing import ClassVar

from cbt.http.face import Ok
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import FaceView, Scope
from cbt.kernel import clock
from cbt.kernel.errors import ErrorCode as E
from cbt.kernel.errors import invalid
from cbt.kernel.permissions import Perm
from commerce.api import examples
from commerce.api.shapes import CartAddIn, CartOut, TransactionOut, VerifiedCartOut, cart_shape, verified_shape
from commerce.api.transactions import transaction_data
from commerce.selectors.carts import cart_of
from commerce.services import carts, checkout

_KEY = re.compile(r"[\x21-\x7e]{1,100}")
BUYER_ERRORS = (E.UNAUTHENTICATED, E.FORBIDDEN)


class BuyingView(FaceView):
    """A view of a private buyer over the own cart."""

    permission: ClassVar[Perm] = Perm.MANAGE_CART
    role = "public_user"
    rate = Rate.STAFF
    scope = Scope.SELF


class CartShow(BuyingView):
    """The cart."""

    permission = Perm.VIEW_CART

    @documented(
        "Get cart", response=CartOut, errors=BUYER_ERRORS,
        answer=examples.answer(examples.CART, "Cart retrieved successfully"),
    )  # fmt: skip
    def get(self, request: Request) -> Ok:
        """What is in it, at today's prices."""
        cart = cart_of(request.actor.id or 0)
        return Ok(cart_shape(cart), message="Cart retrieved successfully" if cart.items else "Cart is empty")


class CartAdd(BuyingView):
    """Fill the cart."""

    @documented(
        "Add test to cart", request=CartAddIn, response=CartOut, example={"test_id": 1},
        errors=(*BUYER_ERRORS, E.VALIDATION_ERROR, E.TEST_NOT_AVAILABLE, E.BUSINESS_RULE),
        answer=examples.answer(examples.CART, "Test added to cart successfully"),
    )  # fmt: skip
    def post(self, request: Request) -> Ok:
        """Put a test in and return the cart."""
        data = CartAddIn.parse(request)
        cart = carts.cart_add(test_id=data["test_id"], actor=request.actor, now=clock.now())
        return Ok(cart_shape(cart), message="Test added to cart successfully")


class CartClear(BuyingView):
    """Empty the cart."""

    @documented("Clear cart", errors=BUYER_ERRORS)
    def delete(self, request: Request) -> Ok:
        """Take everything out."""
        carts.cart_clear(actor=request.actor, now=clock.now())
        return Ok(message="Cart cleared successfully")


class CartRemove(BuyingView):
    """One test of the cart."""

    @documented("Remove test from cart", response=CartOut, errors=(*BUYER_ERRORS, E.BUSINESS_RULE))
    def delete(self, request: Request, test_id: int) -> Ok:
        """Take it out and return the cart."""
        cart = carts.cart_remove(test_id=test_id, actor=request.actor, now=clock.now())
        return Ok(cart_shape(cart), message="Test removed from cart successfully")


class CheckoutVerify(BuyingView):
    """Whether the cart can be checked out."""

    permission = Perm.VIEW_CART

    @documented(
        "Verify cart", response=VerifiedCartOut, errors=(*BUYER_ERRORS, E.BUSINESS_RULE, E.TEST_NOT_AVAILABLE),
        answer=examples.answer(
            {"valid": True, "item_count": 1, "total": 50000.00, "items": [examples.ITEM]}, "Cart verified successfully"
        ),
    )  # fmt: skip
    def get(self, request: Request) -> Ok:
        """Say yes, or what stands in the way."""
        return Ok(verified_shape(checkout.cart_verify(actor=request.actor)), message="Cart verified successfully")


class Checkout(BuyingView):
    """Order what is in the cart."""

    permission = Perm.PURCHASE_TESTS

    @documented(
        "Checkout", response=TransactionOut, status=201,
        errors=(*BUYER_ERRORS, E.BUSINESS_RULE, E.TEST_NOT_AVAILABLE, E.VALIDATION_ERROR),
        answer=examples.answer(examples.TRANSACTION, "Checkout successful. Transaction created.", 201),
    )  # fmt: skip
    def post(self, request: Request) -> Ok:
        """Make one order with one payment; with the header ``Idempotency-Key`` a repeat returns the same order."""
        actor, key = request.actor, request.headers.get("Idempotency-Key", "")
        if key and not _KEY.fullmatch(key):
            raise invalid(idempotency_key="The idempotency key must be 1 to 100 visible ASCII characters.")
        order = checkout.checkout(actor=actor, now=clock.now(), idempotency_key=key)
        data = transaction_data(order.pk, request)
        return Ok(data, message="Checkout successful. Transaction created.", status=201)
