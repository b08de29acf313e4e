"""How plans and prices are written, for staff and for companies. Source: details 2.0."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from cbt.http.fields import Money, OutputSerializer
from tenants.api.company_shapes import BlankAsNull


class PriceOut(OutputSerializer):
    """A tier as staff sees it."""

    id = serializers.IntegerField()
    subscription_plan_id = serializers.IntegerField(source="plan_id")
    user_quota = serializers.IntegerField()
    user_quota_label = serializers.SerializerMethodField()
    price = Money(source="price_amount")
    price_per_additional_user = Money(source="price_per_additional_user_amount", allow_null=True)
    is_active = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    @extend_schema_field(serializers.CharField())
    def get_user_quota_label(self, price: Any) -> str:
        """Quota 0 is the custom tier."""
        return str(price.user_quota) if price.user_quota else "Custom"


class PlanBriefOut(OutputSerializer):
    """A plan without its prices."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    duration_months = serializers.IntegerField()
    description = BlankAsNull()
    is_active = serializers.BooleanField()
    sort_order = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class PlanOut(PlanBriefOut):
    """A plan as staff sees it."""

    prices = PriceOut(many=True)


class PriceWithPlanOut(PriceOut):
    """A tier on its own."""

    subscription_plan = PlanBriefOut(source="plan")


class TenantPriceOut(OutputSerializer):
    """A tier as a company sees it."""

    id = serializers.IntegerField()
    user_quota = serializers.IntegerField()
    price = Money(source="price_amount")
    price_per_additional_user = Money(source="price_per_additional_user_amount", allow_null=True)
    is_active = serializers.BooleanField()


class TenantPlanBriefOut(OutputSerializer):
    """A plan as a company sees it, without its prices."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    duration_months = serializers.IntegerField()
    description = BlankAsNull()
    is_active = serializers.BooleanField()


class TenantPlanOut(TenantPlanBriefOut):
    """A plan that can be bought, with its prices."""

    prices = TenantPriceOut(many=True)
