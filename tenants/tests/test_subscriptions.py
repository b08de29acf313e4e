"""Granting, ending and cancelling."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import transaction

from cbt.kernel import clock, jobs
from cbt.kernel.actor import SYSTEM
from cbt.kernel.errors import DomainError, ErrorCode
from cbt.kernel.models import AuditEvent
from tenants.models import CompanySubscription
from tenants.selectors.subscriptions import active_subscription
from tenants.services import subscriptions
from tenants.services.subscriptions import (
    subscription_cancel,
    subscription_grant,
    subscription_move,
    subscriptions_expire,
)
from tenants.states import SUBSCRIPTION_MOVES, BillingType, SubscriptionStatus
from tenants.tests.factories import (
    make_company,
    make_plan,
    make_price,
    make_subscription,
    make_tenant_admin,
    super_actor,
    tenant_actor,
)
from tests.support import race, run_jobs

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def grant(company, price=None, user_quota=25, actor=SYSTEM, **more):
    price = price or make_price()
    return subscription_grant(
        company_id=company.pk, plan_id=price.plan_id, price_id=price.pk, user_quota=user_quota, actor=actor, **more
    )


def refused(act) -> DomainError:
    with pytest.raises(DomainError) as caught:
        act()
    return caught.value


@pytest.mark.django_db
@pytest.mark.parametrize(("months", "ends"), [(3, (2027, 2, 28)), (6, (2027, 5, 30)), (12, (2027, 11, 30))])
def test_grant__then_active_from_now_for_calendar_months(months, ends):
    company = make_company(with_subscription=False)
    actor = super_actor()
    with time_machine.travel(NOON, tick=False):
        row = grant(company, make_price(make_plan(duration_months=months)), actor=actor)
    assert (row.status, row.billing_type) == (SubscriptionStatus.ACTIVE, BillingType.PRE_PAID)
    assert (row.user_quota, row.used_quota) == (25, 0)
    assert (row.started_at, row.expires_at) == (NOON, datetime(*ends, 12, tzinfo=UTC))
    assert active_subscription(company.pk, NOON) == row
    assert active_subscription(company.pk, row.expires_at) is None
    event = AuditEvent.objects.get(action="tenants.subscription.granted")
    assert (event.actor_id, event.company_id, event.object_id) == (actor.id, company.pk, str(row.pk))


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["pending", "active"])
def test_grant__when_another_is_open__then_conflict(status):
    company = make_company(with_subscription=False)
    make_subscription(company, status=status)
    error = refused(lambda: grant(company))
    assert error.code is ErrorCode.CONFLICT
    assert error.message == "The company already has an active or pending subscription."
    assert company.subscriptions.count() == 1


@pytest.mark.django_db
def test_grant__when_the_old_one_has_run_out_unnoticed__then_it_is_closed_first():
    company = make_company()
    old = company.subscriptions.get()
    with time_machine.travel(old.expires_at, tick=False):
        new = grant(company)
    old.refresh_from_db()
    assert (old.status, new.status) == (SubscriptionStatus.EXPIRED, SubscriptionStatus.ACTIVE)


@pytest.mark.django_db
def test_grant__when_price_is_of_another_or_deleted_plan_or_quota_is_none__then_told_by_field():
    company, price = make_company(with_subscription=False), make_price()
    wrong = lambda: subscription_grant(  # noqa: E731
        company_id=company.pk, plan_id=make_plan().pk, price_id=price.pk, user_quota=5, actor=SYSTEM
    )
    assert set(refused(wrong).fields) == {"subscription_price_id"}
    deleted = make_price(make_plan(deleted_at=clock.now()))
    assert set(refused(lambda: grant(company, deleted)).fields) == {"subscription_price_id"}
    assert set(refused(lambda: grant(company, user_quota=0)).fields) == {"user_quota"}
    assert company.subscriptions.count() == 0


@pytest.mark.django_db
def test_grant__when_company_is_deleted_or_unknown__then_not_found():
    gone = make_company(with_subscription=False, is_active=False, deleted_at=clock.now())
    assert refused(lambda: grant(gone)).code is ErrorCode.NOT_FOUND
    gone.pk = 987654
    assert refused(lambda: grant(gone)).code is ErrorCode.NOT_FOUND


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_grant__when_four_at_once__then_one():
    company, price = make_company(with_subscription=False), make_price()
    results = race(4, lambda _: grant(company, price))
    refusals = [result.code for result in results if isinstance(result, DomainError)]
    assert refusals == [ErrorCode.CONFLICT] * 3
    assert company.subscriptions.count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_grant__control__when_the_company_is_not_locked__then_the_index_still_leaves_one(monkeypatch):
    """Without the lock the unique index is what is left; it must do."""
    company, price = make_company(with_subscription=False), make_price()
    unlocked = subscriptions.company_for
    monkeypatch.setattr(subscriptions, "company_for", lambda actor, pk, lock=False: unlocked(actor, pk))
    results = race(4, lambda _: grant(company, price))
    assert [type(result) for result in results].count(DomainError) == 3
    assert company.subscriptions.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("old", list(SubscriptionStatus))
@pytest.mark.parametrize("new", list(SubscriptionStatus))
def test_move__when_any_pair__then_as_the_table_says(old, new):
    now = clock.now()
    row = make_subscription(
        make_company(with_subscription=False), status=old, cancelled_at=now if old == "cancelled" else None
    )
    facts = {"cancelled_at": now} if new == "cancelled" else {}
    act = lambda: subscription_move(subscription=row, to=new, actor=SYSTEM, now=now, **facts)  # noqa: E731
    if new in SUBSCRIPTION_MOVES[old]:
        assert act() is True
        assert AuditEvent.objects.get(action="tenants.subscription.moved").data == {"old": old, "new": new}
    else:
        assert refused(act).code is ErrorCode.BUSINESS_RULE
        assert AuditEvent.objects.count() == 0
    row.refresh_from_db()
    assert row.status == (new if new in SUBSCRIPTION_MOVES[old] else old)


@pytest.mark.django_db
def test_move__when_it_was_moved_in_the_meantime__then_left_alone():
    row = make_subscription(make_company(with_subscription=False))
    CompanySubscription.objects.filter(pk=row.pk).update(status="expired")
    cancelled = subscription_move(
        subscription=row, to=SubscriptionStatus.CANCELLED, actor=SYSTEM, now=clock.now(), cancelled_at=clock.now()
    )
    assert cancelled is False
    row.refresh_from_db()
    assert (row.status, row.cancelled_at) == ("expired", None)


@pytest.mark.django_db
def test_expire__when_due__then_moved_once_and_others_stay():
    due, later = make_company(), make_company()
    pending = make_subscription(make_company(with_subscription=False), status="pending")
    moment = due.subscriptions.get().expires_at
    later.subscriptions.update(expires_at=moment + timedelta(seconds=1))
    with time_machine.travel(moment - timedelta(seconds=1), tick=False):
        assert subscriptions_expire() == 0
    with time_machine.travel(moment, tick=False):
        assert (subscriptions_expire(), subscriptions_expire()) == (1, 0)
    assert [row.subscriptions.get().status for row in (due, later, pending.company)] == ["expired", "active", "pending"]
    assert AuditEvent.objects.filter(action="tenants.subscription.moved").count() == 1


@pytest.mark.django_db
def test_expire__then_stands_in_the_periodic_table_and_runs_as_a_job():
    assert "tenants.expire_subscriptions" in {row.name for row in jobs.periodic_table()}
    company = make_company()
    with time_machine.travel(company.subscriptions.get().expires_at, tick=False):
        jobs.enqueue("tenants.expire_subscriptions")
        assert run_jobs() == 1
    assert company.subscriptions.get().status == "expired"


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["pending", "active"])
def test_cancel__when_open__then_now_and_again_changes_nothing(status):
    company = make_company(with_subscription=False)
    row = make_subscription(company, status=status)
    actor = tenant_actor(make_tenant_admin(company))
    with time_machine.travel(NOON, tick=False):
        first = subscription_cancel(subscription_id=row.pk, actor=actor)
    second = subscription_cancel(subscription_id=row.pk, actor=actor)
    assert (first.status, first.cancelled_at) == ("cancelled", NOON)
    assert second.cancelled_at == NOON
    assert AuditEvent.objects.filter(action="tenants.subscription.moved").count() == 1


@pytest.mark.django_db
def test_cancel__when_expired_or_run_out__then_refused():
    row = make_subscription(make_company(with_subscription=False), status="expired")
    assert refused(lambda: subscription_cancel(subscription_id=row.pk, actor=SYSTEM)).code is ErrorCode.BUSINESS_RULE
    unnoticed = make_company().subscriptions.get()
    with time_machine.travel(unnoticed.expires_at, tick=False):
        error = refused(lambda: subscription_cancel(subscription_id=unnoticed.pk, actor=SYSTEM))
    assert error.message == "A subscription that is expired cannot become cancelled."


@pytest.mark.django_db
def test_cancel__when_foreign_or_unknown__then_alike():
    foreign = make_company().subscriptions.get()
    actor = tenant_actor(make_tenant_admin())
    errors = [refused(lambda pk=pk: subscription_cancel(subscription_id=pk, actor=actor)) for pk in (foreign.pk, 99999)]
    assert [(error.code, error.message) for error in errors] == [(ErrorCode.NOT_FOUND, "Subscription not found")] * 2
    foreign.refresh_from_db()
    assert foreign.status == "active"


@pytest.mark.django_db
def test_insert__when_another_constraint_breaks__then_not_hidden_as_conflict():
    from django.db import IntegrityError

    company = make_company(with_subscription=False)
    price, now = make_price(), clock.now()
    row = CompanySubscription(
        company=company, plan=price.plan, price=price, user_quota=1, used_quota=2, status="active",
        billing_type="pre_paid", started_at=now, expires_at=now + timedelta(days=1), created_at=now, updated_at=now,
    )  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        subscriptions.subscription_insert(row)
