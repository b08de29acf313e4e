"""Every pair of states, by hand: a change of the table changes this test."""

from datetime import UTC, datetime

import pytest

from tenants.engine.periods import add_months
from tenants.states import (
    SUBSCRIPTION_MOVES,
    SUBSCRIPTION_OPEN,
    SUBSCRIPTION_STARTS,
    BillingType,
    SubscriptionStatus,
    may_move,
)

ALLOWED = {
    ("pending", "active"), ("pending", "cancelled"), ("active", "expired"), ("active", "cancelled"),
    ("expired", "active"),  # an extension that was paid in time and approved late
}  # fmt: skip
PAIRS = [(old, new) for old in SubscriptionStatus for new in SubscriptionStatus]


def test_enums__then_contract_values():
    assert [state.value for state in SubscriptionStatus] == ["pending", "active", "expired", "cancelled", "inactive"]
    assert [kind.value for kind in BillingType] == ["pre_paid", "post_paid"]
    assert SUBSCRIPTION_OPEN == SUBSCRIPTION_STARTS == {"pending", "active"}
    assert set(SUBSCRIPTION_MOVES) == set(SubscriptionStatus)


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_may_move__when_any_pair__then_only_the_documented_ones(old, new):
    assert may_move(old, new) is ((old.value, new.value) in ALLOWED)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ((2026, 1, 15), 3, (2026, 4, 15)),
        ((2026, 11, 30), 3, (2027, 2, 28)),
        ((2027, 11, 30), 3, (2028, 2, 29)),
        ((2026, 8, 31), 6, (2027, 2, 28)),
        ((2026, 12, 31), 12, (2027, 12, 31)),
        ((2028, 2, 29), 12, (2029, 2, 28)),
        ((2026, 12, 1), 0, (2026, 12, 1)),
        ((2026, 12, 31), 1, (2027, 1, 31)),
        ((2026, 6, 30), 6, (2026, 12, 30)),
    ],
)
def test_add_months__when_day_is_missing__then_last_day(start, months, end):
    moment = datetime(*start, 17, 5, 9, tzinfo=UTC)
    assert add_months(moment, months) == datetime(*end, 17, 5, 9, tzinfo=UTC)
