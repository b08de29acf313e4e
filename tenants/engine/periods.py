"""Lengths of subscription periods."""

from calendar import monthrange
from datetime import datetime


def add_months(moment: datetime, months: int) -> datetime:
    """Return the same day and time ``months`` calendar months later (months >= 0), in UTC as given.

    A day the target month does not have becomes its last day: 31 January plus one month is 28 or 29 February.
    """
    years, index = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + years, index + 1
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))
