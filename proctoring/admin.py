"""Django admin of photos: to look at."""

from django.contrib import admin
from django.utils.html import format_html

from cbt.http.admin_pages import ReadOnly
from cbt.kernel import storage
from proctoring.models import Photo


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
