"""Smallest valid carts, orders, payments and purchases."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from accounts.selectors.users import actor_of_user
from accounts.states import Role
from accounts.tests.factories import make_user
from catalog.tests.factories import make_offer, png_bytes
from cbt.kernel import clock
from cbt.kernel.actor import SYSTEM
from commerce.models import Payment, PublicTransaction, Purchase
from commerce.selectors.payments import payment_latest
from commerce.services.carts import cart_add
from commerce.services.checkout import checkout
from commerce.services.payments import payment_decide, payment_proof_upload
from commerce.services.purchases import purchase_grant
from commerce.states import Purpose

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


def make_purchase(user: User, test: Any) -> Purchase:
    """Store the user's right to take the test."""
    return purchase_grant(user_id=user.pk, test_id=test.pk, now=clock.now(), actor=SYSTEM)


def fill_cart(user: User, *tests: Any) -> None:
    """Put tests in the user's cart."""
    for test in tests:
        cart_add(test_id=test.pk, actor=actor_of_user(user), now=clock.now())


def make_order(user: User | None = None, *tests: Any) -> PublicTransaction:
    """Store a pending order: of one new test by a new buyer, unless others are given."""
    user = user or make_user()
    fill_cart(user, *(tests or (make_offer(),)))
    return checkout(actor=actor_of_user(user), now=clock.now())


def payment_of(order: PublicTransaction) -> Payment:
    """Return the newest payment of an order."""
    payment = payment_latest(Purpose.TRANSACTION, order.pk)
    assert payment is not None
    return payment


def prove(order: PublicTransaction, data: bytes = PDF, filename: str = "proof.pdf") -> Payment:
    """Upload a proof as the buyer. Needs the fixture ``media``."""
    return payment_proof_upload(
        payment_id=payment_of(order).pk, data=data, filename=filename, notes=None, actor=actor_of_user(order.user),
        now=clock.now(),
    )  # fmt: skip


def decide(payment: Payment, *, approved: bool = True, notes: str | None = None, staff: User | None = None) -> Payment:
    """Decide as staff."""
    actor = actor_of_user(staff or make_user(Role.SUPER_ADMIN))
    return payment_decide(payment_id=payment.pk, approved=approved, notes=notes, actor=actor, now=clock.now())


def proof_file(data: bytes | None = None, name: str = "proof.png", kind: str = "image/png") -> SimpleUploadedFile:
    """A proof as a form sends it."""
    return SimpleUploadedFile(name, png_bytes() if data is None else data, content_type=kind)
