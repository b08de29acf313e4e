"""Pages of plans, prices and subscriptions."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin import actor_of
from cbt.http.admin_pages import ReadOnlyInline
from tenants.admin.support import ServiceForm, ServicePage
from tenants.models import CompanySubscription, SubscriptionPlan, SubscriptionPrice
from tenants.services import plans, subscriptions
from tenants.states import BillingType


class GrantForm(ServiceForm):
    """A subscription given by staff, active from now for the months of its plan."""

    price = forms.ModelChoiceField(
        SubscriptionPrice.objects.select_related("plan").filter(plan__deleted_at=None), label="Plan and tier"
    )
    user_quota = forms.IntegerField(
        min_value=1, required=False, label="People", help_text="Empty: as many as the tier includes"
    )
    billing_type = forms.ChoiceField(choices=[(kind.value, kind.value) for kind in BillingType])

    class Meta:
        model = CompanySubscription
        fields = ("company",)

    def act(self, data: dict[str, Any]) -> Model:
        """Grant it."""
        price = data["price"]
        return subscriptions.subscription_grant(
            company_id=data["company"].pk, plan_id=price.plan_id, price_id=price.pk,
            user_quota=data["user_quota"] or price.user_quota, billing_type=BillingType(data["billing_type"]),
            actor=self.actor,
        )  # fmt: skip


@admin.register(CompanySubscription)
class SubscriptionPage(ServicePage):
    """Subscriptions of all companies; counters and dates are to look at."""

    add_form = GrantForm
    list_display = (
        "company", "plan", "status", "billing_type", "used_quota", "user_quota", "started_at", "expires_at",
    )  # fmt: skip
    list_filter = ("status", "billing_type", "plan", "expires_at")
    list_select_related = ("company", "plan")
    search_fields = ("company__name", "company__email")
    autocomplete_fields = ("company",)
    actions = ("cancel",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The grant form, or the stored row."""
        if obj is None:
            return ("company", "price", "user_quota", "billing_type")
        return tuple(field.name for field in CompanySubscription._meta.concrete_fields)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Stored rows change by actions."""
        return self.get_fields(request, obj) if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are only looked at; the list keeps its actions."""
        return obj is None and super().has_change_permission(request, obj)

    @admin.action(description="Cancel now")
    def cancel(self, request: HttpRequest, queryset: QuerySet[CompanySubscription]) -> None:
        """Cancel each that is pending or active."""
        actor = actor_of(request)
        self.each(
            request, queryset, lambda row: subscriptions.subscription_cancel(subscription_id=row.pk, actor=actor),
            "cancelled",
        )  # fmt: skip


class PlanForm(ServiceForm):
    """A plan, new or changed."""

    class Meta:
        model = SubscriptionPlan
        fields = ("name", "duration_months", "description", "is_active", "sort_order")

    def act(self, data: dict[str, Any]) -> Model:
        """Create or change it."""
        if self.instance.pk is None:
            return plans.plan_create(data=data, actor=self.actor)
        return plans.plan_update(plan_id=self.instance.pk, data=data, actor=self.actor)


class PriceForm(ServiceForm):
    """A tier of a plan, new or changed."""

    class Meta:
        model = SubscriptionPrice
        fields = ("plan", "user_quota", "price_amount", "price_per_additional_user_amount", "is_active")
        help_texts = {
            "user_quota": "0: the custom tier, where everybody is an additional user",
            "price_per_additional_user_amount": "Empty: none are sold",
        }

    def act(self, data: dict[str, Any]) -> Model:
        """Create or change it."""
        facts = {name: value for name, value in data.items() if name != "plan"}
        if self.instance.pk is None:
            return plans.price_create(plan_id=data["plan"].pk, data=facts, actor=self.actor)
        return plans.price_update(price_id=self.instance.pk, data=facts, actor=self.actor, plan_id=data["plan"].pk)


class PricesInline(ReadOnlyInline):
    """The tiers of a plan."""

    model = SubscriptionPrice
    fields = readonly_fields = ("user_quota", "price_amount", "price_per_additional_user_amount", "is_active")


@admin.register(SubscriptionPlan)
class PlanPage(ServicePage):
    """What is on offer. A running subscription keeps its quota, dates and price, whatever changes here."""

    form = PlanForm
    list_display = ("name", "duration_months", "is_active", "sort_order", "next_step")
    list_filter = ("is_active", "duration_months")
    search_fields = ("name", "description")
    fields = ("name", "duration_months", "description", "is_active", "sort_order")
    inlines = (PricesInline,)
    actions = ("withdraw",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SubscriptionPlan]:
        """Without withdrawn plans."""
        return super().get_queryset(request).filter(deleted_at__isnull=True)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Tiers belong to a stored plan."""
        return self.inlines if obj else ()

    @admin.display(description="next step")
    def next_step(self, row: SubscriptionPlan) -> SafeString:
        """Link to a new tier."""
        return format_html(
            '<a href="{}?plan={}">Add a price</a>', reverse("admin:tenants_subscriptionprice_add"), row.pk
        )

    @admin.action(description="Withdraw: nobody can buy it any more, subscriptions keep it")
    def withdraw(self, request: HttpRequest, queryset: QuerySet[SubscriptionPlan]) -> None:
        """Delete the selected plans softly."""
        actor = actor_of(request)
        self.each(request, queryset, lambda row: plans.plan_delete(plan_id=row.pk, actor=actor), "withdrawn")


@admin.register(SubscriptionPrice)
class PricePage(ServicePage):
    """The tiers of all plans. What was sold keeps the price it was sold at."""

    form = PriceForm
    list_display = ("__str__", "plan", "user_quota", "price_amount", "price_per_additional_user_amount", "is_active")
    list_display_links = ("__str__", "plan")
    list_filter = ("is_active", "plan")
    list_select_related = ("plan",)
    search_fields = ("plan__name", "=user_quota")
    fields = PriceForm.Meta.fields
    actions = ("remove",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SubscriptionPrice]:
        """Without those of withdrawn plans."""
        return super().get_queryset(request).filter(plan__deleted_at__isnull=True)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the plans that are not withdrawn."""
        if db_field.name == "plan":
            kwargs["queryset"] = SubscriptionPlan.objects.filter(deleted_at__isnull=True)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.action(description="Delete: only what nobody has ever bought")
    def remove(self, request: HttpRequest, queryset: QuerySet[SubscriptionPrice]) -> None:
        """Delete the selected tiers."""
        actor = actor_of(request)
        self.each(request, queryset, lambda row: plans.price_delete(price_id=row.pk, actor=actor), "deleted")
