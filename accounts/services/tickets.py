"""One-time tickets for sockets. Browsers cannot send headers with a socket, and a token in an address gets about."""

from datetime import timedelta

from accounts.models import LiveTicket
from cbt.kernel import clock
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode
from cbt.kernel.ids import hash_token, new_token

PREFIX = "TICKET-"
LIFETIME = timedelta(seconds=60)


def ticket_issue(*, actor: Actor) -> str:
    """Return a fresh ticket of the actor's login, good once within 60 seconds. Raises UNAUTHENTICATED without one."""
    if actor.login_id is None:
        raise DomainError(ErrorCode.UNAUTHENTICATED, "Unauthenticated")
    ticket = new_token(PREFIX)
    LiveTicket.objects.create(token_hash=hash_token(ticket), login_id=actor.login_id, expires_at=clock.now() + LIFETIME)
    return ticket


def ticket_spend(*, ticket: str) -> str | None:
    """Remove a ticket and return the id of its login; None for one that is unknown, too old or spent.

    Of many who try at once one removes the row, and only that one is let in.
    """
    row = LiveTicket.objects.filter(token_hash=hash_token(ticket)).first()
    if row is None or not LiveTicket.objects.filter(pk=row.pk).delete()[0]:
        return None
    return str(row.login_id) if row.expires_at > clock.now() else None


def tickets_forget() -> int:
    """Remove tickets nobody spent in time; return how many."""
    return LiveTicket.objects.filter(expires_at__lt=clock.now()).delete()[0]
