"""Numbers of transactions and invoices: random, not counted, so they tell nobody how much is sold. Source: W-39."""

from datetime import UTC, datetime

from django.db import IntegrityError, transaction

from commerce.services.numbers import INSERT_TRIES, random_word
from tenants.models import Invoice, SubscriptionTransaction


def number_of(prefix: str, now: datetime) -> str:
    """Return a candidate ``<prefix>-YYYYMMDD-XXXXXXXX``; the unique column decides."""
    return f"{prefix}-{now.astimezone(UTC):%Y%m%d}-{random_word(8)}"


def transaction_insert(row: SubscriptionTransaction, now: datetime) -> None:
    """Store a transaction under a number nobody has."""
    _insert(row, "transaction_number", "TXN", now)


def invoice_insert(row: Invoice, now: datetime) -> None:
    """Store an invoice under a number nobody has. Raises IntegrityError for what other constraints refuse."""
    _insert(row, "invoice_number", "INV", now)


def _insert(row: SubscriptionTransaction | Invoice, field: str, prefix: str, now: datetime) -> None:
    for tries_left in reversed(range(INSERT_TRIES)):
        number = number_of(prefix, now)
        setattr(row, field, number)
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            is_number = type(row)._default_manager.filter(**{field: number}).exists()
            if not is_number or not tries_left:
                raise
        else:
            return
