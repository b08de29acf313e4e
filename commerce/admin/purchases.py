"""Django admin of purchases: rights are granted through the service and never change."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin import actor_of
from accounts.models import User
from accounts.states import Role
from catalog.models import Test
from catalog.states import FOR_PUBLIC
from cbt.kernel import clock
from commerce.models import Purchase
from commerce.services.purchases import purchase_grant


class GrantForm(forms.ModelForm):
    """Give a private user a test without an order."""

    email = forms.EmailField(label="E-mail of the user", help_text="A private user; companies assign tests instead")

    class Meta:
        model = Purchase
        fields = ("test",)

    def clean_email(self) -> User:
        """Find the private user."""
        user = User.objects.filter(email__iexact=self.cleaned_data["email"], role=Role.PUBLIC_USER).first()
        if user is None:
            raise forms.ValidationError("There is no private user with this e-mail.")
        return user


@admin.register(Purchase)
class PurchasePage(admin.ModelAdmin):
    """Who may take which test."""

    list_display = ("transaction_number", "user_email", "test", "purchased_at")
    list_filter = ("purchased_at", "test")
    list_select_related = ("user", "test")
    search_fields = ("transaction_number", "user__email", "user__name", "test__code", "test__name")
    date_hierarchy = "purchased_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Purchase]:
        """With user and test."""
        return super().get_queryset(request).select_related("user", "test")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the grant form for new rows."""
        return super().get_form(request, obj, change=change, **(kwargs if obj else {**kwargs, "form": GrantForm}))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Whom and what; a stored row shows all."""
        return ("user_email", "test", "transaction_number", "purchased_at") if obj else ("email", "test")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the tests private users may take."""
        if db_field.name == "test":
            kwargs["queryset"] = Test.objects.filter(deleted_at=None, owner=None, type__in=FOR_PUBLIC)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Grant through the service; granting what is there changes nothing."""
        purchase = purchase_grant(
            user_id=form.cleaned_data["email"].pk, test_id=obj.test_id, now=clock.now(), actor=actor_of(request)
        )
        obj.pk = purchase.pk

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no."""
        return False

    @admin.display(description="user", ordering="user__email")
    def user_email(self, row: Purchase) -> str | None:
        """E-mail."""
        return row.user.email
