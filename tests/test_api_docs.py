"""The published documents, whole and of each face, and the pages that show them."""

import json
import re
from html.parser import HTMLParser

import pytest
import yaml
from django.contrib.staticfiles import finders

from cbt.http.documents import document_of, faces
from tests.faces import PRESENT
from tests.routes import ROUTES, shape_of
from tests.support import error_of

PAGES = ("/docs", "/redoc", "/api/docs", "/api/redoc")
SIGNING_IN = {"/api/auth/login", "/api/auth/logout", "/api/auth/me"}
BORROWED = {"exam_room": {*SIGNING_IN, "/health", "/metrics"}, "exam_files": SIGNING_IN, "v1": {"/health"}}
TITLES = {"primary": "primary contract", "exam_room": "exam room", "exam_files": "exam files"}
VERBS = {"get", "post", "put", "patch", "delete"}


def operations(document):
    paths = document["paths"].items()
    return {(verb.upper(), shape_of(path)) for path, item in paths for verb in item if verb in VERBS}


def references(document):
    return set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))


def test_schema__then_yaml_or_json_as_asked(client):
    plain = client.get("/api/schema")
    assert plain["Content-Type"] == "application/vnd.oai.openapi; charset=utf-8"
    whole = yaml.load(plain.content, yaml.CSafeLoader)
    assert operations(whole) == {route.shape for route in ROUTES}
    for asked in (
        client.get("/api/schema?format=json"),
        client.get("/api/schema", headers={"Accept": "application/json"}),
        client.get("/api/schema", headers={"Accept": "application/vnd.oai.openapi+json"}),
    ):
        assert asked["Content-Type"] == "application/vnd.oai.openapi+json; charset=utf-8"
        assert asked.json()["paths"].keys() == whole["paths"].keys()
    assert client.get("/api/schema?format=yaml", headers={"Accept": "application/json"}).content == plain.content
    for nowhere in ("/api/schema?format=xml", "/api/schema/nothing", "/docs?face=nothing"):
        error_of(client.get(nowhere), 404, "NOT_FOUND")
    error_of(client.post("/api/schema"), 405, "METHOD_NOT_ALLOWED")


def test_schema__when_of_one_face__then_its_routes_and_what_its_clients_borrow_and_what_they_name(client):
    assert list(faces()) == ["primary", *PRESENT]
    shown = {}
    for face in faces():
        document, borrowed = client.get(f"/api/schema/{face}?format=json").json(), BORROWED.get(face, set())
        assert operations(document) == {row.shape for row in ROUTES if row.face == face or row.path in borrowed}, face
        assert document["info"]["title"] == f"RuangTes API: {TITLES.get(face, face)}"
        assert references(document) == set(document["components"]["schemas"]), face
        for name, shape in document["components"]["schemas"].items():
            assert shown.setdefault(name, shape) == shape, f"two shapes by the name of {name}"
    whole = document_of("")
    assert whole["components"]["schemas"] == shown
    assert whole["info"]["title"] == "RuangTes API"


def test_schema__when_asked_again__then_not_written_again(client):
    first = client.get("/api/schema/v1")
    again = client.get("/api/schema/v1", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert first["Cache-Control"] == "no-cache"


class Page(HTMLParser):
    """What a page loads, and what it would run itself."""

    def __init__(self, text):
        super().__init__()
        self.loaded, self.inline, self.inside = [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.inside = tag
        self.loaded += [given[name] for name in ("src", "href", "spec-url") if name in given and tag != "a"]
        self.inline += [name for name in given if name.startswith("on") or name == "style"]

    def handle_data(self, data):
        if self.inside in {"script", "style"} and data.strip():
            self.inline.append(data)

    def handle_endtag(self, tag):
        self.inside = None


@pytest.mark.parametrize("path", PAGES)
def test_page__then_nothing_inline_nothing_foreign_and_a_policy_that_says_so(client, path):
    response = client.get(path)
    page = Page(response.content.decode())
    assert page.inline == []
    assert len(page.loaded) >= 4
    for address in page.loaded:
        found = finders.find(address.removeprefix("/static/")) if address.startswith("/static/") else None
        assert found or address == "/api/schema", address
    policy = dict(part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";"))
    assert (policy["default-src"], policy["script-src"], policy["connect-src"]) == ("'none'", "'self'", "'self'")
    assert policy["frame-ancestors"] == "'none'"
    for face in faces():
        assert f"/api/schema/{face}" in client.get(f"{path}?face={face}").content.decode()
