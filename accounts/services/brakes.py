"""How often a mail may be asked for: a stranger who knows an address must not be able to fill its mailbox."""

from datetime import datetime, timedelta

MAILS_PER_HOUR = 5
_HOUR = timedelta(hours=1)


def seconds_to_wait(sent_at: list[datetime], now: datetime) -> int:
    """Return how long the next mail has to wait, in seconds; 0 when it may go now.

    sent_at: when mails of this kind to this account were asked for; order does not matter.
    """
    recent = sorted(moment for moment in sent_at if moment > now - _HOUR)
    if len(recent) < MAILS_PER_HOUR:
        return 0
    free_at = recent[-MAILS_PER_HOUR] + _HOUR
    return max(1, int((free_at - now).total_seconds()))
