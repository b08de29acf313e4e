"""Django admin of photos and attendance: to look at."""

from django.contrib import admin
from django.utils.html import format_html

from cbt.http.admin_pages import ReadOnly
from cbt.kernel import storage
from proctoring.models import Attendance, Photo


@admin.register(Photo)
class PhotoPage(ReadOnly, admin.ModelAdmin):
    """Photos of sessions. Shown by signed addresses that expire; removed only by retention."""

    list_display = ("id", "thumbnail", "session", "number", "captured_at", "size_bytes", "deleted_at")
    list_filter = ("captured_at", ("deleted_at", admin.EmptyFieldListFilter))
    list_select_related = ("session",)
    list_per_page = 25
    search_fields = ("=session__id", "=sha256", "session__participant__name", "session__participant__email")
    search_help_text = "Number of the session, hash, name or e-mail of the participant"
    date_hierarchy = "captured_at"
    show_full_result_count = False
    fields = (
        "thumbnail", "session", "number", "captured_at", "mime", "size_bytes", "width", "height", "sha256", "ip",
        "deleted_at",
    )  # fmt: skip

    @admin.display(description="photo")
    def thumbnail(self, photo: Photo) -> str:
        """Show the picture while its file is kept."""
        if photo.deleted_at is not None:
            return "removed"
        url = storage.signed_path(photo.path)
        return format_html('<a href="{}"><img src="{}" alt="photo {}" height="90"></a>', url, url, photo.number)


@admin.register(Attendance)
class AttendancePage(ReadOnly, admin.ModelAdmin):
    """Who was there. Changed by the routes of attendance, which write the trail and tell those who watch."""

    list_display = ("id", "test", "person", "status", "method", "at", "by_id")
    list_filter = ("status", "method", "at")
    list_select_related = ("test", "user")
    list_per_page = 50
    search_fields = ("=test__id", "test__name", "user__username", "user__name")
    search_help_text = "Number or name of the test, name of the person"
    date_hierarchy = "at"
    show_full_result_count = False

    @admin.display(description="person", ordering="user__name")
    def person(self, row: Attendance) -> str:
        """Return who it is: an account by itself shows only its number."""
        return row.user.name or row.user.username or f"user {row.user_id}"
