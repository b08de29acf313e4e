"""Granting the right to take a test."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from catalog.models import Test
from cbt.kernel import audit
from cbt.kernel.actor import Actor
from cbt.kernel.errors import not_found
from commerce.models import PublicTransaction, Purchase
from commerce.services.numbers import random_word

NUMBER_PREFIX = "TRX-"
NUMBER_LENGTH = 10


def _random_number() -> str:
    return NUMBER_PREFIX + random_word(NUMBER_LENGTH)


def new_transaction_number() -> str:
    """Return a number for a new order that none has yet: ``TRX-`` and 10 capital letters and digits.

    Random, not counted: it tells nobody how much is sold. Source: details 5 (numbers), W-39.
    """
    number = _random_number()
    while _is_taken(number):
        number = _random_number()
    return number


def _is_taken(number: str) -> bool:
    return any(rows.objects.filter(transaction_number=number).exists() for rows in (PublicTransaction, Purchase))


@transaction.atomic
def purchase_grant(*, user_id: int, test_id: int, now: datetime, actor: Actor, number: str = "") -> Purchase:
    """Give a user the right to take a test, and return it; a right that exists is returned as it is.

    number: of the order, "" for one of its own. The unique pair (user, test) decides between twins.
    Raises NOT_FOUND for an unknown user or an unknown or deleted test. Source: details 4, W-27.
    """
    found = User.objects.filter(pk=user_id).exists() and Test.objects.filter(pk=test_id, deleted_at=None).exists()
    if not found:
        raise not_found()
    return purchase_store(user_id=user_id, test_id=test_id, now=now, actor=actor, number=number)


def purchase_store(*, user_id: int, test_id: int, now: datetime, actor: Actor, number: str = "") -> Purchase:
    """Store the right in the caller's transaction, whatever has become of the test since it was ordered."""
    purchase, is_new = Purchase.objects.get_or_create(
        user_id=user_id,
        test_id=test_id,
        defaults={"transaction_number": number or new_transaction_number(), "purchased_at": now},
    )
    if is_new:
        audit.record(
            "commerce.purchase.granted", actor=actor, obj=purchase,
            user_id=user_id, test_id=test_id, transaction_number=purchase.transaction_number,
        )  # fmt: skip
    return purchase
