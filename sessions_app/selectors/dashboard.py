"""The dashboards of staff and of companies: all counts in one statement. Source: details 2.7."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Model, Q, QuerySet

from accounts.models import User
from accounts.states import CONTRACT_ROLES, Role
from catalog.models import Test, TestCategory
from catalog.states import TestType
from cbt.kernel import clock
from cbt.kernel.counts import count_all
from sessions_app.engine.periods import Periods, days_until, growth_percentage, periods_of, share_percentage
from sessions_app.models import ExamSession, Participant, TestAssignment
from sessions_app.states import SessionStatus
from tenants.models import Company, CompanySubscription
from tenants.selectors.companies import TenantContext
from tenants.states import SubscriptionStatus

Counts = dict[str, int]
Figures = dict[str, QuerySet[Any]]
Activity = dict[str, Any]
SOON = timedelta(days=30)
SPANS = ("before", "early", "last_month", "this_month", "ahead")
RECENT_EACH = 5
RECENT = 10
LIVE = Q(deleted_at__isnull=True)


def _spans(name: str, rows: QuerySet[Any], field: str, when: Periods) -> Figures:
    """Return rows by when they came, as spans without overlap: added up, each row is counted once."""
    begin = min(when.year_at, when.last_month_at)
    spans = {
        "before": {"lt": begin},
        "early": {"gte": begin, "lt": when.last_month_at},
        "last_month": {"gte": when.last_month_at, "lt": when.month_at},
        "this_month": {"gte": when.month_at, "lte": when.now},
        "ahead": {"gt": when.now},
    }
    return {
        f"{name}.{span}": rows.filter(**{f"{field}__{bound}": moment for bound, moment in bounds.items()})
        for span, bounds in spans.items()
    }


def _named(name: str, **rows: QuerySet[Any]) -> Figures:
    return {f"{name}.{key}": found for key, found in rows.items()}


def _blocks(figures: Figures, when: Periods) -> dict[str, Counts]:
    """Count all figures at once; return them by block, with total and this_year of what was counted by spans."""
    blocks: dict[str, Counts] = {}
    for name, number in count_all(figures).items():
        block, _, key = name.partition(".")
        blocks.setdefault(block, {})[key] = number
    for counts in blocks.values():
        if "ahead" in counts:
            counts["total"] = sum(counts[span] for span in SPANS)
            earlier = 0 if when.month_at == when.year_at else counts["early"] + counts["last_month"]
            counts["this_year"] = counts["this_month"] + earlier
    return blocks


def _pick(counts: Counts, *names: str, **renamed: str) -> Counts:
    return {name: counts[name] for name in names} | {name: counts[source] for name, source in renamed.items()}


def _growth(counts: Counts, *, with_year: bool = False) -> dict[str, Any]:
    shown: dict[str, Any] = _pick(counts, "this_month", "last_month", *(("this_year",) if with_year else ()))
    return {**shown, "growth_percentage": growth_percentage(counts["this_month"], counts["last_month"])}


def _running(now: datetime) -> Q:
    """Return the condition of a subscription that is active: its status says so and its end lies ahead."""
    return Q(status=SubscriptionStatus.ACTIVE, expires_at__gt=now)


def _session_figures(rows: QuerySet[ExamSession], when: Periods) -> Figures:
    states = {status.value: rows.filter(status=status) for status in SessionStatus if status != SessionStatus.COMPLETED}
    return _spans("sessions", rows, "started_at", when) | _named("sessions", **states)


def _with_completed(sessions: Counts) -> Counts:
    """Add the completed sessions: all but those in another state, which are few."""
    others = sum(sessions[status.value] for status in SessionStatus if status != SessionStatus.COMPLETED)
    return sessions | {"completed": sessions["total"] - others}


def _session_block(counts: Counts) -> Counts:
    return _pick(counts, "total", "completed", "in_progress", "abandoned", "banned", "this_month", "last_month")


# --- staff ------------------------------------------------------------------------------------------
def super_admin_dashboard(*, now: datetime) -> dict[str, Any]:
    """Return the figures of the whole server at ``now``; three queries."""
    when = periods_of(now)
    blocks = _blocks(_staff_figures(when), when)
    companies, subscriptions = _company_counts(blocks), _subscription_counts(blocks)
    tests, users, sessions = _test_counts(blocks["tests"]), _user_counts(blocks), _with_completed(blocks["sessions"])
    overview = {
        "total_companies": companies["total"], "active_companies": companies["active"],
        "total_subscriptions": subscriptions["total"], "active_subscriptions": subscriptions["active"],
        "total_tests": tests["total"], "active_tests": tests["active"],
        "total_participants": blocks["people"]["total"], "total_public_users": users["public_users"],
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
        "tests": _test_block(tests, blocks["categories"]),
        "users": users,
        "test_sessions": _session_block(sessions),
        "recent_activities": _newest(_recent_companies(now), _recent_subscriptions(now)),
        "growth": {
            "companies": _growth(companies, with_year=True),
            "subscriptions": _growth(subscriptions),
            "test_sessions": _growth(sessions),
        },
    }  # fmt: skip


def _staff_figures(when: Periods) -> Figures:
    companies, categories = Company.objects.filter(LIVE), TestCategory.objects.filter(LIVE)
    return {
        **_spans("companies", companies, "created_at", when),
        **_named("companies", inactive=companies.filter(is_active=False)),
        **_subscription_figures(when),
        **_test_figures(),
        **_named(
            "categories", active=categories.filter(is_active=True), inactive=categories.filter(is_active=False)
        ),
        **_user_figures(),
        **_named("people", total=Participant.objects.filter(LIVE)),
        **_session_figures(ExamSession.objects.all(), when),
    }  # fmt: skip


def _test_figures() -> Figures:
    live = Test.objects.filter(LIVE)
    return {
        f"tests.{kind.value}.{state}": live.filter(type=kind, is_active=state == "active")
        for kind in TestType
        for state in ("active", "inactive")
    }


def _test_counts(tests: Counts) -> Counts:
    sums = {
        name: sum(number for key, number in tests.items() if name in key.split("."))
        for name in ("active", "inactive", *(kind.value for kind in TestType))
    }
    return {"total": sum(tests.values()), **sums}


def _test_block(tests: Counts, categories: Counts) -> dict[str, Any]:
    return {
        **_pick(tests, "total", "active", "inactive"),
        "by_type": _pick(tests, *(kind.value for kind in TestType)),
        "total_categories": categories["active"] + categories["inactive"],
        "active_categories": categories["active"],
    }


def _user_figures() -> Figures:
    roles = {role: User.objects.filter(role=role) for role in CONTRACT_ROLES}
    unverified = User.objects.filter(role__in=CONTRACT_ROLES, email_verified_at__isnull=True)
    return _named("users", unverified=unverified, **roles)


def _user_counts(blocks: dict[str, Counts]) -> Counts:
    users = blocks["users"]
    total = sum(users[role] for role in CONTRACT_ROLES)
    return {
        "total_users": total,
        "super_admins": users[Role.SUPER_ADMIN],
        "tenant_admins": users[Role.TENANT_ADMIN],
        "public_users": users[Role.PUBLIC_USER],
        "verified_users": total - users["unverified"],
        "unverified_users": users["unverified"],
    }


def _company_counts(blocks: dict[str, Counts]) -> Counts:
    companies, subscriptions = blocks["companies"], blocks["subscriptions"]
    return {
        **companies,
        "active": companies["total"] - companies["inactive"],
        "with_subscription": subscriptions["running"] - subscriptions["running_gone"],
    }


def _subscription_figures(when: Periods) -> Figures:
    """Count by what a subscription is now: the clock ends it, whether or not the nightly job has written that down.

    A company has at most one that runs (a constraint holds it), so that those of live companies are the companies
    with a subscription. Cancelled ones, the most in the end, are what the other states leave.
    """
    rows, running = CompanySubscription.objects.all(), CompanySubscription.objects.filter(_running(when.now))
    gone = Company.objects.filter(deleted_at__isnull=False).order_by().values("pk")
    return _spans("subscriptions", rows, "created_at", when) | _named(
        "subscriptions",
        running=running,
        running_gone=running.filter(company__in=gone),
        over=rows.filter(status=SubscriptionStatus.ACTIVE, expires_at__lte=when.now),
        expired=rows.filter(status=SubscriptionStatus.EXPIRED),
        pending=rows.filter(status=SubscriptionStatus.PENDING),
        inactive=rows.filter(status=SubscriptionStatus.INACTIVE),
        expiring_soon=running.filter(expires_at__lte=when.now + SOON),
    )


def _subscription_counts(blocks: dict[str, Counts]) -> Counts:
    counts = blocks["subscriptions"]
    others = sum(counts[state] for state in ("running", "over", "expired", "pending", "inactive"))
    return {
        **counts,
        "active": counts["running"],
        "expired": counts["expired"] + counts["over"],
        "cancelled": counts["total"] - others,
    }


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
    """Return the figures of one company at ``now``; five queries (the plan's name is one of them)."""
    when, company = periods_of(now), tenant.company
    live, given = Participant.objects.filter(LIVE, company=company), _given(company)
    held = ExamSession.objects.filter(company_id=company.pk)
    blocks = _blocks(
        {
            **_spans("people", live, "created_at", when),
            **_named("people", banned=live.filter(banned_at__isnull=False)),
            **_assignment_figures(given, when),
            **_session_figures(held, when),
        },
        when,
    )
    participants, sessions = blocks["people"], _with_completed(blocks["sessions"])
    participants["active"] = participants["total"] - participants["banned"]
    assignments = blocks["assignments"]
    assignments["completed"] = assignments["total"] - assignments["pending"]
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


def _given(company: Company) -> QuerySet[TestAssignment]:
    """Return a company's assignments but those of people who left: few, and found by an index of their own."""
    gone = Participant.objects.filter(company=company, deleted_at__isnull=False).order_by().values("pk")
    return TestAssignment.objects.filter(company_id=company.pk).exclude(participant__in=gone)


def _assignment_figures(given: QuerySet[TestAssignment], when: Periods) -> Figures:
    pending = given.filter(completed_at__isnull=True)
    return _spans("assignments", given, "created_at", when) | _named(
        "assignments",
        pending=pending,
        active=pending.filter(start_at__lte=when.now, end_at__gte=when.now),
        expired=pending.filter(end_at__lt=when.now),
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
