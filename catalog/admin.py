"""Django admin of the catalogue: every write goes through a service, history is read-only."""

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse

from accounts.admin import actor_of
from catalog.models import Question, Scale, Test, TestCategory, TestVersion
from catalog.selectors.bank import test_document_export
from catalog.services import categories, offers
from catalog.services.documents import test_document_import
from cbt.http.admin_pages import ReadOnly
from cbt.http.clean import load_json
from cbt.http.service_forms import ServiceForm
from cbt.kernel.errors import DomainError

UPLOAD_BYTES_MAX = 20 * 1024 * 1024


class QuestionInline(ReadOnly, admin.TabularInline):
    """The questions, to read; they are written by the API or by importing a document."""

    model = Question
    fields = ("position", "key", "kind", "text", "body")
    extra = 0


class ScaleInline(ReadOnly, admin.TabularInline):
    """The scales, to read."""

    model = Scale
    fields = ("position", "key", "name", "items")
    extra = 0


class ImportForm(forms.Form):
    """A document to import."""

    document = forms.FileField(label="Document (cbt-test/1, JSON)")
    replace_bank = forms.BooleanField(required=False, label="Replace the test that has this code")


class CategoryForm(ServiceForm):
    """A category, new or changed."""

    def act(self, data: dict[str, Any]) -> Model:
        """Create or change it."""
        if self.instance.pk is None:
            return categories.category_create(data=data, actor=self.actor)
        changed = {name: data[name] for name in self.changed_data}
        return categories.category_update(category_id=self.instance.pk, data=changed, actor=self.actor)


class OfferForm(ServiceForm):
    """A test, new or changed."""

    def act(self, data: dict[str, Any]) -> Model:
        """Create or change it."""
        is_new = self.instance.pk is None
        given = data if is_new else {name: data[name] for name in self.changed_data}
        facts = {name: value for name, value in given.items() if name not in offers.SETTING_FIELDS | {"category"}}
        facts["settings"] = {name: value for name, value in given.items() if name in offers.SETTING_FIELDS}
        if "category" in given:
            facts["category_id"] = given["category"].pk if given["category"] else None
        if is_new:
            return offers.test_create(data=facts, actor=self.actor)
        return offers.test_update(test_id=self.instance.pk, data=facts, actor=self.actor)


class FormThatStores(admin.ModelAdmin):
    """A page whose form is a `ServiceForm`."""

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Tell the form who acts."""
        form = super().get_form(request, obj, change=change, **kwargs)
        form.actor = actor_of(request)  # type: ignore[attr-defined]
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Do nothing: the form's service has stored the row."""


@admin.register(TestCategory)
class CategoryAdmin(FormThatStores):
    """Categories."""

    form = CategoryForm
    list_display = ("name", "slug", "is_active", "sort_order")
    list_filter = ("is_active",)
    search_fields = ("name", "description")

    def get_queryset(self, request: HttpRequest) -> QuerySet[TestCategory]:
        """Live ones."""
        return super().get_queryset(request).filter(deleted_at__isnull=True)

    def delete_model(self, request: HttpRequest, obj: TestCategory) -> None:
        """Delete softly."""
        categories.category_delete(category_id=obj.pk, actor=actor_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[TestCategory]) -> None:
        """Delete each softly."""
        for obj in queryset:
            self.delete_model(request, obj)


@admin.register(Test)
class OfferAdmin(FormThatStores):
    """Tests, with export and import of documents."""

    form = OfferForm
    change_list_template = "admin/catalog/test_list.html"
    list_display = ("code", "name", "type", "category", "price", "question_count", "duration_minutes", "is_active")
    list_filter = ("is_active", "type", ("owner", admin.EmptyFieldListFilter), "category")
    list_select_related = ("category",)
    search_fields = ("code", "name", "description")
    inlines = (QuestionInline, ScaleInline)
    actions = ("export_as_json",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Test]:
        """Live ones."""
        return super().get_queryset(request).filter(deleted_at__isnull=True)

    def get_inlines(self, request: HttpRequest, obj: Test | None) -> tuple[Any, ...]:
        """The bank of a stored test."""
        return self.inlines if obj else ()

    def delete_model(self, request: HttpRequest, obj: Test) -> None:
        """Take it off the offer."""
        offers.test_delete(test_id=obj.pk, actor=actor_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Test]) -> None:
        """Take each off the offer."""
        for obj in queryset:
            self.delete_model(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Only the tests themselves: deleting is soft, so versions and questions stay."""
        return [str(obj) for obj in objs], {}, set(), []

    @admin.action(description="Export as JSON (one test)")
    def export_as_json(self, request: HttpRequest, queryset: QuerySet[Test]) -> HttpResponse | None:
        """Download the document of the selected test, answer keys included."""
        tests = list(queryset[:2])
        if len(tests) != 1:
            self.message_user(request, "Select exactly one test.", messages.WARNING)
            return None
        content = json.dumps(test_document_export(tests[0]), ensure_ascii=False, indent=2)
        response = HttpResponse(content, content_type="application/json")
        response["Content-Disposition"] = f'attachment; filename="test-{tests[0].pk}.json"'
        return response

    def get_urls(self) -> list[URLPattern]:
        """With the page that imports."""
        page = self.admin_site.admin_view(self.import_json)
        return [path("import-json/", page, name="catalog_test_import"), *super().get_urls()]

    def import_json(self, request: HttpRequest) -> HttpResponse:
        """Upload form; faults of the document are shown on it."""
        form = ImportForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid() and self._imported(request, form):
            return HttpResponseRedirect(reverse("admin:catalog_test_changelist"))
        context = {**self.admin_site.each_context(request), "form": form, "title": "Import a test", "opts": self.opts}
        return render(request, "admin/catalog/test_import.html", context)

    def _imported(self, request: HttpRequest, form: ImportForm) -> bool:
        upload = form.cleaned_data["document"]
        if upload.size > UPLOAD_BYTES_MAX:
            form.add_error("document", "The document is too large.")
            return False
        try:
            document = load_json(upload.read())
            replace = form.cleaned_data["replace_bank"]
            test, _ = test_document_import(document=document, actor=actor_of(request), replace_bank=replace)
        except DomainError as error:
            faults = [f"{name}: {text}" for name, texts in error.fields.items() for text in texts]
            form.add_error("document", faults or [error.message])
            return False
        self.message_user(request, f"Test {test.code} was imported.", messages.SUCCESS)
        return True


@admin.register(TestVersion)
class VersionAdmin(ReadOnly, admin.ModelAdmin):
    """Frozen versions: history, to read."""

    list_display = ("test", "number", "content_hash", "created_at")
    list_select_related = ("test",)
    search_fields = ("test__code", "test__name", "content_hash")
