"""Money: Decimal with two places, rounded half up, in one function."""

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


def rounded(amount: Decimal | int | str) -> Decimal:
    """Return an amount rounded half up to 0.01."""
    return Decimal(amount).quantize(CENT, rounding=ROUND_HALF_UP)
