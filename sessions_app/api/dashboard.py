"""The dashboard: of the whole server for staff, of the own company for its admins. Contract 7.1, 8.1, details 2.7."""

from typing import Any

from rest_framework import serializers

from cbt.http.face import Ok
from cbt.http.fields import JsonObject, OutputSerializer
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Scope
from cbt.kernel import clock
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError
from cbt.kernel.errors import ErrorCode as E
from cbt.kernel.permissions import Perm
from sessions_app.selectors.dashboard import super_admin_dashboard, tenant_dashboard
from tenants.api.base import TenantView
from tenants.selectors.companies import TenantContext


class DashboardOut(OutputSerializer):
    """Staff: overview, companies, subscriptions, tests, users, test_sessions. A company: company, subscription,
    overview, participants, test_assignments, test_sessions. Both: recent_activities, growth. Months are UTC's."""

    overview = JsonObject()
    companies = JsonObject(required=False, help_text="Staff")
    subscriptions = JsonObject(required=False, help_text="Staff")
    tests = JsonObject(required=False, help_text="Staff")
    users = JsonObject(required=False, help_text="Staff")
    company = JsonObject(required=False, help_text="A company's admin")
    subscription = JsonObject(required=False, allow_null=True, help_text="A company's admin; null when none is active")
    participants = JsonObject(required=False, help_text="A company's admin")
    test_assignments = JsonObject(required=False, help_text="A company's admin")
    test_sessions = JsonObject()
    recent_activities = serializers.ListField(child=JsonObject())
    growth = JsonObject()


class Dashboard(TenantView):
    """Figures at a glance; open to companies without a subscription, who are to see that they have none."""

    permission = Perm.VIEW_DASHBOARD
    rate = Rate.STAFF
    scope = Scope.COMPANY
    admits_super_admin = True
    needs_subscription = False

    def _tenant_of(self, actor: Actor, verb: str) -> TenantContext | None:
        if not actor.is_super_admin and actor.role != "tenant_admin":
            # Private buyers hold the permission, but the contract has no dashboard for them.
            raise DomainError(E.FORBIDDEN, "Unauthorized")
        return super()._tenant_of(actor, verb)

    @documented(
        "Dashboard", response=DashboardOut,
        errors=(E.UNAUTHENTICATED, E.FORBIDDEN, E.COMPANY_ADMIN_NOT_FOUND, E.COMPANY_INACTIVE),
    )  # fmt: skip
    def get(self, request: Request) -> Ok:
        """Return the figures; this month is the calendar month in UTC up to now."""
        now = clock.now()
        data: dict[str, Any] = tenant_dashboard(self.tenant, now=now) if self.tenant else super_admin_dashboard(now=now)
        return Ok(data, message="Dashboard statistics retrieved successfully")
