"""Notices of routes that will go. Source: RFC 9745, RFC 8594; cookie frontend contract, "API Breaking Changes"."""

from datetime import date

import pytest
from drf_spectacular.generators import SchemaGenerator

from cbt.http import deprecation
from cbt.http.deprecation import DEPRECATED, Deprecation, deprecation_of
from tests.routes import ROUTES, shape_of
from tests.support import data_of, error_of

NOTICE = Deprecation(
    since=date(2026, 9, 1), sunset=date(2027, 3, 1), instead="/v2/catalog",
    english="Read <b>the</b> new list.", indonesian="Baca daftar baru.",
)  # fmt: skip
PATH = "/api/tests/catalog"


@pytest.fixture
def noticed(monkeypatch):
    monkeypatch.setitem(DEPRECATED, f"GET {PATH}", NOTICE)
    monkeypatch.setitem(DEPRECATED, "GET /api/tests/catalog/{testId}", NOTICE)
    monkeypatch.setitem(DEPRECATED, "GET /api/test-session/{sessionToken}", NOTICE)


def test_deprecated__then_every_answer_says_so_as_the_rfcs_write_it(api, noticed):
    response = api.get(PATH)
    data_of(response)
    assert response["Deprecation"] == "@1788220800"
    assert response["Sunset"] == "Mon, 01 Mar 2027 00:00:00 GMT"
    assert response["Link"] == (
        '</api/versions>; rel="deprecation"; type="text/html", </v2/catalog>; rel="successor-version"'
    )


def test_deprecated__when_the_answer_is_an_error_or_the_view_lean__then_told_too(api, noticed):
    missing = api.get("/api/tests/catalog/404")
    error_of(missing, 404, "NOT_FOUND")
    lean = api.get("/api/test-session/NOSUCHTOKEN")
    assert missing["Deprecation"] == lean["Deprecation"] == "@1788220800"


def test_not_deprecated__then_no_header(api, noticed):
    response = api.get("/api/tests/catalog/categories")
    assert not {"Deprecation", "Sunset", "Link"} & set(response.headers)


def test_deprecated__then_marked_in_openapi(noticed):
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    assert paths[PATH]["get"]["deprecated"] is True
    assert "deprecated" not in paths["/api/tests/catalog/categories"]["get"]


def test_page__then_both_languages_and_what_is_noted(api, noticed):
    response = api.get("/api/versions")
    text = response.content.decode()
    assert (response.status_code, response["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "<code>GET /api/tests/catalog</code></td><td>2026-09-01</td><td>2027-03-01</td>" in text
    assert "Baca daftar baru." in text
    assert "Read &lt;b&gt;the&lt;/b&gt; new list." in text


def test_page__when_nothing_is_deprecated__then_says_so(api):
    text = api.get("/api/versions").content.decode()
    assert "None at present." in text
    assert "Saat ini tidak ada." in text


def test_notice__when_shorter_than_promised__then_does_not_start():
    with pytest.raises(ValueError, match="180 days"):
        Deprecation(date(2026, 9, 1), date(2027, 2, 27), "", "e", "i")


def test_table__then_names_routes_that_exist():
    assert {shape_of(route) for route in DEPRECATED} <= {shape_of(str(route)) for route in ROUTES}


def test_table__when_empty__then_nothing_is_looked_up(monkeypatch):
    monkeypatch.setattr(deprecation, "DEPRECATED", {})
    assert deprecation_of("GET", PATH) is None
