"""The Django admin of participants and sittings. History is looked at; changes go through services."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts.admin import actor_of
from cbt.http.admin_pages import ReadOnly, ReadOnlyInline
from cbt.kernel import clock
from cbt.kernel.errors import DomainError
from sessions_app.models import (
    ExamSession,
    ImportBatch,
    Participant,
    ParticipantBan,
    Result,
    SessionEvent,
    TestAssignment,
)
from sessions_app.services.closing import session_abandon, session_continue
from sessions_app.services.mails import assignment_mail_resend
from sessions_app.services.participants import participant_ban, participant_unban
from sessions_app.services.results import result_regrade


class Page(ReadOnly, admin.ModelAdmin):
    """Rows to look at, with actions."""

    def each(self, request: HttpRequest, rows: QuerySet[Any], act: Any, done: str) -> None:
        """Do something to each chosen row and say how it went, row by row where it was refused."""
        count = 0
        for row in rows:
            try:
                act(row)
                count += 1
            except DomainError as error:
                self.message_user(request, f"{row}: {error.message}", messages.WARNING)
        self.message_user(request, f"{count} {done}")


class AssignmentInline(ReadOnlyInline):
    """The tests a participant was given."""

    model = TestAssignment
    fields = readonly_fields = ("test", "start_at", "end_at", "extra_seconds", "completed_at", "mails_requested")


class BanInline(ReadOnlyInline):
    """The bans of a participant."""

    model = ParticipantBan
    fields = readonly_fields = ("banned_at", "reason", "banned_by_id", "lifted_at", "lifted_by_id")


@admin.register(Participant)
class ParticipantAdmin(Page):
    """People companies have invited."""

    list_display = ("name", "email", "participant_number", "company", "is_banned", "is_deleted", "created_at")
    list_filter = (("banned_at", admin.EmptyFieldListFilter), ("deleted_at", admin.EmptyFieldListFilter), "company")
    list_select_related = ("company", "user")
    search_fields = ("name", "email", "company__name", "user__participant_number")
    date_hierarchy = "created_at"
    fields = (
        "name", "email", "participant_number", "account", "company", "biodata", "banned_at", "deleted_at", "created_at",
        "updated_at",
    )  # fmt: skip
    inlines = (AssignmentInline, BanInline)
    actions = ("ban", "unban")
    show_full_result_count = False

    @admin.display(description="participant number")
    def participant_number(self, row: Participant) -> str:
        """Return the number a candidate of the exam room signs in with."""
        return (row.user.participant_number if row.user else None) or "—"

    @admin.display(description="account")
    def account(self, row: Participant) -> str:
        """Point at the logins of whoever signs in, with address and device."""
        if row.user_id is None:
            return "—"
        link = f"{reverse('admin:accounts_login_changelist')}?user__id__exact={row.user_id}"
        return format_html('<a href="{}">logins</a>', link)

    @admin.display(boolean=True, description="banned")
    def is_banned(self, row: Participant) -> bool:
        """Tell whether the participant is banned."""
        return row.banned_at is not None

    @admin.display(boolean=True, description="deleted")
    def is_deleted(self, row: Participant) -> bool:
        """Tell whether the company has deleted the participant."""
        return row.deleted_at is not None

    @admin.action(description="Ban (ends open sessions at once)")
    def ban(self, request: HttpRequest, rows: QuerySet[Participant]) -> None:
        """Ban the chosen participants."""
        actor, now = actor_of(request), clock.now()
        self.each(
            request, rows,
            lambda row: participant_ban(participant_id=row.pk, reason="Banned in the admin", now=now, actor=actor),
            "participants are banned.",
        )  # fmt: skip

    @admin.action(description="Lift the ban")
    def unban(self, request: HttpRequest, rows: QuerySet[Participant]) -> None:
        """Lift the bans of the chosen participants."""
        actor, now = actor_of(request), clock.now()
        self.each(
            request, rows,
            lambda row: participant_unban(participant_id=row.pk, now=now, actor=actor),
            "participants may take tests.",
        )  # fmt: skip


@admin.register(TestAssignment)
class AssignmentAdmin(Page):
    """Tests given to people; the secret link itself is only in the mail and in the company's own screens."""

    list_display = ("participant_name", "test", "company", "start_at", "end_at", "completed_at", "mails_requested")
    list_filter = (("completed_at", admin.EmptyFieldListFilter), "test")
    list_select_related = ("participant__company", "test")
    search_fields = ("participant__name", "participant__email", "test__name", "test__code")
    exclude = ("nonce", "token_hash")
    actions = ("resend",)
    show_full_result_count = False

    @admin.display(description="participant", ordering="participant__name")
    def participant_name(self, row: TestAssignment) -> str:
        """Return the person's name."""
        return row.participant.name

    @admin.display(description="company")
    def company(self, row: TestAssignment) -> str:
        """Return the company's name."""
        return row.participant.company.name

    @admin.action(description="Send the invitation again")
    def resend(self, request: HttpRequest, rows: QuerySet[TestAssignment]) -> None:
        """Put the invitations in the outbox again."""
        rows = rows.select_related("participant__company", "test")
        self.each(request, rows, lambda row: assignment_mail_resend(assignment=row), "mails are on their way.")


