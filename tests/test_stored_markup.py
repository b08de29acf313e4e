"""Markup in every text a person can store, shown on every page of the admin and in every mail, is always text."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import admin
from django.db import models
from django.db.models import F, Value
from django.db.models.functions import Cast, Concat, Left
from django.template.loader import render_to_string
from django.test import Client

from accounts.states import Role
from accounts.tests.factories import make_user
from cbt.kernel import mail
from cbt.kernel.models import OutgoingMail
from tests.rows import house_models

pytestmark = pytest.mark.django_db
PLANT = "'\"><xp>"
#: Texts only the server writes, and reads again as something else than text.
NOT_TYPED = {
    "Job.name", "PeriodicRun.name", "Upload.name", "RefreshToken.nonce", "TestVersion.content_hash",
    "Participant.unique_token", "ExamSession.exam_file", "Result.content_hash", "CheatDetection.server_key",
    "SubscriptionPlan.seed_key", "AuditEvent.request_id",
}  # fmt: skip
WIRING = {"password", "token_hash", "nonce", "sha256", "path", "mime", "kind", "dedupe_key", "object_type", "action"}
#: Free JSON that comes from outside; other JSON of ours has a shape of its own.
FREE_JSON = {"biodata", "detection_data", "settings"}


class Page(HTMLParser):
    """Reads a page as a browser does: which elements it has, and how often the planted text shows as text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.inline: list[str] = []
        self.shown = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element or an attribute that came out of a stored text."""
        texts = {name: value or "" for name, value in attrs}
        scripts = [name for name, value in texts.items() if name.startswith("on") and "xp>" in value]
        links = [name for name, value in texts.items() if value.strip().lower().startswith("javascript:")]
        if tag == "xp" or scripts or links:
            self.faults.append(str(self.get_starttag_text()))
        is_code = tag == "script" and not texts.get("src") and texts.get("type") != "application/json"
        if is_code or any(name.startswith("on") for name in texts):
            self.inline.append(str(self.get_starttag_text()))
        self.shown += sum(PLANT in value for value in texts.values())

    def handle_data(self, data: str) -> None:
        """Count the planted text where it is text; within a script it would be code."""
        self.shown += data.count(PLANT)
        if self.lasttag == "script" and PLANT in data:
            self.faults.append(data[:80])


def is_typed(field: models.Field) -> bool:
    """Tell whether somebody outside may have written this column."""
    is_text = isinstance(field, models.CharField | models.TextField) and not field.choices
    has_room = field.max_length is None or field.max_length >= 20
    is_ours = field.name in WIRING or f"{field.model.__name__}.{field.name}" in NOT_TYPED
    return is_text and has_room and not is_ours and not field.is_relation


def plant() -> int:
    """Put the markup, and the row's id as some are unique, into all such columns of all rows; return how many."""
    count = 0
    for model in house_models():
        if len(model._meta.pk_fields) > 1:
            continue  # saved answers: their names are questions' keys
        for field in model._meta.concrete_fields:
            if is_typed(field):
                text = Left(Concat(Value(PLANT), Cast(F("pk"), models.CharField())), 20)
                models.QuerySet(model).exclude(**{field.name: None}).update(**{field.name: text})
                count += 1
            elif isinstance(field, models.JSONField) and field.name in FREE_JSON:
                models.QuerySet(model).update(**{field.name: {PLANT: PLANT}})
                count += 1
    return count


def admin_pages() -> list[str]:
    """Return the address of every list, of every form, and of the first row with what it would be deleted with."""
    pages = ["/admin/", "/admin/accounts/user/?q=%22%3E%3Cxp%3E", "/admin/login/?next=%22%3E%3Cxp%3E"]
    for model in admin.site._registry:
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        pages += [base, f"{base}add/"]
        if not model._meta.managed:
            continue  # no table: a list of something else
        for pk in model._default_manager.order_by("pk").values_list("pk", flat=True)[:1]:
            pages += [f"{base}{pk}/change/", f"{base}{pk}/delete/"]
    return pages


def test_admin__when_every_stored_text_is_markup__then_all_of_it_is_text(world):
    desk = Client()
    desk.force_login(make_user(Role.SUPER_ADMIN))
    assert plant() > 60
    faults, shown, read = {}, 0, 0
    for path in admin_pages():
        response = desk.get(path)
        assert response.status_code < 500, path
        if response.status_code == 200:
            page = Page(response.content.decode())
            read, shown = read + 1, shown + page.shown
            assert page.inline == [], f"the policy of the admin lets no browser run this: {path}"
            assert response["Content-Security-Policy"].startswith("default-src 'self'; ")
            if page.faults:
                faults[path] = page.faults
    assert faults == {}
    assert (read > 60, shown > 300) == (True, True), f"{shown} times on {read} pages"


def test_sessions_of_the_admin__then_each_names_its_taker(world):
    """A method of the name of a field is passed over: the column showed nobody."""
    desk = Client()
    desk.force_login(make_user(Role.SUPER_ADMIN))
    html = desk.get("/admin/sessions_app/examsession/").content.decode()
    takers = re.findall(r'class="field-taken_by[^>]*>([^<]*)<', html)
    assert world.own.participant.name in takers
    assert world.own.buyer.name in takers


def test_mails__when_every_stored_text_is_markup__then_all_of_it_is_text(world):
    kinds = dict(OutgoingMail.objects.order_by("pk").values_list("kind", "context"))
    plant()
    shown = {}
    for kind, context in kinds.items():
        content = mail._builders[kind](context)
        if content is not None:
            page = Page(render_to_string(f"mail/{content.template}.html", mail._values(content)))
            assert page.faults == [], kind
            shown[kind] = page.shown
    assert len(shown) >= 3
    assert sum(shown.values()) >= 3, shown


def test_page__control__when_a_text_is_not_escaped__then_seen():
    assert Page(f"<p>{PLANT}</p>").faults == ["<xp>"]
    assert Page('<a href=" JavaScript:x()">').faults == ['<a href=" JavaScript:x()">']
    assert Page(f"<script>{PLANT}</script>").faults == [PLANT]
    assert (Page("<p>&#x27;&quot;&gt;&lt;xp&gt;</p>").faults, Page("<p>&#x27;&quot;&gt;&lt;xp&gt;</p>").shown) == (
        [],
        1,
    )


def test_templates_and_code__then_nothing_is_called_safe_unseen():
    """Text mails alone are not escaped; a line that declares text to be markup has to be looked at."""
    loud = re.compile(r"mark_safe|\|\s*safe\b|autoescape off|safeseq")
    files = [*Path(settings.BASE_DIR, "templates").rglob("*.html")]
    for room in ("accounts", "anticheat", "catalog", "cbt", "commerce", "proctoring", "sessions_app", "tenants"):
        files += [*Path(settings.BASE_DIR, room).rglob("*.py"), *Path(settings.BASE_DIR, room).rglob("*.html")]
    assert len(files) > 300
    assert [file.name for file in files if loud.search(file.read_text("utf-8"))] == []
