"""States of subscriptions, their transactions and invoices, each with the one table of allowed moves."""

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
    SubscriptionStatus.EXPIRED: frozenset({SubscriptionStatus.ACTIVE}),  # a paid extension approved late
    SubscriptionStatus.CANCELLED: frozenset(),
    SubscriptionStatus.INACTIVE: frozenset(),
}


def may_move(old: SubscriptionStatus, new: SubscriptionStatus) -> bool:
    """Tell whether a subscription may go from one state to another."""
    return new in SUBSCRIPTION_MOVES[old]


class TransactionStatus(StrEnum):
    """States of a payment in advance. A rejected one may be paid again."""

    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TransactionKind(StrEnum):
    """What a transaction pays for."""

    PURCHASE = "purchase"
    QUOTA_PURCHASE = "quota_purchase"


TRANSACTION_MOVES: dict[TransactionStatus, frozenset[TransactionStatus]] = {
    TransactionStatus.PENDING: frozenset(
        {TransactionStatus.COMPLETED, TransactionStatus.FAILED, TransactionStatus.CANCELLED}
    ),
    TransactionStatus.FAILED: frozenset(
        {TransactionStatus.PENDING, TransactionStatus.COMPLETED, TransactionStatus.CANCELLED}
    ),
    TransactionStatus.COMPLETED: frozenset(),
    TransactionStatus.CANCELLED: frozenset(),
}


class InvoiceStatus(StrEnum):
    """States of an invoice. ``failed``: its last payment was rejected; it is still owed."""

    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"
    OVERDUE = "overdue"
    CANCELLED = "cancelled"


class InvoiceKind(StrEnum):
    """What an invoice bills: months to come (an offer until it is paid), or a period that was used (a debt)."""

    EXTENSION = "extension"
    POST_PAID = "post_paid"


#: Invoices that are still to be paid.
INVOICE_OPEN = frozenset({InvoiceStatus.PENDING, InvoiceStatus.FAILED, InvoiceStatus.OVERDUE})

INVOICE_MOVES: dict[InvoiceStatus, frozenset[InvoiceStatus]] = {
    InvoiceStatus.PENDING: frozenset(
        {InvoiceStatus.COMPLETED, InvoiceStatus.FAILED, InvoiceStatus.OVERDUE, InvoiceStatus.CANCELLED}
    ),
    InvoiceStatus.FAILED: frozenset(
        {InvoiceStatus.COMPLETED, InvoiceStatus.PENDING, InvoiceStatus.OVERDUE, InvoiceStatus.CANCELLED}
    ),
    InvoiceStatus.OVERDUE: frozenset({InvoiceStatus.COMPLETED, InvoiceStatus.FAILED, InvoiceStatus.CANCELLED}),
    InvoiceStatus.COMPLETED: frozenset(),
    InvoiceStatus.CANCELLED: frozenset(),
}