class ResultInline(ReadOnlyInline):
    """The scorings of a session."""

    model = Result
    fields = readonly_fields = ("number", "is_current", "state", "percentage", "passed", "reason", "created_at")


@admin.register(ExamSession)
class SessionAdmin(Page):
    """Sittings: who took what, when, how it ended."""

    list_display = (
        "id", "taken_by", "test", "status", "started_at", "deadline_at", "completed_at", "submitted_by", "is_flagged",
    )  # fmt: skip
    list_filter = ("status", "is_flagged", "submitted_by", "test")
    list_select_related = ("participant", "account", "test")
    search_fields = ("participant__name", "participant__email", "account__name", "account__email", "test__code")
    date_hierarchy = "started_at"
    exclude = ("nonce", "token_hash", "version")
    readonly_fields = ("log",)
    inlines = (ResultInline,)
    actions = ("go_on", "give_up", "regrade")
    show_full_result_count = False

    @admin.display(description="taker")
    def taken_by(self, row: ExamSession) -> str:
        """Return who takes the test."""
        person = row.participant or row.account
        return person.name if person is not None else ""

    @admin.display(description="log")
    def log(self, row: ExamSession) -> str:
        """Return the link to the session's log by API."""
        count = SessionEvent.objects.filter(session_id=row.pk).count()
        url = reverse("docs")
        return format_html(
            '{} events; read them with <a href="{}">GET /api/test-sessions/{}/events</a>', count, url, row.pk
        )

    @admin.action(description="Let paused sessions go on")
    def go_on(self, request: HttpRequest, rows: QuerySet[ExamSession]) -> None:
        """Give the pause back as time."""
        actor, now = actor_of(request), clock.now()
        self.each(
            request, rows, lambda row: session_continue(session_id=row.pk, now=now, actor=actor), "sessions go on."
        )  # fmt: skip

    @admin.action(description="Give open sessions up (not scored, may be started again)")
    def give_up(self, request: HttpRequest, rows: QuerySet[ExamSession]) -> None:
        """End the chosen sessions without scoring them."""
        actor, now = actor_of(request), clock.now()
        self.each(
            request, rows,
            lambda row: session_abandon(session_id=row.pk, reason="Given up in the admin", now=now, actor=actor),
            "sessions are given up.",
        )  # fmt: skip

    @admin.action(description="Score completed sessions again")
    def regrade(self, request: HttpRequest, rows: QuerySet[ExamSession]) -> None:
        """Make new results; the old ones stay."""
        actor, now = actor_of(request), clock.now()
        self.each(
            request, rows,
            lambda row: result_regrade(session_id=row.pk, reason="Regraded in the admin", now=now, actor=actor),
            "sessions are scored again.",
        )  # fmt: skip


@admin.register(Result)
class ResultAdmin(Page):
    """What came out of sittings, every scoring of them."""

    list_display = ("id", "session", "number", "is_current", "state", "percentage", "passed", "created_at")
    list_filter = ("is_current", "state", "passed", "session__test")
    list_select_related = ("session",)
    search_fields = ("session__participant__name", "session__participant__email", "session__account__email")
    date_hierarchy = "created_at"
    show_full_result_count = False


@admin.register(ImportBatch)
class ImportBatchAdmin(Page):
    """Uploaded lists and how far they are; the names in them are not shown here."""

    list_display = ("id", "company", "file_name", "state", "rows_done", "rows_total", "created_count", "failed_count")
    list_filter = ("state", "created_at")
    search_fields = ("company__name", "file_name")
    list_select_related = ("company",)
    exclude = ("rows", "failures")
