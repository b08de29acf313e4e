"""Routes of plans and prices as staff keeps them. Source: primary contract 7.4, details 2.9."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from cbt.http import pages
from cbt.http.face import Ok
from cbt.http.fields import IdField, Input
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import FaceView, Scope
from cbt.kernel.errors import ErrorCode as E
from cbt.kernel.permissions import Perm
from tenants.api.plan_shapes import PlanOut, PriceOut, PriceWithPlanOut
from tenants.models.plan import DURATIONS
from tenants.selectors.plans import plan_get, plan_list, price_get, price_list
from tenants.services import plans as service

ACCESS = (E.UNAUTHENTICATED, E.FORBIDDEN)
INTEGER_MAX = 2**31 - 1
PLAN_SORTS = {name: name for name in ("sort_order", "name", "duration_months", "is_active", "created_at", "updated_at")}
PRICE_SORTS = {
    "user_quota": "user_quota", "price": "price_amount", "is_active": "is_active", "created_at": "created_at",
    "updated_at": "updated_at", "price_per_additional_user": "price_per_additional_user_amount",
}  # fmt: skip
PLAN_EXAMPLE = {"name": "3 Bulan", "duration_months": 3, "description": "Subscription 3 bulan", "is_active": True}
PRICE_EXAMPLE = {
    "subscription_plan_id": 1, "user_quota": 10, "price": 1000000.00, "price_per_additional_user": 100000.00,
}  # fmt: skip
SORT_ORDER = ("sort_order", "asc (default) or desc")


class PlanIn(Input):
    """A plan."""

    name = serializers.CharField(max_length=255)
    duration_months = serializers.IntegerField(max_value=INTEGER_MAX)
    description = serializers.CharField(max_length=5000, required=False, allow_null=True)
    is_active = serializers.BooleanField(required=False)
    sort_order = serializers.IntegerField(min_value=0, max_value=INTEGER_MAX, required=False)

    def validate_duration_months(self, value: int) -> int:
        """Only the lengths that are sold."""
        if value not in DURATIONS:
            raise serializers.ValidationError("The selected duration months is invalid.")
        return value

    def to_internal_value(self, data: Any) -> Any:
        """Read null as empty."""
        value = super().to_internal_value(data)
        if "description" in value:
            value["description"] = value["description"] or ""
        return value


def _amount(**more: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=15, decimal_places=2, min_value=Decimal(0), **more)


class PriceIn(Input):
    """A tier of a plan; quota 0 is the custom tier."""

    subscription_plan_id = IdField()
    user_quota = serializers.IntegerField(min_value=0, max_value=INTEGER_MAX)
    price = _amount(source="price_amount")
    price_per_additional_user = _amount(source="price_per_additional_user_amount", required=False, allow_null=True)
    is_active = serializers.BooleanField(required=False)


class Plans(FaceView):
    """All plans."""

    permission = {"get": Perm.VIEW_SUBSCRIPTIONS, "post": Perm.MANAGE_SUBSCRIPTION_PLANS}
    rate = Rate.STAFF
    scope = Scope.ALL

    @documented(
        "List subscription plans", response=PlanOut, paged=True, errors=(*ACCESS, E.VALIDATION_ERROR),
        query=[
            ("is_active", "true or false"), ("duration_months", "3, 6 or 12"), ("search", "in name and description"),
            ("sort_by", ", ".join(sorted(PLAN_SORTS))), SORT_ORDER,
        ],
    )  # fmt: skip
    def get(self, request: Request) -> Ok:
        """Return a page of plans with their prices."""
        rows = plan_list().filter(pages.search_of(request, "name", "description"))
        is_active, months = pages.bool_of(request, "is_active"), pages.int_of(request, "duration_months")
        if is_active is not None:
            rows = rows.filter(is_active=is_active)
        if months is not None:
            rows = rows.filter(duration_months=months) if months in DURATIONS else rows.none()
        rows = rows.order_by(*pages.sort_of(request, PLAN_SORTS, default="sort_order"))
        page = pages.page_of(rows, request, lambda row: PlanOut(row).data)
        return Ok(page=page, message="Subscription plans retrieved successfully")

    @documented(
        "Create a subscription plan", request=PlanIn, response=PlanOut, status=201,
        errors=(*ACCESS, E.VALIDATION_ERROR), example=PLAN_EXAMPLE,
    )  # fmt: skip
    def post(self, request: Request) -> Ok:
        """Put a plan on offer; its prices follow."""
        made = service.plan_create(data=PlanIn.parse(request), actor=request.actor)
        return Ok(PlanOut(made).data, message="Subscription plan created successfully", status=201)


class OnePlan(FaceView):
    """One plan."""

    permission = {
        "get": Perm.VIEW_SUBSCRIPTIONS, "put": Perm.MANAGE_SUBSCRIPTION_PLANS,
        "patch": Perm.MANAGE_SUBSCRIPTION_PLANS, "delete": Perm.MANAGE_SUBSCRIPTION_PLANS,
    }  # fmt: skip
    rate = Rate.STAFF
    scope = Scope.ALL

    @documented("Show a subscription plan", response=PlanOut, errors=(*ACCESS, E.NOT_FOUND))
    def get(self, request: Request, plan: int) -> Ok:
        """Return the plan with its prices."""
        return Ok(PlanOut(plan_get(plan)).data, message="Subscription plan retrieved successfully")

    @documented(
        "Change a subscription plan", request=PlanIn, response=PlanOut,
        errors=(*ACCESS, E.NOT_FOUND, E.VALIDATION_ERROR), example=PLAN_EXAMPLE,
    )  # fmt: skip
    def put(self, request: Request, plan: int) -> Ok:
        """Change the given fields."""
        data = PlanIn.parse(request, partial=True)
        changed = service.plan_update(plan_id=plan, data=data, actor=request.actor)
        return Ok(PlanOut(changed).data, message="Subscription plan updated successfully")

    @documented(
        "Change a subscription plan in part", request=PlanIn, response=PlanOut,
        errors=(*ACCESS, E.NOT_FOUND, E.VALIDATION_ERROR),
    )  # fmt: skip
    def patch(self, request: Request, plan: int) -> Ok:
        """As PUT."""
        result: Any = self.put(request, plan)
        return result

    @documented("Delete a subscription plan", errors=(*ACCESS, E.NOT_FOUND))
    def delete(self, request: Request, plan: int) -> Ok:
        """Take it off the offer; subscriptions keep it."""
        service.plan_delete(plan_id=plan, actor=request.actor)
        return Ok(message="Subscription plan deleted successfully")


class PlanPrices(FaceView):
    """The prices of a plan."""

    permission = Perm.VIEW_SUBSCRIPTIONS
    rate = Rate.STAFF
    scope = Scope.ALL

    @documented(
        "List the prices of a plan", response=PriceOut, paged=True, errors=(*ACCESS, E.NOT_FOUND, E.VALIDATION_ERROR),
        query=[("is_active", "true or false"), ("sort_by", ", ".join(sorted(PRICE_SORTS))), SORT_ORDER],
    )  # fmt: skip
    def get(self, request: Request, plan: int) -> Ok:
        """Return a page of prices."""
        rows = price_list(plan)
        is_active = pages.bool_of(request, "is_active")
        if is_active is not None:
            rows = rows.filter(is_active=is_active)
        rows = rows.order_by(*pages.sort_of(request, PRICE_SORTS, default="user_quota"))
        page = pages.page_of(rows, request, lambda row: PriceOut(row).data)
        return Ok(page=page, message="Subscription prices retrieved successfully")


class AllPlanPrices(FaceView):
    """The prices of a plan that can be bought."""

    permission = Perm.VIEW_SUBSCRIPTIONS
    rate = Rate.STAFF
    scope = Scope.ALL

    @documented("List the active prices of a plan", response=PriceOut, many=True, errors=(*ACCESS, E.NOT_FOUND))
    def get(self, request: Request, plan: int) -> Ok:
        """Return all active prices by quota, unpaged."""
        rows: Any = price_list(plan).filter(is_active=True).order_by("user_quota", "id")
        return Ok(PriceOut(rows, many=True).data, message="Subscription prices retrieved successfully")


class Prices(FaceView):
    """New prices."""

    permission = Perm.MANAGE_SUBSCRIPTION_PRICES
    rate = Rate.STAFF
    scope = Scope.ALL

    @documented(
        "Create a subscription price", request=PriceIn, response=PriceWithPlanOut, status=201,
        errors=(*ACCESS, E.VALIDATION_ERROR), example=PRICE_EXAMPLE,
    )  # fmt: skip
    def post(self, request: Request) -> Ok:
        """Add a tier to a plan; one quota once a plan."""
        data = PriceIn.parse(request)
        plan_id = data.pop("subscription_plan_id")
        made = service.price_create(plan_id=plan_id, data=data, actor=request.actor)
        return Ok(PriceWithPlanOut(made).data, message="Subscription price created successfully", status=201)


class OnePrice(FaceView):
    """One price."""

    permission = {
        "get": Perm.VIEW_SUBSCRIPTIONS, "put": Perm.MANAGE_SUBSCRIPTION_PRICES,
        "patch": Perm.MANAGE_SUBSCRIPTION_PRICES, "delete": Perm.MANAGE_SUBSCRIPTION_PRICES,
    }  # fmt: skip
    rate = Rate.STAFF
    scope = Scope.ALL

    @documented("Show a subscription price", response=PriceWithPlanOut, errors=(*ACCESS, E.NOT_FOUND))
    def get(self, request: Request, price: int) -> Ok:
        """Return the price with its plan."""
        return Ok(PriceWithPlanOut(price_get(price)).data, message="Subscription price retrieved successfully")

    @documented(
        "Change a subscription price", request=PriceIn, response=PriceWithPlanOut,
        errors=(*ACCESS, E.NOT_FOUND, E.VALIDATION_ERROR), example=PRICE_EXAMPLE,
    )  # fmt: skip
    def put(self, request: Request, price: int) -> Ok:
        """Change the given fields; what was sold keeps its price."""
        data = PriceIn.parse(request, partial=True)
        plan_id = data.pop("subscription_plan_id", None)
        changed = service.price_update(price_id=price, plan_id=plan_id, data=data, actor=request.actor)
        return Ok(PriceWithPlanOut(changed).data, message="Subscription price updated successfully")

    @documented(
        "Change a subscription price in part", request=PriceIn, response=PriceWithPlanOut,
        errors=(*ACCESS, E.NOT_FOUND, E.VALIDATION_ERROR),
    )  # fmt: skip
    def patch(self, request: Request, price: int) -> Ok:
        """As PUT."""
        result: Any = self.put(request, price)
        return result

    @documented("Delete a subscription price", errors=(*ACCESS, E.NOT_FOUND, E.CONFLICT))
    def delete(self, request: Request, price: int) -> Ok:
        """Remove a price nobody has ever bought."""
        service.price_delete(price_id=price, actor=request.actor)
        return Ok(message="Subscription price deleted successfully")
