"""Calendar periods and growth as the dashboard shows them. Months are those of UTC. Source: details 2.7."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Periods:
    """Where the periods around ``now`` begin. This month is month_at..now, last month last_month_at..<month_at."""

    now: datetime
    month_at: datetime
    last_month_at: datetime
    year_at: datetime


def periods_of(now: datetime) -> Periods:
    """Return the periods around an instant in UTC."""
    month_at = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    last_month_at = (month_at - timedelta(days=1)).replace(day=1)
    return Periods(now=now, month_at=month_at, last_month_at=last_month_at, year_at=month_at.replace(month=1))


def growth_percentage(this: int, last: int) -> float:
    """Return (this - last) / last in percent with two decimals; after an empty month 100, or 0 when still empty."""
    if last == 0:
        return 100.0 if this > 0 else 0.0
    return float((Decimal(this - last) / last * 100).quantize(_CENT, ROUND_HALF_UP))


def share_percentage(part: int, whole: int) -> float:
    """Return part of whole in percent with two decimals; 0 of nothing."""
    return float((Decimal(part) / whole * 100).quantize(_CENT, ROUND_HALF_UP)) if whole else 0.0


def days_until(moment: datetime, now: datetime) -> int:
    """Return the days left, begun ones counted: 1 on the last day, 0 when over."""
    return max(0, -((now - moment) // timedelta(days=1)))
