"""The exam files in the Django admin: each with its state and, where it is broken, its fault. To look at only."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import path

from cbt.faces.exam_files import library
from cbt.faces.exam_files.models import ExamFile


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the page. fault: empty where all is well."""

    name: str
    state: str
    question_count: int | None = None
    fault: str = ""


def rows() -> list[Row]:
    """Return what is in `input/` and what the manifest publishes without a sound file; faults first."""
    good, bad = library.exams()
    published = library.manifest().published
    broken = [Row(found.exam_id, "broken", None, found.reason) for found in bad]
    known = {exam.exam_id for exam in good} | {found.exam_id for found in bad}
    missing = [
        Row(exam_id, "missing", None, f"manifest.json publishes it, but there is no input/{exam_id}.json")
        for exam_id in sorted(published - known)
    ]
    sound = [
        Row(exam.exam_id, "published" if exam.exam_id in published else "not published", len(exam.paper.questions))
        for exam in good
    ]
    return [*broken, *missing, *sound]


@admin.register(ExamFile)
class ExamFileAdmin(admin.ModelAdmin):
    """One page: people edit the files, not this."""

    def get_urls(self) -> list[Any]:
        """Return the one address."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_changelist"
        return [path("", self.admin_site.admin_view(self.page), name=name)]

    def page(self, request: HttpRequest) -> TemplateResponse:
        """Show every file."""
        manifest = library.manifest()
        context = {
            **self.admin_site.each_context(request), "title": "Exam files", "opts": self.opts, "rows": rows(),
            "is_manifest_broken": manifest.content is None, "manifest_faults": manifest.faults,
        }  # fmt: skip
        return TemplateResponse(request, "admin/exam_files/page.html", context)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let everybody look whom the admin lets in."""
        return self.admin_site.has_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: exams are put into the folder."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: exams are edited in the folder."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: exams are removed from the folder."""
        return False
