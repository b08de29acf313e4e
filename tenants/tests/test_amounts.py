"""Exact amounts, and laws that hold for all of them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenants.engine.amounts import Terms, bill, extra_total, months_amount, tax_of, whole_amount
from tenants.engine.periods import Period, add_months, months_between, periods_of

RATE = Decimal("0.11")
#: The machine may be busy; slow is no fault of the law.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
money = st.decimals(min_value=0, max_value=10**11, places=2)
terms_st = st.builds(
    Terms, months=st.sampled_from([3, 6, 12]), base_quota=st.integers(0, 5000), price_amount=money,
    extra_amount=st.none() | st.decimals(min_value=0, max_value=10**6, places=2),
)  # fmt: skip
moments = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def terms(price="500000.00", extra="50000.00", quota=5, months=3):
    return Terms(months, quota, Decimal(price), None if extra is None else Decimal(extra))


def test_amounts__then_as_the_contract_computes():
    assert whole_amount(terms(), 7) == Decimal("600000.00")
    assert whole_amount(terms(), 3) == Decimal("500000.00")
    assert extra_total(terms(), 5) == Decimal("250000.00")
    assert extra_total(terms(extra=None), 5) == Decimal("0.00")
    assert months_amount(terms(), 5, 1) == Decimal("166666.67")
    assert months_amount(terms(), 5, 2) == Decimal("333333.33")
    assert tax_of(Decimal("166666.67"), RATE) == Decimal("18333.33")
    assert tax_of(Decimal("0.50"), Decimal("0.01")) == Decimal("0.01")  # half up, not to even


def test_bill__when_part_of_a_term__then_one_line_of_months():
    made = bill(terms=terms(), user_quota=5, months=1, plan_name="Paket", rate=RATE)
    assert (made.amount, made.tax_amount, made.total_amount) == (
        Decimal("166666.67"), Decimal("18333.33"), Decimal("185000.00"),
    )  # fmt: skip
    assert [(line.quantity, line.unit_price, line.total) for line in made.lines] == [
        (1, Decimal("166666.67"), Decimal("166666.67"))
    ]


def test_bill__when_custom_tier__then_billed_by_person():
    made = bill(terms=terms(price="0", quota=0), user_quota=12, months=3, plan_name="Paket", rate=RATE)
    assert made.amount == Decimal("600000.00")
    assert [(line.quantity, line.total) for line in made.lines] == [(1, Decimal("0.00")), (12, Decimal("600000.00"))]


@patient
@given(
    agreed=terms_st, quota=st.integers(1, 10_000), months=st.integers(1, 12), rate=st.sampled_from(["0", "0.11", "1"])
)
def test_law__bill_adds_up_to_the_cent(agreed, quota, months, rate):
    made = bill(terms=agreed, user_quota=quota, months=months, plan_name="Paket", rate=Decimal(rate))
    assert sum(line.total for line in made.lines) == made.amount
    assert made.total_amount == made.amount + made.tax_amount
    assert abs(made.tax_amount - made.amount * Decimal(rate)) <= Decimal("0.005")
    for value in (made.amount, made.tax_amount, made.total_amount, *(line.unit_price for line in made.lines)):
        assert value >= 0
        assert value == value.quantize(Decimal("0.01"))


@patient
@given(agreed=terms_st, quota=st.integers(1, 10_000), months=st.integers(1, 11))
def test_law__a_whole_term_is_the_price_and_months_never_cost_less_than_fewer(agreed, quota, months):
    assert months_amount(agreed, quota, agreed.months) == whole_amount(agreed, quota)
    assert months_amount(agreed, quota, months) <= months_amount(agreed, quota, months + 1)
    exact = whole_amount(agreed, quota) * months / agreed.months
    assert abs(months_amount(agreed, quota, months) - exact) <= Decimal("0.005")


@patient
@given(agreed=terms_st, quota=st.integers(1, 10_000), more=st.integers(1, 1000))
def test_law__people_bought_later_cost_as_much_as_bought_at_once(agreed, quota, more):
    quota = max(quota, agreed.base_quota)
    assert whole_amount(agreed, quota + more) == whole_amount(agreed, quota) + extra_total(agreed, more)


# --- periods ----------------------------------------------------------------------------------------


def at(*parts):
    return datetime(*parts, tzinfo=UTC)


def test_periods__when_extended__then_terms_and_a_rest_whose_starts_never_move():
    start = at(2026, 11, 30)
    assert periods_of(start, at(2027, 2, 28), 3) == [Period(start, at(2027, 2, 28), 3)]
    assert periods_of(start, at(2027, 3, 28), 3) == [
        Period(start, at(2027, 2, 28), 3), Period(at(2027, 2, 28), at(2027, 3, 28), 1),
    ]  # fmt: skip
    assert periods_of(start, at(2027, 6, 28), 3)[1:] == [
        Period(at(2027, 2, 28), at(2027, 5, 30), 3), Period(at(2027, 5, 30), at(2027, 6, 28), 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [((2026, 1, 31), (2026, 2, 28), 1), ((2026, 1, 1), (2026, 1, 20), 1), ((2026, 1, 10), (2026, 3, 11), 3)],
)
def test_months_between__then_begun_ones_count(start, end, months):
    assert months_between(at(*start), at(*end)) == months


@patient
@given(start=moments, term=st.sampled_from([3, 6, 12]), extensions=st.lists(st.integers(1, 12), max_size=6))
def test_law__periods_cover_the_subscription_without_gap_and_bill_every_month_once(start, term, extensions):
    end, total, starts = add_months(start, term), term, [start]
    for months in extensions:
        end, total = add_months(end, months), total + months
        periods = periods_of(start, end, term)
        assert [period.start for period in periods][: len(starts)] == starts
        starts = [period.start for period in periods]
    periods = periods_of(start, end, term)
    assert (periods[0].start, periods[-1].end) == (start, end)
    assert all(first.end == second.start for first, second in pairwise(periods))
    assert all(period.start < period.end for period in periods)
    assert sum(period.months for period in periods) == total
    assert all(period.months == term for period in periods[:-1])
    assert end - start > timedelta(days=27 * total)
