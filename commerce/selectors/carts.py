"""Reads of carts, and of what stands in the way of buying."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Exists, OuterRef

from catalog.models import Test
from commerce.models import CartItem, PublicTransactionItem, Purchase
from commerce.states import TRANSACTION_OPEN


@dataclass(frozen=True, slots=True)
class CartView:
    """What is in a cart at this moment, at the prices of this moment."""

    items: list[CartItem]

    @property
    def item_count(self) -> int:
        """How many tests."""
        return len(self.items)

    @property
    def total(self) -> Decimal:
        """Sum of the tests' prices."""
        return sum((item.test.price for item in self.items), Decimal(0))


@dataclass(frozen=True, slots=True)
class SpokenFor:
    """Ids of tests the user has bought already, and of those in another order of the same user that still waits."""

    owned: frozenset[int]
    ordered: frozenset[int]


def cart_of(user_id: int) -> CartView:
    """The user's cart, oldest item first; empty when there is none. One query."""
    rows = CartItem.objects.filter(cart__user_id=user_id).select_related("test__category").order_by("pk")
    return CartView(list(rows))


def spoken_for(user_id: int, test_ids: list[int], *, besides: int | None = None) -> SpokenFor:
    """Which of these tests the user cannot buy (again).

    besides: an order that does not count. One statement, hence one snapshot: an order that is approved meanwhile
    is seen either waiting or bought, never as neither.
    """
    orders = PublicTransactionItem.objects.filter(
        test=OuterRef("pk"), transaction__user_id=user_id, transaction__status__in=TRANSACTION_OPEN
    )
    if besides is not None:
        orders = orders.exclude(transaction_id=besides)
    rows = (
        Test.objects.filter(pk__in=test_ids)
        .annotate(
            is_owned=Exists(Purchase.objects.filter(user_id=user_id, test=OuterRef("pk"))), is_ordered=Exists(orders)
        )
        .values_list("pk", "is_owned", "is_ordered")
    )
    found = list(rows)
    return SpokenFor(
        owned=frozenset(pk for pk, is_owned, _ in found if is_owned),
        ordered=frozenset(pk for pk, is_owned, is_ordered in found if is_ordered and not is_owned),
    )
