"""Lengths of subscription periods."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime


def add_months(moment: datetime, months: int) -> datetime:
    """Return the same day and time ``months`` calendar months later (months >= 0), in UTC as given.

    A day the target month does not have becomes its last day: 31 January plus one month is 28 or 29 February.
    """
    years, index = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + years, index + 1
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch that is billed at its end, ``months`` calendar months long."""

    start: datetime
    end: datetime
    months: int


def months_between(start: datetime, end: datetime) -> int:
    """Return the calendar months from start to end, a begun one counted, at least 1."""
    months = (end.year - start.year) * 12 + end.month - start.month
    return max(1, months + (add_months(start, months) < end if months >= 0 else 0))


def periods_of(started_at: datetime, expires_at: datetime, term_months: int) -> list[Period]:
    """Cut a post-paid subscription into the periods that are billed: terms of the plan, and what is left.

    Where a period begins depends on ``started_at`` alone, so it stays when an extension moves the end; that is
    what makes "once a period" a constraint. 30 November for 3 + 1 months: to 28 February, then one month.
    """
    total = months_between(started_at, expires_at)
    periods = []
    for first in range(0, total, term_months):
        last = min(first + term_months, total)
        end = expires_at if last == total else add_months(started_at, last)
        periods.append(Period(add_months(started_at, first), end, last - first))
    return periods
