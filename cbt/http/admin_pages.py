"""What the pages of the Django admin share: most rows are there to be looked at, and change through services alone."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


class ReadOnly:
    """Put before a page or an inline: nothing is added, changed or deleted by hand; actions call services."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse; the rows are shown."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: history stays."""
        return False


class ReadOnlyInline(ReadOnly, admin.TabularInline):
    """Rows of another table, each with a link to its own page."""

    extra = 0
    can_delete = False
    show_change_link = True
