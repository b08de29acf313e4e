"""States of what is bought and paid, and the one table of allowed moves each."""

from enum import StrEnum


class TransactionStatus(StrEnum):
    """The contract's states. ``processing`` and ``cancelled`` are documented; nothing enters them yet."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class PaymentStatus(StrEnum):
    """pending: waits for a person's decision.  paid, failed: decided.  cancelled: what it was for fell away."""

    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    CANCELLED = "cancelled"


class PaymentMethod(StrEnum):
    """How money comes in: a transfer that a person verifies by its proof."""

    MANUAL = "manual"


class Purpose(StrEnum):
    """What a payment is for: which table its ``payable_id`` points into. Shown as ``payable_type``."""

    TRANSACTION = "transaction"
    SUBSCRIPTION_TRANSACTION = "subscription_transaction"
    INVOICE = "invoice"


#: A rejected order may be paid again: a new proof opens a new payment and the order waits once more.
TRANSACTION_MOVES: dict[TransactionStatus, frozenset[TransactionStatus]] = {
    TransactionStatus.PENDING: frozenset(
        {TransactionStatus.COMPLETED, TransactionStatus.FAILED, TransactionStatus.CANCELLED}
    ),
    TransactionStatus.PROCESSING: frozenset({TransactionStatus.COMPLETED, TransactionStatus.FAILED}),
    TransactionStatus.COMPLETED: frozenset(),
    TransactionStatus.FAILED: frozenset({TransactionStatus.PENDING}),
    TransactionStatus.CANCELLED: frozenset(),
}

#: While an order is in one of these its tests are spoken for.
TRANSACTION_OPEN = frozenset({TransactionStatus.PENDING, TransactionStatus.PROCESSING})

PAYMENT_MOVES: dict[PaymentStatus, frozenset[PaymentStatus]] = {
    PaymentStatus.PENDING: frozenset({PaymentStatus.PAID, PaymentStatus.FAILED, PaymentStatus.CANCELLED}),
    PaymentStatus.PAID: frozenset(),
    PaymentStatus.FAILED: frozenset(),
    PaymentStatus.CANCELLED: frozenset(),
}
