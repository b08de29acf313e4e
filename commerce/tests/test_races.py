"""What happens when it happens at once. Each guard has a control that shows the race without it."""

import threading

import pytest
from django.db import connection

from accounts.selectors.users import actor_of_user
from accounts.states import Role
from accounts.tests.factories import make_user
from catalog.tests.factories import make_offer
from cbt.kernel import clock
from cbt.kernel.errors import DomainError
from cbt.kernel.models import OutgoingMail
from commerce.models import Cart, CartItem, Payment, PublicTransaction, Purchase
from commerce.services import carts, checkout, orders, payments
from commerce.services.payments import payment_decide
from commerce.tests.factories import decide, fill_cart, make_order, payment_of, proof_file, prove
from tests.support import Api, race

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]
needs_real_rows = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite lets one writer in at a time: there is no race to show"
)


class Meeting:
    """Lets two threads meet once at the same line; whoever comes later passes through."""

    def __init__(self):
        self.barrier = threading.Barrier(2)

    def __call__(self):
        try:
            self.barrier.wait(timeout=5)
        except threading.BrokenBarrierError:
            return


def statuses(responses):
    assert [one for one in responses if isinstance(one, Exception)] == []
    return sorted(response.status_code for response in responses)


# --- checkout ---------------------------------------------------------------------------------------


def test_checkout__when_twelve_at_once__then_one_transaction_and_one_payment():
    buyer = make_user()
    fill_cart(buyer, make_offer(), make_offer())
    clients = [Api().as_(buyer) for _ in range(12)]
    responses = race(12, lambda index: clients[index].post("/api/checkout"))
    assert statuses(responses) == [201] + [400] * 11
    assert {response.json()["message"] for response in responses if response.status_code == 400} == {"Cart is empty."}
    assert (PublicTransaction.objects.count(), Payment.objects.count(), OutgoingMail.objects.count()) == (1, 1, 1)
    assert CartItem.objects.count() == 0


def test_checkout__when_twelve_at_once_with_one_key__then_all_get_the_same_order():
    buyer = make_user()
    fill_cart(buyer, make_offer())
    clients = [Api().as_(buyer) for _ in range(12)]
    responses = race(12, lambda index: clients[index].post("/api/checkout", headers={"Idempotency-Key": "k"}))
    assert statuses(responses) == [201] * 12
    assert len({response.json()["data"]["id"] for response in responses}) == 1
    assert (PublicTransaction.objects.count(), Payment.objects.count()) == (1, 1)


@needs_real_rows
def test_checkout__control__when_the_lock_is_off__then_two_transactions(monkeypatch):
    buyer = make_user()
    fill_cart(buyer, make_offer())
    meet, verify = Meeting(), checkout.cart_verify

    def verified(**kwargs):
        cart = verify(**kwargs)
        meet()
        return cart

    monkeypatch.setattr(carts, "lock_cart", lambda user_id: Cart.objects.filter(user_id=user_id).first())
    monkeypatch.setattr(checkout, "cart_verify", verified)
    race(2, lambda _: checkout.checkout(actor=actor_of_user(buyer), now=clock.now()))
    assert PublicTransaction.objects.count() == 2


def test_checkout_and_reopening__when_both_want_the_same_test__then_one_order_waits():
    buyer = make_user()
    test = make_offer()
    old = make_order(buyer, test)
    decide(payment_of(old), approved=False)
    fill_cart(buyer, test)
    clients = [Api().as_(buyer) for _ in range(8)]

    def act(index):
        if index % 2:
            return clients[index].post("/api/checkout")
        path = f"/api/transactions/{old.pk}/payment/upload-proof"
        return clients[index].upload(path, {"proof_file": proof_file()})

    responses = race(8, act)
    assert set(statuses(responses)) <= {200, 201, 400}
    assert PublicTransaction.objects.filter(status="pending").count() == 1
    assert Payment.objects.filter(status="pending").count() == 1


