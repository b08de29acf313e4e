"""Django admin of detections: to read, and to resolve."""

from typing import cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import User
from accounts.selectors.users import actor_of_user
from anticheat.models import CheatDetection
from anticheat.services.detections import detection_resolve
from cbt.http.admin_pages import ReadOnly
from cbt.http.client import client_ip
from cbt.kernel import clock
from cbt.kernel.errors import DomainError


@admin.register(CheatDetection)
class CheatDetectionPage(ReadOnly, admin.ModelAdmin):
    """What was noticed in sessions. Rows are never written here; resolving goes through the service."""

    list_display = (
        "id", "session", "detection_type", "severity", "source", "is_counted", "repeat_count", "is_resolved",
        "created_at",
    )  # fmt: skip
    list_filter = ("detection_type", "severity", "source", "is_resolved", "is_counted", "created_at")
    list_select_related = ("session",)
    search_fields = ("=session__id", "session__participant__name", "session__participant__email")
    search_help_text = "Number of the session, name or e-mail of the participant"
    date_hierarchy = "created_at"
    show_full_result_count = False
    actions = ("resolve",)

    @admin.action(description="Resolve: take the selected detections out of the count", permissions=["view"])
    def resolve(self, request: HttpRequest, queryset: QuerySet[CheatDetection]) -> None:
        """Resolve each; those that cannot be are named."""
        actor = actor_of_user(cast(User, request.user), ip=client_ip(request))
        resolved = 0
        for detection in queryset.filter(is_resolved=False):
            try:
                detection_resolve(
                    session_id=detection.session_id,
                    detection_id=detection.pk,
                    note="Resolved in the admin",
                    now=clock.now(),
                    actor=actor,
                )
            except DomainError as error:
                self.message_user(request, f"{detection}: {error.message}", messages.ERROR)
            else:
                resolved += 1
        self.message_user(request, f"{resolved} detections resolved.", messages.SUCCESS)
