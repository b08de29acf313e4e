"""Smallest valid purchases."""

from typing import Any

from accounts.models import User
from cbt.kernel import clock
from cbt.kernel.actor import SYSTEM
from commerce.models import Purchase
from commerce.services.purchases import purchase_grant


def make_purchase(user: User, test: Any) -> Purchase:
    """Store the user's right to take the test."""
    return purchase_grant(user_id=user.pk, test_id=test.pk, now=clock.now(), actor=SYSTEM)