@needs_real_rows
def test_checkout_and_reopening__control__when_the_lock_is_off__then_the_test_is_ordered_twice(monkeypatch):
    buyer = make_user()
    test = make_offer()
    old = make_order(buyer, test)
    decide(payment_of(old), approved=False)
    fill_cart(buyer, test)
    meet = Meeting()

    def looked(module):
        real = module.spoken_for

        def look(*args, **kwargs):
            found = real(*args, **kwargs)
            meet()
            return found

        monkeypatch.setattr(module, "spoken_for", look)

    looked(checkout)
    looked(orders)
    monkeypatch.setattr(orders, "cart_ensure", lambda *_: None)

    def act(index):
        if index:
            return checkout.checkout(actor=actor_of_user(buyer), now=clock.now())
        return prove(old)

    race(2, act)
    assert PublicTransaction.objects.filter(status="pending").count() == 2


# --- cart -------------------------------------------------------------------------------------------


def test_add__when_twins__then_once_and_the_others_are_told():
    buyer, test = make_user(), make_offer()
    clients = [Api().as_(buyer) for _ in range(6)]
    responses = race(6, lambda index: clients[index].post("/api/cart/add", {"test_id": test.pk}))
    assert statuses(responses) == [200] + [400] * 5
    assert {one.json()["message"] for one in responses if one.status_code == 400} == {"Test already in cart."}
    assert (Cart.objects.count(), CartItem.objects.count()) == (1, 1)


def test_add__control__when_looked_up_and_then_inserted__then_one_of_the_twins_fails():
    buyer, test = make_user(), make_offer()
    fill_cart(buyer, make_offer())
    cart = Cart.objects.get()
    both_have_looked = threading.Barrier(2)

    def naive(_):
        is_there = CartItem.objects.filter(cart=cart, test=test).exists()
        both_have_looked.wait(timeout=30)
        return is_there or CartItem.objects.create(cart=cart, test=test, created_at=clock.now())

    assert sorted(type(one).__name__ for one in race(2, naive)) == ["CartItem", "IntegrityError"]


def test_add_and_checkout__when_interleaved__then_every_item_is_in_the_cart_or_in_an_order():
    buyer = make_user()
    tests = [make_offer() for _ in range(6)]
    fill_cart(buyer, tests[0])
    clients = [Api().as_(buyer) for _ in range(8)]

    def act(index):
        if index < 5:
            return clients[index].post("/api/cart/add", {"test_id": tests[index + 1].pk})
        return clients[index].post("/api/checkout")

    assert set(statuses(race(8, act))) <= {200, 201, 400}
    ordered = [item.test_id for order in PublicTransaction.objects.all() for item in order.items.all()]
    waiting = list(CartItem.objects.values_list("test_id", flat=True))
    assert sorted(ordered + waiting) == [test.pk for test in tests]
    for order in PublicTransaction.objects.all():
        assert order.total_amount == sum(item.price_amount for item in order.items.all())


# --- decisions --------------------------------------------------------------------------------------


def test_decide__when_approving_races_rejecting__then_one_decision_and_one_mail():
    order = make_order()
    payment = prove(order)
    clients = [Api().as_(make_user(Role.SUPER_ADMIN)) for _ in range(8)]

    def act(index):
        body = {"payment_id": payment.pk, "approved": bool(index % 2), "notes": f"by {index}"}
        return clients[index].post("/api/payments/verify", body)

    responses = race(8, act)
    assert statuses(responses) == [200] + [400] * 7
    payment.refresh_from_db()
    order.refresh_from_db()
    expected = {"paid": ("completed", 1), "failed": ("failed", 0)}[payment.status]
    assert (order.status, Purchase.objects.count()) == expected
    assert OutgoingMail.objects.filter(kind="commerce.payment_decided").count() == 1
    winner = next(index for index, one in enumerate(responses) if one.status_code == 200)
    assert payment.verifier_notes == f"by {winner}"
    texts = {one.json()["message"] for one in responses if one.status_code == 400}
    assert texts == {f"Payment is not pending. Current status: {payment.status}"}


