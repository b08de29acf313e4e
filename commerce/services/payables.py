"""What payments are for. The app that owns a purpose registers what follows from paying it.

Commerce knows payments, not subscriptions or invoices: those live above it and register here in their
``AppConfig.ready``. Handlers run inside the deciding transaction, so a decision and all that follows from it
are stored together or not at all.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cbt.kernel.actor import Actor
from commerce.models import Payment
from commerce.states import Purpose


class PayableHandler(Protocol):
    """Called with keywords inside the transaction, the payment's row locked and already in its new state.

    May only write rows (and enqueue mails and jobs, which are rows). A DomainError undoes the decision.
    """

    def __call__(self, *, payable_id: int, payment: Payment, now: datetime, actor: Actor) -> None:
        """Let follow what follows."""


@dataclass(frozen=True, slots=True)
class Payable:
    """What follows from a decision, and from a new attempt after a rejection."""

    on_paid: PayableHandler
    on_failed: PayableHandler
    on_reopened: PayableHandler | None = None


_payables: dict[Purpose, Payable] = {}


def register(
    purpose: Purpose | str,
    *,
    on_paid: PayableHandler,
    on_failed: PayableHandler,
    on_reopened: PayableHandler | None = None,
) -> None:
    """Say what follows for this purpose; registering again replaces.

    on_paid: the payment was approved.  on_failed: it was rejected.
    on_reopened: after a rejection a new proof has opened a new payment (it is the one that is passed): the payable
    waits again. A handler that refuses (DomainError) refuses the proof. Raises ValueError for an unknown purpose.
    """
    _payables[Purpose(purpose)] = Payable(on_paid, on_failed, on_reopened)


def payable_of(purpose: Purpose | str) -> Payable:
    """Return what was registered. Raises LookupError where nothing was: nobody may pay for what leads nowhere."""
    found = _payables.get(Purpose(purpose))
    if found is None:
        raise LookupError(f"nothing is registered for payments of {purpose!r}")
    return found
