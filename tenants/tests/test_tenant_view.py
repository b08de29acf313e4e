"""The base view of everything that belongs to one company, on a route of this test's own."""

from datetime import timedelta

import pytest
import time_machine
from django.urls import path

from accounts.states import Role
from accounts.tests.factories import make_user
from cbt.http.face import Ok
from cbt.http.rates import Rate
from cbt.http.views import Access, Scope
from cbt.kernel import clock
from cbt.kernel.permissions import Perm
from tenants.api.base import TenantView
from tenants.models import Company, CompanySubscription
from tenants.tests.factories import make_company, make_subscription, make_tenant_admin
from tests.support import counted_queries, data_of, error_of


class Things(TenantView):
    """A route as the apps above have them: staff reads all, only tenants write."""

    permission = Perm.VIEW_PARTICIPANTS
    rate = Rate.STAFF
    scope = Scope.COMPANY
    admits_super_admin = {"get": True, "post": False}

    def get(self, request):
        company = request.company
        return Ok({"company_id": company.pk if company else None})

    def post(self, request):
        return Ok({"company_id": self.company.pk, "left": self.subscription.remaining_quota})


class Open(TenantView):
    """A route that stays open without a subscription."""

    permission = Access.SIGNED_IN
    rate = Rate.STAFF
    scope = Scope.COMPANY
    needs_subscription = False

    def get(self, request):
        return Ok({"company_id": request.company.pk, "has_subscription": self.subscription is not None})


handler400 = "cbt.http.problems.handler400"
handler403 = "cbt.http.problems.handler403"
handler404 = "cbt.http.problems.handler404"
handler500 = "cbt.http.problems.handler500"
urlpatterns = [path("things", Things.as_view()), path("open", Open.as_view())]

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tenants.tests.test_tenant_view")]


def test_view__when_company_is_subscribed__then_its_company(api):
    company = make_company(quota=7)
    make_company()
    caller = api.as_(make_tenant_admin(company))
    assert data_of(caller.get("/things")) == {"company_id": company.pk}
    assert data_of(caller.post("/things")) == {"company_id": company.pk, "left": 7}
    assert data_of(caller.get("/open")) == {"company_id": company.pk, "has_subscription": True}


def test_view__when_many_subscriptions_and_admins__then_one_more_query_than_the_login(api):
    company = make_company()
    for _ in range(5):
        make_subscription(company, status="expired")
        make_tenant_admin(company, is_primary=False)
    caller = api.as_(make_tenant_admin(company))
    with counted_queries() as statements:
        data_of(caller.get("/things"))
    assert len(statements) == 2
    assert "tenants_company" in statements[1]


@pytest.mark.parametrize("status", [None, "pending", "expired", "inactive"])
def test_view__when_nothing_is_active__then_403_but_open_routes_stay(api, status):
    company = make_company(with_subscription=False)
    if status:
        make_subscription(company, status=status)
    caller = api.as_(make_tenant_admin(company))
    for answer in (caller.get("/things"), caller.post("/things")):
        assert error_of(answer, 403, "SUBSCRIPTION_REQUIRED")["message"] == "No active subscription found"
    assert data_of(caller.get("/open")) == {"company_id": company.pk, "has_subscription": False}


def test_view__when_subscription_runs_out__then_refused_from_that_second_without_any_job(api):
    company = make_company()
    user = make_tenant_admin(company)
    ends = CompanySubscription.objects.get(company=company).expires_at
    with time_machine.travel(ends - timedelta(seconds=1), tick=False):
        caller = api.as_(user)
        data_of(caller.get("/things"))
    with time_machine.travel(ends, tick=False):
        error_of(caller.get("/things"), 403, "SUBSCRIPTION_REQUIRED")
        data_of(caller.get("/open"))
    assert CompanySubscription.objects.get(company=company).status == "active"


def test_view__when_super_admin__then_only_where_admitted(api):
    caller = api.as_(make_user(Role.SUPER_ADMIN))
    assert data_of(caller.get("/things")) == {"company_id": None}
    for answer in (caller.post("/things"), caller.get("/open")):
        assert error_of(answer, 403, "COMPANY_ADMIN_NOT_FOUND")["message"] == "Company admin not found"


def test_view__when_company_is_shut__then_403(api):
    """The users are locked as well; this is the second bolt, should one of them not be."""
    company = make_company()
    caller = api.as_(make_tenant_admin(company))
    Company.objects.filter(pk=company.pk).update(is_active=False, deactivated_at=clock.now())
    for answer in (caller.get("/things"), caller.get("/open")):
        assert error_of(answer, 403, "COMPANY_INACTIVE")["message"] == "Company is inactive"


def test_view__when_company_is_deleted__then_403(api):
    company = make_company()
    caller = api.as_(make_tenant_admin(company))
    Company.objects.filter(pk=company.pk).update(is_active=False, deleted_at=clock.now())
    error_of(caller.get("/things"), 403, "COMPANY_INACTIVE")


def test_view__when_user_says_company_but_runs_none__then_403(api):
    """The admin row decides, not the copy on the user."""
    company = make_company()
    caller = api.as_(make_user(Role.TENANT_ADMIN, company_id=company.pk))
    error_of(caller.get("/open"), 403, "COMPANY_ADMIN_NOT_FOUND")


def test_view__when_private_user__then_refused(api):
    caller = api.as_(make_user(Role.PUBLIC_USER))
    error_of(caller.get("/things"), 403, "FORBIDDEN")
    error_of(caller.get("/open"), 403, "COMPANY_ADMIN_NOT_FOUND")


def test_view__when_unknown_caller__then_401_and_options_tells_nothing(api):
    error_of(api.get("/things"), 401, "UNAUTHENTICATED")
    error_of(api.get("/open"), 401, "UNAUTHENTICATED")
    answer = api.client.options("/things")
    assert (answer.status_code, answer.content) == (204, b"")
