"""What subscriptions, more people, longer time and invoices cost. Decimal, rounded half up to 0.01, once."""

from dataclasses import dataclass
from decimal import Decimal

from cbt.kernel.money import rounded


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed: ``base_quota`` people for ``price_amount`` over ``months``.

    extra_amount: for each further person over the same months; None: none are sold.
    base_quota 0 is the custom tier: everybody is a further person.
    """

    months: int
    base_quota: int
    price_amount: Decimal
    extra_amount: Decimal | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an invoice; ``total`` is what counts, ``unit_price`` is rounded for show."""

    description: str
    quantity: int
    unit_price: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class Bill:
    """Lines, their sum, the tax on it (``tax_rate``: share of 1) and both together."""

    lines: tuple[Line, ...]
    user_quota: int
    amount: Decimal
    tax_rate: Decimal
    tax_amount: Decimal
    total_amount: Decimal


def extra_total(terms: Terms, additional_users: int) -> Decimal:
    """Return the price of ``additional_users`` (>= 0) more people: no tax, no proration. Source: details 5."""
    return rounded((terms.extra_amount or Decimal(0)) * additional_users)


def whole_amount(terms: Terms, user_quota: int) -> Decimal:
    """Return the price of a whole term for ``user_quota`` people: the tier, and everyone beyond it.

    3 months, tier 500,000 for 5, 7 people at 50,000 more each: 500,000 + 2 x 50,000 = 600,000. Source: details 5, W-26.
    """
    return rounded(terms.price_amount) + extra_total(terms, max(0, user_quota - terms.base_quota))


def months_amount(terms: Terms, user_quota: int, months: int) -> Decimal:
    """Return the price of ``months`` (>= 1) calendar months: the monthly share of the whole term, rounded once.

    1 month of the 3-month tier of 500,000: 166,666.67. Source: details 5.
    """
    return rounded(whole_amount(terms, user_quota) * months / terms.months)


def tax_of(amount: Decimal, rate: Decimal) -> Decimal:
    """Return the tax on an amount: 166,666.67 at 0.11 is 18,333.33."""
    return rounded(amount * rate)


def bill(*, terms: Terms, user_quota: int, months: int, plan_name: str, rate: Decimal) -> Bill:
    """Return the bill of ``months`` months for ``user_quota`` people.

    A whole term shows the tier and the further people apart; other lengths are one line of that many months.
    """
    people = max(0, user_quota - terms.base_quota)
    amount = months_amount(terms, user_quota, months)
    if months == terms.months:
        lines = [Line(f"{plan_name} ({months} bulan)", 1, rounded(terms.price_amount), rounded(terms.price_amount))]
        if people:
            each = rounded(terms.extra_amount or Decimal(0))
            lines.append(Line("Pengguna tambahan", people, each, extra_total(terms, people)))
    else:
        monthly = rounded(whole_amount(terms, user_quota) / terms.months)
        lines = [Line(f"{plan_name}, {user_quota} pengguna, per bulan", months, monthly, amount)]
    tax = tax_of(amount, rate)
    return Bill(tuple(lines), user_quota, amount, rate, tax, amount + tax)
