"""Pages of companies and their admins."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.db.models import Count, FilteredRelation, Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin import actor_of
from cbt.http.admin_pages import ReadOnlyInline
from cbt.kernel import clock
from tenants.admin.support import ServiceForm, ServicePage
from tenants.models import Company, CompanyAdmin, CompanySubscription
from tenants.services import admins, companies
from tenants.states import SubscriptionStatus


class AdminsInline(ReadOnlyInline):
    """Who runs the company."""

    model = CompanyAdmin
    fields = readonly_fields = ("user_name", "user_email", "is_primary", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CompanyAdmin]:
        """With the users."""
        return super().get_queryset(request).select_related("user")

    @admin.display(description="name")
    def user_name(self, row: CompanyAdmin) -> str:
        """Name."""
        return row.user.name

    @admin.display(description="e-mail")
    def user_email(self, row: CompanyAdmin) -> str | None:
        """E-mail."""
        return row.user.email


class SubscriptionsInline(ReadOnlyInline):
    """What the company has and had."""

    model = CompanySubscription
    fields = readonly_fields = (
        "plan", "status", "billing_type", "used_quota", "user_quota", "started_at", "expires_at", "cancelled_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[CompanySubscription]:
        """With the plans."""
        return super().get_queryset(request).select_related("plan")


class CompanyAddForm(ServiceForm):
    """A company made by staff."""

    class Meta:
        model = Company
        fields = ("name", "email", "phone", "address", "logo", "settings", "is_active")
        help_texts = {"is_active": "Its admins may sign in and its links work."}

    is_active = forms.BooleanField(required=False, initial=True)

    def act(self, data: dict[str, Any]) -> Model:
        """Create it."""
        return companies.company_create(actor=self.actor, **{**data, "settings": data["settings"] or {}})


class CompanyForm(ServiceForm):
    """What is told about a company."""

    class Meta:
        model = Company
        fields = ("name", "email", "phone", "address", "logo", "settings")

    def act(self, data: dict[str, Any]) -> Model:
        """Change it."""
        changes = {name: data[name] for name in self.Meta.fields if name in data}
        changes["settings"] = changes.get("settings") or {}
        return companies.company_update(company_id=self.instance.pk, actor=self.actor, **changes)


class SubscribedFilter(admin.SimpleListFilter):
    """Companies by whether they have an active, unexpired subscription."""

    title = "subscription"
    parameter_name = "subscribed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Yes or no."""
        return [("yes", "Active"), ("no", "None active")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Filter."""
        if self.value() not in {"yes", "no"}:
            return queryset
        return queryset.filter(running__isnull=self.value() == "no")


class DeletedFilter(admin.SimpleListFilter):
    """Live companies unless deleted ones are asked for."""

    title = "deleted"
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Deleted; the default is live."""
        return [("yes", "Deleted")]

    def choices(self, changelist: Any) -> Any:
        """Call the default by its name."""
        for choice in super().choices(changelist):
            yield {**choice, "display": "Live"} if choice["display"] == "All" else choice

    def queryset(self, request: HttpRequest, queryset: QuerySet[Company]) -> QuerySet[Company]:
        """Filter."""
        return queryset.filter(deleted_at__isnull=self.value() != "yes")


@admin.register(Company)
class CompanyPage(ServicePage):
    """Companies, with who runs them and what they have subscribed to."""

    form = CompanyForm
    add_form = CompanyAddForm
    list_display = ("name", "email", "phone", "is_active", "admin_count", "subscription", "created_at")
    list_filter = ("is_active", SubscribedFilter, DeletedFilter, "created_at")
    search_fields = ("name", "email", "phone", "admins__user__email")
    search_help_text = "Name, e-mail or phone of the company, or e-mail of one of its admins"
    readonly_fields = (
        "is_active", "activated_at", "deactivated_at", "deleted_at", "created_at", "updated_at", "next_steps",
    )  # fmt: skip
    inlines = (AdminsInline, SubscriptionsInline)
    actions = ("activate", "deactivate", "delete_softly")
    date_hierarchy = "created_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Company]:
        """With the running subscription and the number of admins, in one query."""
        running = Q(subscriptions__status=SubscriptionStatus.ACTIVE.value, subscriptions__expires_at__gt=clock.now())
        return (
            super().get_queryset(request)
            .annotate(running=FilteredRelation("subscriptions", condition=running))
            .annotate(admin_total=Count("admins", distinct=True))
            .select_related("running__plan")
        )  # fmt: skip

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Facts and next steps only for what is stored."""
        told = ("name", "email", "phone", "address", "logo", "settings")
        if obj is None:
            return [(None, {"fields": (*told, "is_active")})]
        return [
            (None, {"fields": told}),
            ("State (changed by the actions of the list)", {"fields": self.readonly_fields}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new company may be made active or not; a stored one has actions for it, a deleted one is history."""
        return self.readonly_fields if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deleted companies are to look at."""
        return super().has_change_permission(request, obj) and (obj is None or obj.deleted_at is None)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Nothing hangs on a company that is not stored yet."""
        return self.inlines if obj else ()

    @admin.display(description="admins", ordering="admin_total")
    def admin_count(self, row: Any) -> int:
        """Number of admins."""
        return row.admin_total

    @admin.display(description="subscription")
    def subscription(self, row: Any) -> str:
        """What is active now."""
        running = getattr(row, "running", None)  # absent where nothing is active
        if running is None:
            return "none"
        return (
            f"{running.plan.name}, {running.used_quota} of {running.user_quota} used, to {running.expires_at:%Y-%m-%d}"
        )

    @admin.display(description="next steps")
    def next_steps(self, row: Company) -> SafeString:
        """Links to what is usually done next."""
        query = urlencode({"company": row.pk})
        return format_html(
            '<a href="{}?{}">Grant a subscription</a> · <a href="{}?{}">Add an admin</a>',
            reverse("admin:tenants_companysubscription_add"), query, reverse("admin:tenants_companyadmin_add"), query,
        )  # fmt: skip

    @admin.action(description="Activate: admins may sign in, links work")
    def activate(self, request: HttpRequest, queryset: QuerySet[Company]) -> None:
        """Open the selected companies."""
        self._set_active(request, queryset, is_active=True, done="activated")

    @admin.action(description="Deactivate: admins are signed out at once")
    def deactivate(self, request: HttpRequest, queryset: QuerySet[Company]) -> None:
        """Shut the selected companies."""
        self._set_active(request, queryset, is_active=False, done="deactivated")

    def _set_active(self, request: HttpRequest, queryset: QuerySet[Company], *, is_active: bool, done: str) -> None:
        actor = actor_of(request)

        def act(row: Company) -> None:
            companies.company_set_active(company_id=row.pk, is_active=is_active, actor=actor)

        self.each(request, queryset, act, done)

    @admin.action(description="Delete: shut for good, subscription cancelled")
    def delete_softly(self, request: HttpRequest, queryset: QuerySet[Company]) -> None:
        """Delete the selected companies; their rows stay."""
        actor = actor_of(request)
        self.each(request, queryset, lambda row: companies.company_delete(company_id=row.pk, actor=actor), "deleted")


class AdminAddForm(ServiceForm):
    """A further admin with a user of its own."""

    name = forms.CharField(max_length=255)
    email = forms.EmailField(max_length=255)
    password = forms.CharField(
        min_length=8, strip=False, widget=forms.PasswordInput, help_text="Hand it over yourself; no mail is sent."
    )

    class Meta:
        model = CompanyAdmin
        fields = ("company", "is_primary")

    def act(self, data: dict[str, Any]) -> Model:
        """Add the admin."""
        return admins.company_admin_add(
            company_id=data["company"].pk, name=data["name"], email=data["email"], password=data["password"],
            is_primary=data["is_primary"], actor=self.actor,
        )  # fmt: skip


@admin.register(CompanyAdmin)
class CompanyAdminPage(ServicePage):
    """Who runs which company."""

    add_form = AdminAddForm
    list_display = ("user_name", "user_email", "company", "is_primary", "created_at")
    list_filter = ("is_primary", "company__is_active")
    list_select_related = ("user", "company")
    search_fields = ("user__name", "user__email", "company__name")
    autocomplete_fields = ("company",)
    actions = ("make_primary", "remove")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The form of a new admin, or the stored row."""
        if obj is None:
            return ("company", "name", "email", "password", "is_primary")
        return ("user_name", "user_email", "company", "is_primary", "created_at", "updated_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Stored rows change by actions."""
        return self.get_fields(request, obj) if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are only looked at; the list keeps its actions."""
        return obj is None and super().has_change_permission(request, obj)

    @admin.display(description="name", ordering="user__name")
    def user_name(self, row: CompanyAdmin) -> str:
        """Name."""
        return row.user.name

    @admin.display(description="e-mail", ordering="user__email")
    def user_email(self, row: CompanyAdmin) -> str | None:
        """E-mail."""
        return row.user.email

    @admin.action(description="Make primary admin of the company")
    def make_primary(self, request: HttpRequest, queryset: QuerySet[CompanyAdmin]) -> None:
        """Make each the primary one of its company."""
        actor = actor_of(request)
        self.each(
            request,
            queryset,
            lambda row: admins.company_admin_set_primary(admin_id=row.pk, actor=actor),
            "made primary",
        )

    @admin.action(description="Remove admin and its user")
    def remove(self, request: HttpRequest, queryset: QuerySet[CompanyAdmin]) -> None:
        """Remove each, as far as the company keeps its primary admin."""
        actor = actor_of(request)
        self.each(request, queryset, lambda row: admins.company_admin_remove(admin_id=row.pk, actor=actor), "removed")
