"""What the pages of companies share."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin import actor_of
from cbt.http.service_forms import ServiceForm
from cbt.kernel.errors import DomainError

__all__ = ["ServiceForm", "ServicePage"]


class ServicePage(admin.ModelAdmin):
    """A page whose forms are `ServiceForm`s; rows are never deleted by it."""

    add_form: ClassVar[type[ServiceForm] | None] = None

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Use ``add_form`` for new rows, and tell the form who acts."""
        if obj is None and self.add_form is not None:
            kwargs["form"] = self.add_form
        form = super().get_form(request, obj, change=change, **kwargs)
        form.actor = actor_of(request)  # type: ignore[attr-defined]
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Do nothing: the form's service has stored the row."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: rows end by actions that know what follows."""
        return False

    def each(self, request: HttpRequest, queryset: QuerySet[Any], act: Any, done: str) -> None:
        """Run a service for every selected row and tell how it went."""
        count = 0
        for row in queryset:
            try:
                act(row)
                count += 1
            except DomainError as error:
                self.message_user(request, f"{row}: {error.message}", messages.ERROR)
        if count:
            self.message_user(request, f"{count} {done}.", messages.SUCCESS)
