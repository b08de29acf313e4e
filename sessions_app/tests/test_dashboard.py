"""The dashboards. Contract 7.1, 8.1, details 2.7."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from accounts.models import User
from accounts.states import Role
from accounts.tests.factories import make_user
from catalog.tests.factories import make_category, make_offer
from sessions_app.engine.periods import days_until, growth_percentage, periods_of, share_percentage
from sessions_app.models import ExamSession, Participant
from sessions_app.services.closing import session_submit
from sessions_app.services.participants import participant_ban
from sessions_app.tests.factories import make_assignment, make_bank_test, make_participant, start_session
from tenants.models import CompanySubscription
from tenants.tests.factories import make_company, make_subscription, make_tenant_admin
from tests.support import counted_queries, data_of, error_of

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
SESSIONS = {"total", "completed", "in_progress", "abandoned", "banned", "this_month", "last_month"}
MONTHS = {"this_month", "last_month", "growth_percentage"}
STAFF_KEYS = {
    "overview": {
        "total_companies", "active_companies", "total_subscriptions", "active_subscriptions", "total_tests",
        "active_tests", "total_participants", "total_public_users", "total_test_sessions", "completed_test_sessions",
    },
    "companies": {"total", "active", "inactive", "with_subscription", "new_this_month"},
    "subscriptions": {
        "total", "active", "expired", "cancelled", "pending", "expiring_soon", "new_this_month", "new_last_month",
    },
    "tests": {"total", "active", "inactive", "by_type", "total_categories", "active_categories"},
    "users": {"total_users", "super_admins", "tenant_admins", "public_users", "verified_users", "unverified_users"},
    "test_sessions": SESSIONS,
    "growth": {"companies", "subscriptions", "test_sessions"},
}  # fmt: skip
TENANT_KEYS = {
    "company": {"id", "name", "email", "phone", "is_active"},
    "subscription": {
        "id", "status", "billing_type", "plan_name", "duration_months", "user_quota", "used_quota", "remaining_quota",
        "quota_usage_percentage", "started_at", "expires_at", "days_until_expiry", "is_expiring_soon",
    },
    "overview": {
        "total_participants", "active_participants", "banned_participants", "total_test_assignments",
        "completed_assignments", "pending_assignments", "total_test_sessions", "completed_sessions",
    },
    "participants": {"total", "active", "banned", "new_this_month"},
    "test_assignments": {"total", "completed", "pending", "active", "expired", "this_month", "last_month"},
    "test_sessions": SESSIONS,
    "growth": {"participants", "test_assignments", "test_sessions"},
}  # fmt: skip


@pytest.fixture(autouse=True)
def _noon():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def staff(db):
    return make_user(Role.SUPER_ADMIN)


def shown(api, user):
    answer = api.as_(user).get("/api/dashboard")
    assert answer.json()["message"] == "Dashboard statistics retrieved successfully"
    return data_of(answer)


# --- staff ------------------------------------------------------------------------------------------
def test_staff__then_exactly_the_documented_blocks_and_keys(api, staff):
    make_company()
    data = shown(api, staff)
    assert {name: set(block) for name, block in data.items() if isinstance(block, dict)} == STAFF_KEYS
    assert set(data) == {*STAFF_KEYS, "recent_activities"}
    assert set(data["tests"]["by_type"]) == {"public", "company", "all"}
    assert set(data["growth"]["companies"]) == MONTHS | {"this_year"}
    assert set(data["growth"]["subscriptions"]) == set(data["growth"]["test_sessions"]) == MONTHS
    assert set(data["recent_activities"][0]) == {"type", "title", "description", "created_at"}


def test_staff__when_there_is_nothing__then_zeros(api, staff):
    data = shown(api, staff)
    assert set(data["overview"].values()) == {0}
    assert data["users"] | {"super_admins": 0, "total_users": 0, "verified_users": 0} == dict.fromkeys(data["users"], 0)
    assert data["recent_activities"] == []
    assert data["growth"]["companies"] == {"this_month": 0, "last_month": 0, "this_year": 0, "growth_percentage": 0.0}


def test_staff__then_companies_and_subscriptions_are_counted_by_what_they_are_now(api, staff):
    make_company(deleted_at=NOW, is_active=False)
    make_company(with_subscription=False, is_active=False)
    soon = make_company(with_subscription=False)
    make_subscription(soon, expires_at=NOW + timedelta(days=30))
    later = make_company(with_subscription=False)
    make_subscription(later, expires_at=NOW + timedelta(days=30, seconds=1))
    over = make_company(with_subscription=False)
    make_subscription(over, started_at=NOW - timedelta(days=9), expires_at=NOW)  # the job has not written it down yet
    make_subscription(over, status="expired")
    make_subscription(over, status="cancelled", cancelled_at=NOW)
    make_subscription(make_company(with_subscription=False), status="pending")
    data = shown(api, staff)
    assert data["companies"] == {
        "total": 5, "active": 4, "inactive": 1, "with_subscription": 2, "new_this_month": 5,
    }  # fmt: skip
    assert data["subscriptions"] == {
        "total": 8 - 1, "active": 3, "expired": 2, "cancelled": 1, "pending": 1, "expiring_soon": 1,
        "new_this_month": 7, "new_last_month": 0,
    }  # fmt: skip
    assert (data["overview"]["total_subscriptions"], data["overview"]["active_subscriptions"]) == (7, 3)


def test_staff__then_tests_users_and_sessions(api, staff):
    make_offer(type="public")
    make_offer(type="company", is_active=False)
    make_offer(type="all", category_id=make_category().pk)
    make_category(is_active=False)
    make_user(is_verified=False)
    make_user()
    company = make_company()
    make_tenant_admin(company)
    for status in ("completed", "banned", "abandoned", "in_progress"):
        session = start_session(participant=make_participant(company=company)).session
        close_as(session, status)
    make_participant(company=company, deleted_at=NOW)
    data = shown(api, staff)
    assert data["tests"]["total"] == 3 + 4
    assert (data["tests"]["active"], data["tests"]["inactive"]) == (6, 1)
    assert data["tests"]["by_type"] == {"public": 1, "company": 1, "all": 5}
    assert (data["tests"]["total_categories"], data["tests"]["active_categories"]) == (2, 1)
    assert data["users"] == {
        "total_users": 4, "super_admins": 1, "tenant_admins": 1, "public_users": 2, "verified_users": 3,
        "unverified_users": 1,
    }  # fmt: skip
    assert data["test_sessions"] == {
        "total": 4, "completed": 1, "in_progress": 1, "abandoned": 1, "banned": 1, "this_month": 4, "last_month": 0,
    }  # fmt: skip
    assert (data["overview"]["total_participants"], data["overview"]["completed_test_sessions"]) == (4, 1)


def close_as(session: ExamSession, status: str) -> None:
    moments = {"completed": "completed_at", "banned": "banned_at", "abandoned": "abandoned_at"}
    changed = {moments[status]: NOW} if status in moments else {}
    ExamSession.objects.filter(pk=session.pk).update(status=status, **changed)


def test_staff__then_recent_activities_are_the_ten_newest_of_five_each(api, staff):
    for minute in range(7):
        moment = NOW - timedelta(minutes=minute)
        company = make_company(name=f"PT {minute}", with_subscription=False, created_at=moment)
        make_subscription(company, created_at=moment - timedelta(seconds=30))
    rows = shown(api, staff)["recent_activities"]
    assert [row["type"] for row in rows] == ["company_created", "subscription_created"] * 5
    assert rows[0] == {
        "type": "company_created", "title": "New company registered", "description": "PT 0 has been registered",
        "created_at": "2026-03-15T12:00:00Z",
    }  # fmt: skip
    assert rows[1]["description"].startswith("PT 0: Plan ")
    assert [row["created_at"] for row in rows] == sorted((row["created_at"] for row in rows), reverse=True)


MOMENTS = [
    (datetime(2025, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "before"),
    (datetime(2026, 1, 1, tzinfo=UTC), "this_year"),
    (datetime(2026, 1, 31, 23, 59, 59, 999_999, tzinfo=UTC), "this_year"),
    (datetime(2026, 2, 1, tzinfo=UTC), "last_month"),
    (datetime(2026, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC), "last_month"),
    (datetime(2026, 3, 1, tzinfo=UTC), "this_month"),
    (NOW, "this_month"),
    (NOW + timedelta(microseconds=1), "later"),
]


@pytest.mark.parametrize(("moment", "period"), MOMENTS)
def test_months__then_a_row_counts_in_the_calendar_month_of_utc(api, staff, moment, period):
    make_company(created_at=moment, with_subscription=False)
    assert shown(api, staff)["growth"]["companies"] == {
        "this_month": int(period == "this_month"), "last_month": int(period == "last_month"),
        "this_year": int(period in {"this_year", "last_month", "this_month"}),
        "growth_percentage": {"this_month": 100.0, "last_month": -100.0}.get(period, 0.0),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("instant", "this_month"),
    [("2026-02-28T23:59:59.999999Z", (1, 0)), ("2026-03-01T00:00:00Z", (0, 1)), ("2026-04-01T00:00:00Z", (0, 0))],
)
def test_months__when_the_month_turns__then_this_becomes_last(api, db, instant, this_month):
    with time_machine.travel(datetime(2026, 2, 28, 12, tzinfo=UTC), tick=False):
        tenant = make_tenant_admin(make_company())
        make_participant(company=tenant.company_admin.company)
    with time_machine.travel(datetime.fromisoformat(instant), tick=False):
        growth = shown(api, tenant)["growth"]["participants"]
    assert (growth["this_month"], growth["last_month"]) == this_month


# --- a company --------------------------------------------------------------------------------------
def test_tenant__then_exactly_the_documented_blocks_and_keys(api, db):
    tenant = make_tenant_admin(make_company())
    make_assignment(participant=make_participant(company=tenant.company_admin.company))
    data = shown(api, tenant)
    assert {name: set(block) for name, block in data.items() if isinstance(block, dict)} == TENANT_KEYS
    assert set(data) == {*TENANT_KEYS, "recent_activities"}
    assert set(data["growth"]["participants"]) == MONTHS | {"this_year"}
    assert set(data["growth"]["test_assignments"]) == set(data["growth"]["test_sessions"]) == MONTHS


def test_tenant__when_nothing_is_subscribed_to__then_open_and_null(api, db):
    tenant = make_tenant_admin(make_company(with_subscription=False))
    data = shown(api, tenant)
    assert data["subscription"] is None
    assert data["company"]["id"] == tenant.company_id
    expired = make_tenant_admin(make_company(with_subscription=False))
    make_subscription(expired.company_admin.company, started_at=NOW - timedelta(days=9), expires_at=NOW)
    assert shown(api, expired)["subscription"] is None


def test_tenant__then_its_subscription(api, db):
    company = make_company(with_subscription=False, phone="0211234")
    tenant = make_tenant_admin(company)
    subscription = make_subscription(
        company, quota=30, used_quota=20, expires_at=NOW + timedelta(days=30, hours=1), billing_type="post_paid"
    )
    data = shown(api, tenant)
    assert data["company"] == {
        "id": company.pk, "name": company.name, "email": company.email, "phone": "0211234", "is_active": True,
    }  # fmt: skip
    assert data["subscription"] == {
        "id": subscription.pk, "status": "active", "billing_type": "post_paid", "plan_name": subscription.plan.name,
        "duration_months": 3, "user_quota": 30, "used_quota": 20, "remaining_quota": 10,
        "quota_usage_percentage": 66.67, "started_at": "2026-03-15T12:00:00Z", "expires_at": "2026-04-14T13:00:00Z",
        "days_until_expiry": 31, "is_expiring_soon": False,
    }  # fmt: skip
    CompanySubscription.objects.update(expires_at=NOW + timedelta(days=30))
    assert shown(api, tenant)["subscription"]["is_expiring_soon"] is True


def test_tenant__then_only_its_own_people_are_counted(api, db):
    company, test = make_company(), make_bank_test()
    tenant = make_tenant_admin(company)
    start_session()  # of another company
    person = make_participant(company=company, name="Siti")
    _, link = make_assignment(participant=person, test=test)
    session_submit(token=start_session(link).token, now=NOW)
    make_assignment(participant=person, test=test)
    make_assignment(participant=person, test=test, start_at=NOW - timedelta(days=9), end_at=NOW - timedelta(seconds=1))
    make_assignment(participant=person, test=test, start_at=NOW + timedelta(days=1), end_at=NOW + timedelta(days=2))
    ban(make_participant(company=company))
    gone = make_participant(company=company, deleted_at=NOW)
    make_assignment(participant=gone, test=test)
    data = shown(api, tenant)
    assert data["participants"] == {"total": 2, "active": 1, "banned": 1, "new_this_month": 2}
    assert data["test_assignments"] == {
        "total": 4, "completed": 1, "pending": 3, "active": 1, "expired": 1, "this_month": 4, "last_month": 0,
    }  # fmt: skip
    assert (data["test_sessions"]["total"], data["test_sessions"]["completed"]) == (1, 1)
    assert data["overview"] == {
        "total_participants": 2, "active_participants": 1, "banned_participants": 1, "total_test_assignments": 4,
        "completed_assignments": 1, "pending_assignments": 3, "total_test_sessions": 1, "completed_sessions": 1,
    }  # fmt: skip
    kinds = {row["type"]: row["description"] for row in data["recent_activities"]}
    assert kinds["test_completed"] == f"Siti has completed {test.name}"
    assert kinds["test_assigned"] == f"{test.name} has been assigned to Siti"
    assert set(kinds) == {"participant_created", "test_assigned", "test_completed"}
    assert len(data["recent_activities"]) == 2 + 4 + 1


def ban(person: Participant) -> None:
    from cbt.kernel.actor import SYSTEM

    participant_ban(participant_id=person.pk, reason="x", now=NOW, actor=SYSTEM)


@pytest.mark.parametrize("size", [2, 20])
def test_both__then_few_queries_whatever_the_rows(api, staff, size):
    company, test = make_company(), make_bank_test()
    tenant = make_tenant_admin(company)
    for _ in range(size):
        start_session(participant=make_participant(company=company), test=test)
        make_company()
    expected = {staff: 4, tenant: 7}
    for user, count in expected.items():
        client = api.as_(user)
        with counted_queries() as queries:
            data_of(client.get("/api/dashboard"))
        assert len(queries) == count, queries


def test_others__then_403(api, db):
    assert error_of(api.as_(make_user()).get("/api/dashboard"), 403, "FORBIDDEN")["message"] == "Unauthorized"
    error_of(api.get("/api/dashboard"), 401, "UNAUTHENTICATED")
    tenant = make_tenant_admin(make_company())
    tenant.company_admin.delete()
    answer = error_of(api.as_(User.objects.get(pk=tenant.pk)).get("/api/dashboard"), 403, "COMPANY_ADMIN_NOT_FOUND")
    assert answer["message"] == "Company admin not found"


# --- rules ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("this", "last", "percentage"),
    [(0, 0, 0.0), (3, 0, 100.0), (0, 3, -100.0), (4, 3, 33.33), (5, 3, 66.67), (3, 3, 0.0), (201, 200, 0.5),
     (10_001, 80_000, -87.5), (1, 800, -99.88)],
)  # fmt: skip
def test_growth__then_rounded_half_up_to_two_decimals(this, last, percentage):
    assert growth_percentage(this, last) == percentage


def test_periods__when_january__then_last_month_is_of_last_year():
    periods = periods_of(datetime(2026, 1, 31, 23, 59, tzinfo=UTC))
    assert (periods.month_at, periods.last_month_at, periods.year_at) == (
        datetime(2026, 1, 1, tzinfo=UTC), datetime(2025, 12, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def test_days__then_begun_ones_count():
    assert [days_until(NOW + timedelta(seconds=s), NOW) for s in (-1, 0, 1, 86_400, 86_401)] == [0, 0, 1, 1, 2]
    assert (share_percentage(1, 3), share_percentage(5, 0)) == (33.33, 0.0)