@needs_real_rows
def test_decide__control__when_the_lock_is_off__then_both_decide(monkeypatch):
    """The order's own lock and table of moves stand behind it; without them too, both decisions are stored."""
    payment = prove(make_order())
    meet = Meeting()

    def unlocked(payment_id):
        row = Payment.objects.get(pk=payment_id)
        meet()
        return row

    monkeypatch.setattr(payments, "lock_payment", unlocked)
    monkeypatch.setattr(orders, "transaction_move", lambda **_: None)
    staff = actor_of_user(make_user(Role.SUPER_ADMIN))

    def act(index):
        return payment_decide(payment_id=payment.pk, approved=bool(index), notes=None, actor=staff, now=clock.now())

    assert sorted(one.status for one in race(2, act)) == ["failed", "paid"]


def test_upload_and_approval__when_racing__then_the_approved_payment_has_one_proof_that_exists(media):
    order = make_order()
    payment = prove(order)
    client, staff = [Api().as_(order.user) for _ in range(8)], Api().as_(make_user(Role.SUPER_ADMIN))

    def act(index):
        if index == 0:
            return staff.post("/api/payments/verify", {"payment_id": payment.pk, "approved": True})
        path = f"/api/transactions/{order.pk}/payment/upload-proof"
        return client[index].upload(path, {"proof_file": proof_file()})

    responses = race(8, act)
    assert responses[0].status_code == 200
    assert set(statuses(responses[1:])) <= {200, 400}
    payment.refresh_from_db()
    assert payment.status == "paid"
    assert (media / payment.proof_file).exists()
    assert Payment.objects.count() == 1


def test_reopening__when_eight_proofs_come_at_once__then_one_new_payment():
    order = make_order()
    decide(payment_of(order), approved=False)
    clients = [Api().as_(order.user) for _ in range(8)]
    path = f"/api/transactions/{order.pk}/payment/upload-proof"
    responses = race(8, lambda index: clients[index].upload(path, {"proof_file": proof_file()}))
    assert statuses(responses) == [200] * 8
    assert len({one.json()["data"]["id"] for one in responses}) == 1
    assert sorted(Payment.objects.values_list("status", flat=True)) == ["failed", "pending"]


def test_reopening__control__when_a_second_pending_payment_is_inserted__then_the_constraint_refuses():
    order = make_order()
    looked = threading.Barrier(2)
    payments.payments_cancel(purpose="transaction", payable_id=order.pk, now=clock.now())

    def naive(_):
        is_open = Payment.objects.filter(payable_id=order.pk, status="pending").exists()
        looked.wait(timeout=30)
        return is_open or payments.payment_open(
            purpose="transaction", payable_id=order.pk, amount=1, now=clock.now(), user_id=order.user_id
        )

    results = race(2, naive)
    assert sorted(type(one).__name__ for one in results) == ["DomainError", "Payment"]
    assert next(one for one in results if isinstance(one, DomainError)).message == payments.ALREADY_PENDING


def test_cancel_and_approve__when_racing__then_one_of_them():
    order = make_order()
    payment = prove(order)
    staff = actor_of_user(make_user(Role.SUPER_ADMIN))

    def act(index):
        if index % 2:
            return payments.payments_cancel(purpose="transaction", payable_id=order.pk, now=clock.now())
        return payment_decide(payment_id=payment.pk, approved=True, notes=None, actor=staff, now=clock.now())

    results = race(6, act)
    assert [one for one in results if isinstance(one, Exception) and not isinstance(one, DomainError)] == []
    payment.refresh_from_db()
    cancelled = sum(one for one in results if isinstance(one, int))
    approved = sum(isinstance(one, Payment) for one in results)
    assert cancelled + approved == 1
    assert (payment.status, Purchase.objects.count()) == (("cancelled", 0) if cancelled else ("paid", 1))
