"""Numbers between JSON and exact decimals.

Every number of a document and every numeric answer is a `Decimal` while we compute, so that 0.1 + 0.2 is 0.3 and a
regrade in five years gives the same points on any machine.
"""

import math
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation

LIMIT = 10**15
"""Largest magnitude of a number in a document or an answer: exact as a float and as a JSON number everywhere."""

ENGINE_CONTEXT = Context(prec=34, rounding=ROUND_HALF_UP)
"""Our own arithmetic context: the result may not depend on what the calling thread set."""


def to_decimal(value: object) -> Decimal:
    """Exact decimal of a JSON number: `0.1` becomes `Decimal("0.1")`, not its binary neighbour.

    Raises `ValueError` for booleans, other types, NaN, infinities and magnitudes above `LIMIT`.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("not a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not a finite number")
    try:
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except InvalidOperation as error:
        raise ValueError("not a number") from error
    if not number.is_finite() or abs(number) > LIMIT:
        raise ValueError("out of range")
    return number


def to_json(number: Decimal) -> int | float:
    """JSON number of a decimal: an integer where it is whole, so that 1 and 1.0 have one canonical form."""
    whole = number.to_integral_value()
    return int(whole) if whole == number else float(number)


def round_half_up(number: Decimal, places: int) -> Decimal:
    """The number rounded to `places` decimals, halves away from zero (what people expect of a percentage)."""
    return number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=ENGINE_CONTEXT)
