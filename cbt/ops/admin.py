"""The Django admin of operations: background jobs, outgoing mails, the audit trail, uploads; and the admin's name."""

from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from accounts.admin import actor_of
from cbt.http.admin_pages import ReadOnly
from cbt.kernel import jobs, mail, storage
from cbt.kernel.actor import ActorKind
from cbt.kernel.models import AuditEvent, Job, OutgoingMail, PeriodicRun, Upload
from cbt.kernel.uploads import path_of
from cbt.ops.services import jobs_run_again, mails_send_again

admin.site.site_header = f"{settings.BRAND} administration"
admin.site.site_title = settings.BRAND
admin.site.index_title = "What is here"
admin.site.site_url = None  # there are no pages to view besides this one
admin.site.empty_value_display = "—"


def choice_filter(field: str, values: Callable[[], Iterable[str]]) -> type[admin.SimpleListFilter]:
    """Return a list filter over known values; Django's own would read the whole table to find them."""

    class ChoiceFilter(admin.SimpleListFilter):
        title = field.replace("_", " ")
        parameter_name = field

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(value, value) for value in sorted(values())]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            return queryset.filter(**{field: self.value()}) if self.value() else queryset

    return ChoiceFilter


class LookOnly(ReadOnly, admin.ModelAdmin):
    """Rows that people look at and never edit."""

    list_per_page = 50
    show_full_result_count = False


@admin.register(Job)
class JobAdmin(LookOnly):
    """Background work: what waits, runs, failed, and why."""

    list_display = ("id", "name", "state", "attempts", "progress", "run_at", "finished_at", "last_error")
    list_filter = ("state", choice_filter("name", jobs.handler_names))
    search_fields = ("=id", "name", "dedupe_key", "last_error")
    actions = ("run_again",)

    @admin.display(description="progress")
    def progress(self, job: Job) -> str:
        """Return rows done of rows in all."""
        return f"{job.progress_done}/{job.progress_total}" if job.progress_total else ""

    @admin.action(description="Run again", permissions=["view"])
    def run_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Queue the chosen jobs once more."""
        chosen = list(queryset.values_list("pk", flat=True))
        count = jobs_run_again(job_ids=chosen, actor=actor_of(request))
        self.message_user(request, f"{count} of {len(chosen)} jobs are queued again.")


@admin.register(OutgoingMail)
class OutgoingMailAdmin(LookOnly):
    """Mails: their status, what they say, and sending them once more."""

    list_display = ("id", "kind", "recipient", "status", "attempts", "created_at", "sent_at", "last_error")
    list_filter = ("status", choice_filter("kind", mail.kinds))
    search_fields = ("recipient", "=object_id", "dedupe_key")
    actions = ("send_again",)
    fields = (
        "kind", "recipient", "status", "attempts", "last_error", "created_at", "sent_at",
        "object_type", "object_id", "company_id", "text",
    )  # fmt: skip

    @admin.display(description="text (as it would be sent now, secret links masked)")
    def text(self, row: OutgoingMail) -> str:
        """Return subject and text; the row holds ids only, so this is written anew."""
        try:
            content = mail.preview(row)
        except Exception as error:  # noqa: BLE001 - a preview may fail like the mail itself; the page must not
            return f"cannot be written: {type(error).__name__}"
        return "would not be sent any more" if content is None else f"{content[0]}\n\n{content[1]}"

    @admin.action(description="Send again", permissions=["view"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Queue the chosen mails once more."""
        chosen = list(queryset.values_list("pk", flat=True))
        count = mails_send_again(mail_ids=chosen, actor=actor_of(request))
        self.message_user(request, f"{count} of {len(chosen)} mails are on their way.")


@admin.register(AuditEvent)
class AuditEventAdmin(LookOnly):
    """The audit trail: who did what to which object."""

    list_display = ("at", "action", "actor_kind", "actor_id", "object_type", "object_id", "company_id", "ip")
    list_filter = (choice_filter("actor_kind", lambda: [kind.value for kind in ActorKind]),)
    search_fields = ("action", "=object_id", "=actor_id", "=request_id")
    date_hierarchy = "at"


@admin.register(PeriodicRun)
class PeriodicRunAdmin(LookOnly):
    """When each periodic piece of work is due next."""

    list_display = ("name", "next_at")
    ordering = ("next_at",)


@admin.register(Upload)
class UploadAdmin(LookOnly):
    """Uploaded files. Opened by signed addresses that expire."""

    list_display = ("id", "opened", "owner_id", "mime", "byte_count", "created_at")
    list_filter = (choice_filter("mime", lambda: ["application/pdf", "image/jpeg", "image/png"]),)
    search_fields = ("=name", "=owner_id", "=sha256")
    date_hierarchy = "created_at"

    @admin.display(description="file")
    def opened(self, row: Upload) -> str:
        """Return a link to the file."""
        return format_html('<a href="{}">{}</a>', storage.signed_path(path_of(row.name)), row.name)
