"""The clock of an exam session: pure functions of instants and seconds."""

from datetime import datetime, timedelta


def deadline_at(
    *,
    started_at: datetime,
    duration_minutes: int,
    window_end: datetime | None,
    extra_seconds: int = 0,
    paused_seconds: int = 0,
) -> datetime | None:
    """Return the instant after which no new work counts, or None when there is no limit.

    The assignment's window wins over the duration: starting ten minutes before it closes leaves ten minutes.
    duration_minutes: 0 means no limit of its own.  extra_seconds, paused_seconds: >= 0, added to the duration.
    Source: primary contract 3.6, 4.2; decision "the server owns the clock".
    """
    ends = [window_end] if window_end is not None else []
    if duration_minutes > 0:
        ends.append(started_at + timedelta(minutes=duration_minutes, seconds=extra_seconds + paused_seconds))
    return min(ends) if ends else None


def shown_minutes(duration_minutes: int, extra_seconds: int) -> int:
    """Return the duration a candidate is told: with the extra time, 0 for no limit of its own.

    A frontend that knows the contract alone sets its timer by it, and would hand in at the usual end.
    """
    return duration_minutes + extra_seconds // 60 if duration_minutes else 0


def accepts_saves(*, now: datetime, deadline: datetime | None, grace_seconds: int) -> bool:
    """Tell whether a save arriving at ``now`` counts: up to the deadline plus the grace for what was on the wire."""
    return deadline is None or now <= deadline + timedelta(seconds=grace_seconds)


def is_over(*, now: datetime, deadline: datetime | None, grace_seconds: int, paused_at: datetime | None) -> bool:
    """Tell whether deadline and grace have passed; the clock of a paused session stands still."""
    return paused_at is None and not accepts_saves(now=now, deadline=deadline, grace_seconds=grace_seconds)


def remaining_seconds(*, now: datetime, deadline: datetime | None) -> int | None:
    """Return whole seconds left, never negative; None when there is no limit."""
    return None if deadline is None else max(0, int((deadline - now).total_seconds()))


def time_spent_seconds(
    *, started_at: datetime, until: datetime, deadline: datetime | None, paused_seconds: int = 0
) -> int:
    """Return whole seconds of work, never negative and never beyond the deadline.

    until: now for a running session, its end for a closed one.  paused_seconds: time that did not count.
    """
    end = until if deadline is None else min(until, deadline)
    return max(0, int((end - started_at).total_seconds()) - paused_seconds)


def deadline_after_pause(
    *, deadline: datetime | None, paused_seconds: int, window_end: datetime | None
) -> datetime | None:
    """Return the deadline moved by a pause, never beyond the window."""
    if deadline is None:
        return None
    moved = deadline + timedelta(seconds=paused_seconds)
    return moved if window_end is None else min(moved, window_end)


def pictures_until(*, now: datetime, deadline: datetime | None, grace_seconds: int) -> datetime:
    """Return how long the pictures of a paper can be fetched: as long as answers are taken, of no limit a day or two.

    The same for every request of a day, so that the addresses stay the same. Source: decision "server owns the clock".
    """
    if deadline is not None:
        return deadline + timedelta(seconds=grace_seconds)
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)
