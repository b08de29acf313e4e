"""The dashboards of staff and of companies: one aggregate a table, whatever the rows. Source: details 2.7."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, Model, OuterRef, Q, QuerySet

from accounts.models import User
from accounts.states import CONTRACT_ROLES, Role
from catalog.models import Test, TestCategory
from catalog.states import TestType
from cbt.kernel import clock
from sessions_app.engine.periods import Periods, days_until, growth_percentage, periods_of, share_percentage
from sessions_app.models import ExamSession, Participant, TestAssignment
from sessions_app.states import SessionStatus
from tenants.models import Company, CompanySubscription
from tenants.selectors.companies import TenantContext
from tenants.states import SubscriptionStatus

Counts = dict[str, int]
Activity = dict[str, Any]
SOON = timedelta(days=30)
RECENT_EACH = 5
RECENT = 10
LIVE = Q(deleted_at__isnull=True)


def _count(rows: QuerySet[Any], **conditions: Q | Exists) -> Counts:
    """Return {"total", and the number of rows under each condition}; one query."""
    filters = {name: Count("pk", filter=condition) for name, condition in conditions.items()}
    return rows.aggregate(total=Count("pk"), **filters)


def _months(field: str, when: Periods) -> dict[str, Q]:
    return {
        "this_month": Q(**{f"{field}__gte": when.month_at, f"{field}__lte": when.now}),
        "last_month": Q(**{f"{field}__gte": when.last_month_at, f"{field}__lt": when.month_at}),
        "this_year": Q(**{f"{field}__gte": when.year_at, f"{field}__lte": when.now}),
    }


def _pick(counts: Counts, *names: str, **renamed: str) -> Counts:
    return {name: counts[name] for name in names} | {name: counts[source] for name, source in renamed.items()}


def _growth(counts: Counts, *, with_year: bool = False) -> dict[str, Any]:
    shown: dict[str, Any] = _pick(counts, "this_month", "last_month", *(("this_year",) if with_year else ()))
    return {**shown, "growth_percentage": growth_percentage(counts["this_month"], counts["last_month"])}


def _running(now: datetime) -> Q:
    """Return the condition of a subscription that is active: its status says so and its end lies ahead."""
    return Q(status=SubscriptionStatus.ACTIVE, expires_at__gt=now)


def _session_counts(rows: QuerySet[ExamSession], when: Periods) -> Counts:
    states = {status.value: Q(status=status) for status in SessionStatus}
    return _count(rows, **states, **_months("started_at", when))


def _session_block(counts: Counts) -> Counts:
    return _pick(counts, "total", "completed", "in_progress", "abandoned", "banned", "this_month", "last_month")


# --- staff ------------------------------------------------------------------------------------------
def super_admin_dashboard(*, now: datetime) -> dict[str, Any]:
    """Return the figures of the whole server at ``now``; nine queries."""
    when = periods_of(now)
    companies, subscriptions = _company_counts(when), _subscription_counts(when)
    tests, users = _test_counts(), _user_counts()
    sessions = _session_counts(ExamSession.objects.all(), when)
    overview = {
        "total_companies": companies["total"], "active_companies": companies["active"],
        "total_subscriptions": subscriptions["total"], "active_subscriptions": subscriptions["active"],
        "total_tests": tests["total"], "active_tests": tests["active"],
        "total_participants": Participant.objects.filter(LIVE).count(), "total_public_users": users["public_users"],
        "total_test_sessions": sessions["total"], "completed_test_sessions": sessions["completed"],
    }  # fmt: skip
    return {
        "overview": overview,
        "companies": _pick(
            companies, "total", "active", "inactive", "with_subscription", new_this_month="this_month"
        ),
        "subscriptions": _pick(
            subscriptions, "total", "active", "expired", "cancelled", "pending", "expiring_soon",
            new_this_month="this_month", new_last_month="last_month",
        ),
        "tests": _test_block(tests),
        "users": users,
        "test_sessions": _session_block(sessions),
        "recent_activities": _newest(_recent_companies(now), _recent_subscriptions(now)),
        "growth": {
            "companies": _growth(companies, with_year=True),
            "subscriptions": _growth(subscriptions),
            "test_sessions": _growth(sessions),
        },
    }  # fmt: skip


def _test_counts() -> Counts:
    kinds = {kind.value: Q(type=kind) for kind in TestType}
    return _count(Test.objects.filter(LIVE), active=Q(is_active=True), inactive=Q(is_active=False), **kinds)


def _test_block(tests: Counts) -> dict[str, Any]:
    categories = _count(TestCategory.objects.filter(LIVE), active=Q(is_active=True))
    return {
        **_pick(tests, "total", "active", "inactive"),
        "by_type": _pick(tests, *(kind.value for kind in TestType)),
        "total_categories": categories["total"],
        "active_categories": categories["active"],
    }


def _user_counts() -> Counts:
    counts = _count(
        User.objects.filter(role__in=CONTRACT_ROLES),
        super_admins=Q(role=Role.SUPER_ADMIN), tenant_admins=Q(role=Role.TENANT_ADMIN),
        public_users=Q(role=Role.PUBLIC_USER), verified_users=Q(email_verified_at__isnull=False),
        unverified_users=Q(email_verified_at__isnull=True),
    )  # fmt: skip
    return {"total_users": counts.pop("total"), **counts}


def _company_counts(when: Periods) -> Counts:
    running = CompanySubscription.objects.filter(_running(when.now), company=OuterRef("pk"))
    return _count(
        Company.objects.filter(LIVE),
        active=Q(is_active=True), inactive=Q(is_active=False), with_subscription=Q(Exists(running)),
        **_months("created_at", when),
    )  # fmt: skip


def _subscription_counts(when: Periods) -> Counts:
    """Count by what a subscription is now: the clock ends it, whether or not the nightly job has written that down."""
    running = _running(when.now)
    return _count(
        CompanySubscription.objects.all(),
        active=running,
        expired=Q(status=SubscriptionStatus.EXPIRED) | (Q(status=SubscriptionStatus.ACTIVE) & ~running),
        cancelled=Q(status=SubscriptionStatus.CANCELLED),
        pending=Q(status=SubscriptionStatus.PENDING),
        expiring_soon=running & Q(expires_at__lte=when.now + SOON),
        **_months("created_at", when),
    )


def _recent_companies(now: datetime) -> list[Activity]:
    rows = Company.objects.filter(LIVE).order_by("-created_at", "-pk")
    return _recent(
        rows, "created_at", now,
        lambda row: ("company_created", "New company registered", f"{row.name} has been registered"),
    )  # fmt: skip


def _recent_subscriptions(now: datetime) -> list[Activity]:
    rows = CompanySubscription.objects.select_related("company", "plan").order_by("-created_at", "-pk")
    return _recent(
        rows, "created_at", now,
        lambda row: ("subscription_created", "New subscription", f"{row.company.name}: {row.plan.name}, {row.status}"),
    )  # fmt: skip


# --- a company --------------------------------------------------------------------------------------
def tenant_dashboard(tenant: TenantContext, *, now: datetime) -> dict[str, Any]:
    """Return the figures of one company at ``now``; seven queries (the plan's name is one of them)."""
    when, company = periods_of(now), tenant.company
    live = Participant.objects.filter(LIVE, company=company)
    participants = _count(
        live, active=Q(banned_at__isnull=True), banned=Q(banned_at__isnull=False), **_months("created_at", when)
    )
    given = TestAssignment.objects.filter(participant__company=company, participant__deleted_at__isnull=True)
    assignments = _assignment_counts(given, when)
    held = ExamSession.objects.filter(company_id=company.pk)
    sessions = _session_counts(held, when)
    return {
        "company": _company_block(company),
        "subscription": _subscription_block(tenant.subscription, now) if tenant.subscription else None,
        "overview": _tenant_overview(participants, assignments, sessions),
        "participants": _pick(participants, "total", "active", "banned", new_this_month="this_month"),
        "test_assignments": _pick(
            assignments, "total", "completed", "pending", "active", "expired", "this_month", "last_month"
        ),
        "test_sessions": _session_block(sessions),
        "recent_activities": _newest(
            _recent_participants(live, now), _recent_assignments(given, now), _recent_completions(held, now)
        ),
        "growth": {
            "participants": _growth(participants, with_year=True),
            "test_assignments": _growth(assignments),
            "test_sessions": _growth(sessions),
        },
    }


def _company_block(company: Company) -> dict[str, Any]:
    told = {name: getattr(company, name) for name in ("name", "email", "is_active")}
    return {"id": company.pk, **told, "phone": company.phone or None}


def _tenant_overview(participants: Counts, assignments: Counts, sessions: Counts) -> Counts:
    return {
        "total_participants": participants["total"],
        "active_participants": participants["active"],
        "banned_participants": participants["banned"],
        "total_test_assignments": assignments["total"],
        "completed_assignments": assignments["completed"],
        "pending_assignments": assignments["pending"],
        "total_test_sessions": sessions["total"],
        "completed_sessions": sessions["completed"],
    }


def _assignment_counts(given: QuerySet[TestAssignment], when: Periods) -> Counts:
    is_pending = Q(completed_at__isnull=True)
    return _count(
        given,
        completed=~is_pending,
        pending=is_pending,
        active=is_pending & Q(start_at__lte=when.now, end_at__gte=when.now),
        expired=is_pending & Q(end_at__lt=when.now),
        **_months("created_at", when),
    )


def _subscription_block(subscription: CompanySubscription, now: datetime) -> dict[str, Any]:
    days = days_until(subscription.expires_at, now)
    return {
        "id": subscription.pk,
        "status": subscription.status,
        "billing_type": subscription.billing_type,
        "plan_name": subscription.plan.name,
        "duration_months": subscription.plan.duration_months,
        "user_quota": subscription.user_quota,
        "used_quota": subscription.used_quota,
        "remaining_quota": subscription.remaining_quota,
        "quota_usage_percentage": share_percentage(subscription.used_quota, subscription.user_quota),
        "started_at": clock.iso(subscription.started_at),
        "expires_at": clock.iso(subscription.expires_at),
        "days_until_expiry": days,
        "is_expiring_soon": 0 < days <= SOON.days,
    }


def _recent_participants(live: QuerySet[Participant], now: datetime) -> list[Activity]:
    return _recent(
        live.order_by("-created_at", "-pk"), "created_at", now,
        lambda row: ("participant_created", "New participant", f"{row.name} has been added"),
    )  # fmt: skip


def _recent_assignments(given: QuerySet[TestAssignment], now: datetime) -> list[Activity]:
    return _recent(
        given.select_related("participant", "test").order_by("-created_at", "-pk"), "created_at", now,
        lambda row: ("test_assigned", "Test assigned", f"{row.test.name} has been assigned to {row.participant.name}"),
    )  # fmt: skip


def _recent_completions(held: QuerySet[ExamSession], now: datetime) -> list[Activity]:
    done = held.filter(status=SessionStatus.COMPLETED).select_related("participant", "test")
    return _recent(
        done.order_by("-completed_at", "-pk"), "completed_at", now,
        lambda row: ("test_completed", "Test completed", f"{_taker(row)} has completed {row.test.name}"),
    )  # fmt: skip


def _taker(session: ExamSession) -> str:
    return session.participant.name if session.participant else "A participant"


def _recent(
    rows: QuerySet[Any], field: str, now: datetime, tell: Callable[[Any], tuple[str, str, str]]
) -> list[Activity]:
    """Return the newest rows as activities, each with its instant under ``at`` for sorting."""
    return [_activity(row, field, tell) for row in rows.filter(**{f"{field}__lte": now})[:RECENT_EACH]]


def _activity(row: Model, field: str, tell: Callable[[Any], tuple[str, str, str]]) -> Activity:
    kind, title, description = tell(row)
    moment = getattr(row, field)
    return {"at": moment, "type": kind, "title": title, "description": description, "created_at": clock.iso(moment)}


def _newest(*lists: Iterable[Activity]) -> list[Activity]:
    """Return the ten newest of all, newest first, without what was only for sorting."""
    merged = sorted((activity for rows in lists for activity in rows), key=lambda row: row["at"], reverse=True)
    return [{name: value for name, value in activity.items() if name != "at"} for activity in merged[:RECENT]]
