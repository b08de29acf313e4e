"""States of a subscription and the one table of allowed moves."""

from enum import StrEnum


class SubscriptionStatus(StrEnum):
    """The contract's states. ``inactive`` is documented and filterable, but nothing ever enters it."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    INACTIVE = "inactive"


class BillingType(StrEnum):
    """When a subscription is paid: before it starts, or by invoice with its period. Never changes."""

    PRE_PAID = "pre_paid"
    POST_PAID = "post_paid"


#: States a new subscription may begin in: waiting for its payment, or at once (post-paid, granted by staff).
SUBSCRIPTION_STARTS = frozenset({SubscriptionStatus.PENDING, SubscriptionStatus.ACTIVE})

#: A company has at most one subscription in these (a constraint of the database holds it).
SUBSCRIPTION_OPEN = frozenset({SubscriptionStatus.PENDING, SubscriptionStatus.ACTIVE})

SUBSCRIPTION_MOVES: dict[SubscriptionStatus, frozenset[SubscriptionStatus]] = {
    SubscriptionStatus.PENDING: frozenset({SubscriptionStatus.ACTIVE, SubscriptionStatus.CANCELLED}),
    SubscriptionStatus.ACTIVE: frozenset({SubscriptionStatus.EXPIRED, SubscriptionStatus.CANCELLED}),
    SubscriptionStatus.EXPIRED: frozenset(),
    SubscriptionStatus.CANCELLED: frozenset(),
    SubscriptionStatus.INACTIVE: frozenset(),
}


def may_move(old: SubscriptionStatus, new: SubscriptionStatus) -> bool:
    """Tell whether a subscription may go from one state to another."""
    return new in SUBSCRIPTION_MOVES[old]
