"""Pages of plans, prices and subscriptions."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from cbt.kernel import audit, clock
from tenants.admin.support import ServiceForm, ServicePage, actor_of
from tenants.models import CompanySubscription, SubscriptionPlan, SubscriptionPrice
from tenants.services import subscriptions
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


class PricesInline(admin.TabularInline):
    """The tiers of a plan; one that a subscription uses cannot be deleted."""

    model = SubscriptionPrice
    fields = ("user_quota", "price_amount", "price_per_additional_user_amount", "is_active")
    extra = 1


@admin.register(SubscriptionPlan)
class PlanPage(admin.ModelAdmin):
    """What is on offer. A running subscription keeps its quota and dates, whatever changes here."""

    list_display = ("name", "duration_months", "is_active", "sort_order")
    list_filter = ("is_active", "duration_months")
    search_fields = ("name",)
    fields = ("name", "duration_months", "description", "is_active", "sort_order")
    inlines = (PricesInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SubscriptionPlan]:
        """Without withdrawn plans."""
        return super().get_queryset(request).filter(deleted_at__isnull=True)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: a plan leaves the offer by being inactive."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Store with times and audit."""
        _stamp(obj)
        super().save_model(request, obj, form, change)
        audit.record("tenants.plan.saved", actor=actor_of(request), obj=obj, changed=form.changed_data)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Store the tiers with times and audit."""
        actor = actor_of(request)
        for price in formset.save(commit=False):
            _stamp(price)
            price.save()
            audit.record("tenants.price.saved", actor=actor, obj=price, price_amount=str(price.price_amount))
        for price in formset.deleted_objects:
            audit.record("tenants.price.deleted", actor=actor, obj=price, user_quota=price.user_quota)
            price.delete()


def _stamp(row: Any) -> None:
    row.updated_at = clock.now()
    row.created_at = row.created_at or row.updated_at
