"""Routes by which a company subscribes. Source: primary contract 8.2, details 2.13."""

from dataclasses import replace
from typing import Any

from rest_framework import serializers

from cbt.http import pages
from cbt.http.face import Ok, Page
from cbt.http.fields import IdField, Input
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Scope
from cbt.kernel import clock
from cbt.kernel.errors import ErrorCode as E
from cbt.kernel.permissions import Perm
from commerce.api.shapes import payment_shape
from tenants.api.base import TenantView
from tenants.api.plan_shapes import TenantPlanOut
from tenants.api.subscription_shapes import (
    BoughtOut,
    BoughtSubscriptionOut,
    SubscriptionOut,
    SubscriptionTransactionOut,
    subscription_shapes,
    transaction_shape,
)
from tenants.models import CompanySubscription
from tenants.selectors.billing import payments_of
from tenants.selectors.plans import plans_available
from tenants.selectors.subscriptions import subscription_history, subscription_running
from tenants.services.purchases import Bought, quota_purchase, subscription_extend, subscription_purchase
from tenants.services.subscriptions import subscription_cancel
from tenants.states import BillingType

ACCESS = (E.UNAUTHENTICATED, E.FORBIDDEN, E.COMPANY_ADMIN_NOT_FOUND, E.COMPANY_INACTIVE)
MAX_ADDITIONAL = 1_000_000
PURCHASED = {
    BillingType.PRE_PAID: "Subscription purchased successfully. Please upload payment proof.",
    BillingType.POST_PAID: "Subscription activated successfully. Invoice will be generated at the end of period.",
}
QUOTA_BOUGHT = {
    BillingType.PRE_PAID: "Quota purchase successful. Please upload payment proof.",
    BillingType.POST_PAID: "Quota purchase successful. It will be billed at the end of period.",
}
EXTENDED = {
    BillingType.PRE_PAID: "Subscription extended successfully. Please pay the invoice.",
    BillingType.POST_PAID: "Subscription extended successfully. Invoice will be generated at the end of period.",
}


class AliasedIn(Input):
    """An input one of whose fields has another name in some clients."""

    alias: tuple[str, str] = ("", "")

    def to_internal_value(self, data: Any) -> Any:
        """Read the other name where the documented one is absent or empty."""
        name, other = self.alias
        if isinstance(data, dict) and data.get(name) in (None, "") and other in data:
            data = {**data, name: data[other]}
        return super().to_internal_value(data)


class PurchaseIn(AliasedIn):
    """What to subscribe to. billing_type is read as payment_type."""

    alias = ("payment_type", "billing_type")
    subscription_plan_id = IdField()
    subscription_price_id = IdField()
    payment_type = serializers.ChoiceField([kind.value for kind in BillingType])
    additional_users = serializers.IntegerField(min_value=0, max_value=MAX_ADDITIONAL, required=False, allow_null=True)
    notes = serializers.CharField(max_length=1000, required=False, allow_null=True, allow_blank=True)


class QuotaIn(Input):
    """How many more people."""

    additional_users = serializers.IntegerField(min_value=1, max_value=MAX_ADDITIONAL)


class ExtendIn(AliasedIn):
    """How much more time. months is read as extension_months."""

    alias = ("extension_months", "months")
    extension_months = serializers.IntegerField(min_value=1, max_value=12)


class SubscriptionView(TenantView):
    """A company's own; open without a subscription."""

    permission = Perm.PURCHASE_SUBSCRIPTION
    rate = Rate.STAFF
    scope = Scope.COMPANY
    needs_subscription = False


class AvailablePlans(SubscriptionView):
    """What can be bought."""

    @documented("Get available plans", response=TenantPlanOut, many=True, errors=ACCESS)
    def get(self, request: Request) -> Ok | Page:
        """Return the active plans in their order, each with its active prices."""
        rows: Any = plans_available()
        if request.query_params.get("limit"):
            return pages.page_of(rows, request, lambda row: TenantPlanOut(row).data)
        return Ok(TenantPlanOut(rows, many=True).data)


def bought_shape(bought: Bought, request: Request) -> dict[str, Any]:
    """Write what a purchase left."""
    row, payment = bought.transaction, bought.payment
    payments = payments_of(transaction_ids=[row.pk]) if row else {}
    return {
        "subscription": BoughtSubscriptionOut(bought.subscription).data,
        "transaction": transaction_shape(row, payments, request) if row else None,
        "payment": payment_shape(payment, request) if payment else None,
    }


