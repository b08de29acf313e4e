"""Private buyers buy at random, and a model in plain Python says what must have come of it after every step."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core.cache import cache
from django.db import transaction
from django.db.models import Count, Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from accounts.states import Role
from accounts.tests.factories import make_user
from catalog.tests.factories import make_offer
from cbt.kernel.models import AuditEvent, OutgoingMail
from commerce.models import CartItem, Payment, PublicTransaction, Purchase
from commerce.tests.factories import proof_file
from tests.support import Api, data_of, error_of

START = datetime(2026, 1, 10, 8, tzinfo=UTC)
PRICES = [Decimal("50000.00"), Decimal("19999.99"), Decimal("0.00"), Decimal("0.01")]
BOUNDS = settings(
    max_examples=6, stateful_step_count=20, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@dataclass
class Attempt:
    """What the model knows of a payment."""

    status: str = "pending"
    has_proof: bool = False


@dataclass
class Order:
    """What the model knows of an order."""

    id: int
    items: dict[int, Decimal]
    status: str = "pending"
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def total(self) -> Decimal:
        return sum(self.items.values(), Decimal(0))

    @property
    def last(self) -> Attempt:
        return self.attempts[-1]


class Buying(RuleBasedStateMachine):
    """One buyer, three tests, staff."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = time_machine.travel(START, tick=False)
        self.traveller = self.clock.start()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.now = START
        self.cart: set[int] = set()
        self.orders: list[Order] = []
        self.keys: dict[str, Order] = {}
        self.owned: set[int] = set()
        self.decisions = 0
        self.settled_free = 0

    @initialize()
    def begin(self) -> None:
        self.buyer, self.staff = make_user(), make_user(Role.SUPER_ADMIN)
        self.prices = {make_offer(price=str(price)).pk: price for price in PRICES[:3]}
        self.tests = sorted(self.prices)

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)
        self.clock.stop()

    def api(self, user=None) -> Api:
        """A client of a fresh login: the clock may have ended the last one."""
        cache.clear()
        return Api().as_(user or self.buyer)

    def ordered(self, besides: Order | None = None) -> set[int]:
        return {test for row in self.orders if row.status == "pending" and row is not besides for test in row.items}

    # --- what people do -----------------------------------------------------------------------------

    @rule(days=st.sampled_from([0, 1, 45]))
    def time_passes(self, days) -> None:
        self.now += timedelta(days=days, minutes=1)
        self.traveller.move_to(self.now)

    @rule(index=st.integers(0, 2))
    def add(self, index) -> None:
        test = self.tests[index]
        response = self.api().post("/api/cart/add", {"test_id": test})
        if test in self.owned | self.cart | self.ordered():
            error_of(response, 400, "BUSINESS_RULE")
        else:
            data_of(response)
            self.cart.add(test)

    @rule(index=st.integers(0, 2))
    def remove(self, index) -> None:
        test = self.tests[index]
        response = self.api().delete(f"/api/cart/{test}")
        if test in self.cart:
            data_of(response)
            self.cart.remove(test)
        else:
            error_of(response, 400, "BUSINESS_RULE")

    @rule(index=st.integers(0, 2), price=st.sampled_from(PRICES))
    def price_changes(self, index, price) -> None:
        test = self.tests[index]
        data_of(self.api(self.staff).patch(f"/api/tests/{test}", {"price": str(price)}))
        self.prices[test] = price

    @rule(key=st.sampled_from(["", "", "a", "b"]), twice=st.booleans())
    def checkout(self, key, twice) -> None:
        for _ in range(2 if twice else 1):
            headers = {"Idempotency-Key": key} if key else {}
            self._checked_out(key, self.api().post("/api/checkout", headers=headers))

    def _checked_out(self, key, response) -> None:
        earlier = self.keys.get(key)
        if earlier is not None:
            assert data_of(response, 201)["id"] == earlier.id
            return
        if not self.cart or self.cart & (self.owned | self.ordered()):
            error_of(response, 400, "BUSINESS_RULE")
            return
        data = data_of(response, 201)
        order = Order(data["id"], {test: self.prices[test] for test in self.cart}, attempts=[Attempt()])
        assert order.id not in {row.id for row in self.orders}
        if order.total == 0:
            order.status, order.last.status = "completed", "paid"
            self.owned |= set(order.items)
            self.settled_free += 1
        assert Decimal(str(data["total_amount"])) == order.total
        assert Decimal(str(data["payment"]["amount"])) == order.total
        assert (data["status"], data["payment"]["status"]) == (order.status, order.last.status)
        self.orders.append(order)
        if key:
            self.keys[key] = order
        self.cart = set()

    @rule(number=st.integers(0, 5))
    def prove(self, number) -> None:
        if not self.orders:
            return
        order = self.orders[number % len(self.orders)]
        path = f"/api/transactions/{order.id}/payment/upload-proof"
        response = self.api().upload(path, {"transaction_id": order.id, "proof_file": proof_file()})
        if order.last.status == "failed":
            if set(order.items) & (self.owned | self.ordered(besides=order)):
                error_of(response, 400, "BUSINESS_RULE")
                return
            order.attempts.append(Attempt())
            order.status = "pending"
        elif order.last.status != "pending":
            error_of(response, 400, "BUSINESS_RULE")
            return
        assert data_of(response)["status"] == "pending"
        order.last.has_proof = True

    @rule(number=st.integers(0, 5), approved=st.booleans())
    def decide(self, number, approved) -> None:
        if not self.orders:
            return
        order = self.orders[number % len(self.orders)]
        payment = Payment.objects.filter(purpose="transaction", payable_id=order.id).latest("pk")
        body = {"payment_id": payment.pk, "approved": approved, "notes": "seen"}
        response = self.api(self.staff).post("/api/payments/verify", body)
        if order.last.status != "pending" or (approved and not order.last.has_proof):
            error_of(response, 400, "BUSINESS_RULE")
            return
        self.decisions += 1
        order.last.status = "paid" if approved else "failed"
        order.status = "completed" if approved else "failed"
        assert data_of(response)["status"] == order.last.status
        if approved:
            assert not self.owned & set(order.items)
            self.owned |= set(order.items)

    # --- what must be true --------------------------------------------------------------------------

    @invariant()
    def stored_as_expected(self) -> None:
        if not hasattr(self, "buyer"):
            return
        rows = {row.pk: row for row in PublicTransaction.objects.filter(user=self.buyer).prefetch_related("items")}
        assert {pk: row.status for pk, row in rows.items()} == {row.id: row.status for row in self.orders}
        for order in self.orders:
            row = rows[order.id]
            assert {item.test_id: item.price_amount for item in row.items.all()} == order.items
            assert row.total_amount == order.total
            payments = list(Payment.objects.filter(purpose="transaction", payable_id=order.id).order_by("pk"))
            assert [(row.status, bool(row.proof_file), row.amount) for row in payments] == [
                (attempt.status, attempt.has_proof, order.total) for attempt in order.attempts
            ]
        in_cart = CartItem.objects.filter(cart__user=self.buyer)
        assert set(in_cart.values_list("test_id", flat=True)) == self.cart

    @invariant()
    def nothing_is_owned_twice_and_only_what_was_paid(self) -> None:
        if not hasattr(self, "buyer"):
            return
        owned = list(Purchase.objects.filter(user=self.buyer).values_list("test_id", flat=True))
        assert sorted(owned) == sorted(self.owned)
        paid = [test for order in self.orders if order.status == "completed" for test in order.items]
        assert sorted(paid) == sorted(self.owned)
        came_in = Payment.objects.filter(user=self.buyer, status="paid").aggregate(sum=Sum("amount"))["sum"]
        assert (came_in or 0) == sum(order.total for order in self.orders if order.status == "completed")

    @invariant()
    def one_pending_payment_and_legal_pairs(self) -> None:
        pairs = {"pending": "pending", "completed": "paid", "failed": "failed"}
        assert all(order.last.status == pairs[order.status] for order in self.orders)
        twice = Payment.objects.filter(status="pending").values("purpose", "payable_id").annotate(n=Count("pk"))
        assert not twice.filter(n__gt=1).exists()

    @invariant()
    def told_once_and_written_down(self) -> None:
        events = AuditEvent.objects
        assert events.filter(action="commerce.payment.decided").count() == self.decisions + self.settled_free
        assert events.filter(action="commerce.transaction.created").count() == len(self.orders)
        assert events.filter(action="commerce.purchase.granted").count() == len(self.owned)
        attempts = sum(len(order.attempts) for order in self.orders)
        assert events.filter(action="commerce.payment.opened").count() == attempts
        mails = OutgoingMail.objects
        assert mails.filter(kind="commerce.payment_decided").count() == self.decisions
        assert mails.filter(kind="commerce.checkout").count() == len(self.orders)


@pytest.mark.django_db
def test_buying__when_done_at_random__then_as_the_model_says(media):
    run_state_machine_as_test(Buying, settings=BOUNDS)
