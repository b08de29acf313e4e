"""How companies and their admins are written. Source: details 2.0."""

from typing import Any

from rest_framework import serializers

from cbt.http.fields import JsonObject, OutputSerializer
from tenants.models import Company, CompanyAdmin, CompanySubscription


class BlankAsNull(serializers.CharField):
    """A text that is null where there is none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> Any:
        """Return the text or null."""
        return super().to_representation(value) if value else None


class CompanyOut(OutputSerializer):
    """A company."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    email = serializers.CharField()
    phone = BlankAsNull()
    address = BlankAsNull()
    logo = BlankAsNull()
    settings = JsonObject()
    is_active = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class SubscriptionBriefOut(OutputSerializer):
    """What a company has subscribed to, in short."""

    id = serializers.IntegerField()
    plan_name = serializers.CharField(source="plan.name")
    status = serializers.CharField()
    billing_type = serializers.CharField()
    user_quota = serializers.IntegerField()
    used_quota = serializers.IntegerField()
    remaining_quota = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    cancelled_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class AdminUserOut(OutputSerializer):
    """The user of an admin."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    email = serializers.CharField()
    email_verified_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class CompanyBriefOut(OutputSerializer):
    """The company of an admin."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    email = serializers.CharField()


class CompanyAdminOut(OutputSerializer):
    """Somebody who runs a company."""

    id = serializers.IntegerField()
    user_id = serializers.IntegerField()
    company_id = serializers.IntegerField()
    is_primary = serializers.BooleanField()
    user = AdminUserOut()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class CompanyAdminDetailOut(CompanyAdminOut):
    """As alone: with the company."""

    company = CompanyBriefOut()


class CompanyRowOut(CompanyOut):
    """A company in the list."""

    admins_count = serializers.IntegerField()
    participants_count = serializers.IntegerField()
    subscriptions_count = serializers.IntegerField()
    active_subscription = SubscriptionBriefOut(allow_null=True)


class CompanyDetailOut(CompanyRowOut):
    """A company on its own page. Participants are counted here and listed by their own route."""

    admins = CompanyAdminOut(many=True)
    subscriptions = SubscriptionBriefOut(many=True)


def company_row(company: Any) -> dict[str, Any]:
    """Write a company of `company_list_for`."""
    running: list[CompanySubscription] = company.running_list
    return {
        **CompanyOut(company).data,
        "admins_count": company.admins_count,
        "participants_count": company.participants_count,
        "subscriptions_count": company.subscriptions_count,
        "active_subscription": SubscriptionBriefOut(running[0]).data if running else None,
    }


def company_detail(company: Company) -> dict[str, Any]:
    """Write a company of `company_detail_for`: two further queries, whatever it holds."""
    admins: Any = CompanyAdmin.objects.filter(company=company).select_related("user")
    subscriptions: Any = CompanySubscription.objects.filter(company=company).select_related("plan")
    return {
        **company_row(company),
        "admins": CompanyAdminOut(admins, many=True).data,
        "subscriptions": SubscriptionBriefOut(subscriptions, many=True).data,
    }
