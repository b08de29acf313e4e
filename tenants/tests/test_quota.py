"""Places are taken all or none, and never twice."""

import threading
from datetime import timedelta

import pytest
from django.db import transaction

from cbt.kernel import clock
from cbt.kernel.errors import DomainError, ErrorCode
from tenants.models import CompanySubscription
from tenants.services.quota import quota_take
from tenants.states import SubscriptionStatus
from tenants.tests.factories import make_company, make_subscription
from tests.support import counted_queries, race

PARALLEL = 20


def take(company, count=1, now=None):
    with transaction.atomic():
        quota_take(company_id=company.pk, count=count, now=now or clock.now())


def used(company) -> int:
    return CompanySubscription.objects.get(company=company).used_quota


@pytest.mark.django_db
def test_take__when_places_are_left__then_counted_in_one_statement():
    company = make_company(quota=5)
    with counted_queries() as statements:
        take(company, 3)
    assert [sql.split()[0] for sql in statements] == ["UPDATE"]
    assert used(company) == 3
    take(company, 2)
    assert used(company) == 5


@pytest.mark.django_db
def test_take__when_more_than_left__then_none_and_remaining_told():
    company = make_company(quota=5)
    take(company, 3)
    with pytest.raises(DomainError) as caught:
        take(company, 3)
    assert caught.value.code is ErrorCode.QUOTA_EXCEEDED
    assert caught.value.message == "User quota exceeded. 2 left."
    assert caught.value.details == {"remaining": 2}
    assert used(company) == 3


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["pending", "expired", "inactive"])
def test_take__when_subscription_is_not_active__then_required(status):
    company = make_company(with_subscription=False)
    make_subscription(company, status=status)
    with pytest.raises(DomainError) as caught:
        take(company)
    assert (caught.value.code, caught.value.message) == (
        ErrorCode.SUBSCRIPTION_REQUIRED, "No active subscription found",
    )  # fmt: skip
    assert used(company) == 0


@pytest.mark.django_db
def test_take__when_the_clock_has_ended_it__then_required_whatever_the_status():
    company = make_company(quota=5)
    row = CompanySubscription.objects.get(company=company)
    take(company, now=row.expires_at - timedelta(seconds=1))
    for moment in (row.expires_at, row.expires_at + timedelta(days=1)):
        with pytest.raises(DomainError) as caught:
            take(company, now=moment)
        assert caught.value.code is ErrorCode.SUBSCRIPTION_REQUIRED
    row.refresh_from_db()
    assert (row.status, row.used_quota) == (SubscriptionStatus.ACTIVE, 1)


@pytest.mark.django_db
def test_take__when_other_company_has_places__then_they_stay_its_own():
    full, free = make_company(quota=1), make_company(quota=50)
    take(full)
    with pytest.raises(DomainError):
        take(full)
    assert (used(full), used(free)) == (1, 0)


@pytest.mark.django_db
def test_take__when_the_people_are_not_stored__then_undone():
    company = make_company(quota=5)
    with pytest.raises(RuntimeError), transaction.atomic():
        quota_take(company_id=company.pk, count=2, now=clock.now())
        raise RuntimeError
    assert used(company) == 0


@pytest.mark.django_db(transaction=True)
def test_take__when_outside_a_transaction__then_refused():
    company = make_company(quota=5)
    with pytest.raises(AssertionError, match="belongs into the transaction"):
        quota_take(company_id=company.pk, count=1, now=clock.now())
    assert used(company) == 0


@pytest.mark.django_db
@pytest.mark.parametrize("count", [0, -1])
def test_take__when_count_is_not_positive__then_refused(count):
    company = make_company(quota=5)
    with pytest.raises(ValueError, match="at least 1"):
        take(company, count)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_take__when_twenty_at_once_for_five__then_exactly_five():
    company = make_company(quota=5)
    results = race(PARALLEL, lambda _: take(company))
    refusals = [result for result in results if result is not None]
    assert [error.code for error in refusals] == [ErrorCode.QUOTA_EXCEEDED] * 15
    assert used(company) == 5


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_take__control__when_read_first_and_written_after__then_oversold():
    """The naive way, so that the race above is known to be one: all read before any writes."""
    company = make_company(quota=5)
    all_have_read = threading.Barrier(PARALLEL)

    def naive(_):
        row = CompanySubscription.objects.get(company=company)
        all_have_read.wait(timeout=30)
        if row.used_quota >= row.user_quota:
            return "refused"
        CompanySubscription.objects.filter(pk=row.pk).update(used_quota=row.used_quota + 1)
        return "taken"

    assert race(PARALLEL, naive) == ["taken"] * PARALLEL  # twenty people on five places
    assert used(company) == 1