class Purchase(SubscriptionView):
    """Subscribe."""

    @documented(
        "Purchase subscription", request=PurchaseIn, response=BoughtOut, status=201,
        errors=(*ACCESS, E.VALIDATION_ERROR, E.CONFLICT, E.BUSINESS_RULE),
        example={
            "subscription_plan_id": 1, "subscription_price_id": 1, "payment_type": "pre_paid",
            "notes": "Purchase notes",
        },
    )  # fmt: skip
    def post(self, request: Request) -> Ok:
        """Pre-paid: starts when its payment is approved. Post-paid: starts now, billed at the end of the period."""
        data = PurchaseIn.parse(request)
        kind = BillingType(data["payment_type"])
        bought = subscription_purchase(
            company_id=self.company.pk, plan_id=data["subscription_plan_id"], price_id=data["subscription_price_id"],
            billing_type=kind, additional_users=data.get("additional_users") or 0, notes=data.get("notes") or "",
            actor=request.actor,
        )  # fmt: skip
        return Ok(bought_shape(bought, request), message=PURCHASED[kind], status=201)


class Active(SubscriptionView):
    """What is active now."""

    @documented("Get active subscription", response=SubscriptionOut, errors=(*ACCESS, E.NOT_FOUND))
    def get(self, request: Request) -> Ok:
        """Return it with its transactions and invoices."""
        running = subscription_running(self.company.pk, clock.now())
        return Ok(subscription_shapes([running], request)[0])


class History(SubscriptionView):
    """All subscriptions."""

    @documented("Get subscription history", response=SubscriptionOut, paged=True, errors=ACCESS)
    def get(self, request: Request) -> Ok:
        """Return a page, newest first."""
        page = pages.page_of(subscription_history(self.company.pk), request, lambda row: row)
        return Ok(page=replace(page, items=subscription_shapes(page.items, request)))


def one_shape(row: CompanySubscription, request: Request) -> dict[str, Any]:
    """Write one subscription of the caller's company."""
    return subscription_shapes([subscription_history(row.company_id).get(pk=row.pk)], request)[0]


class PurchaseQuota(SubscriptionView):
    """More people."""

    @documented(
        "Purchase user quota", request=QuotaIn, response=SubscriptionTransactionOut, status=201,
        errors=(*ACCESS, E.NOT_FOUND, E.VALIDATION_ERROR, E.BUSINESS_RULE), example={"additional_users": 5},
    )  # fmt: skip
    def post(self, request: Request, subscription: int) -> Ok:
        """Pre-paid: they count when the payment is approved. Post-paid: at once."""
        count = QuotaIn.parse(request)["additional_users"]
        bought = quota_purchase(subscription_id=subscription, additional_users=count, actor=request.actor)
        data = bought_shape(bought, request)["transaction"]
        return Ok(data, message=QUOTA_BOUGHT[BillingType(bought.subscription.billing_type)], status=201)


class Extend(SubscriptionView):
    """More time."""

    @documented(
        "Extend subscription", request=ExtendIn, response=SubscriptionOut,
        errors=(*ACCESS, E.NOT_FOUND, E.VALIDATION_ERROR, E.BUSINESS_RULE, E.CONFLICT),
        example={"extension_months": 3},
    )  # fmt: skip
    def post(self, request: Request, subscription: int) -> Ok:
        """Pre-paid: an invoice is made, the time is added when it is paid. Post-paid: at once."""
        months = ExtendIn.parse(request)["extension_months"]
        row = subscription_extend(subscription_id=subscription, months=months, actor=request.actor)
        return Ok(one_shape(row, request), message=EXTENDED[BillingType(row.billing_type)])


class Cancel(SubscriptionView):
    """End it."""

    @documented("Cancel subscription", response=SubscriptionOut, errors=(*ACCESS, E.NOT_FOUND, E.BUSINESS_RULE))
    def post(self, request: Request, subscription: int) -> Ok:
        """End it now; what waits to be paid for it is cancelled, nothing is paid back."""
        row = subscription_cancel(subscription_id=subscription, actor=request.actor)
        return Ok(one_shape(row, request), message="Subscription cancelled successfully.")
