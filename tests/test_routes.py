"""One table of all routes, compared with the server both ways."""

from collections import Counter

import pytest
from django.urls import URLPattern, path

from accounts.states import ROLE_PERMISSIONS, Role
from cbt.http.lean import LeanView
from cbt.http.rates import Rate
from cbt.http.views import Access, FaceView, Scope
from cbt.kernel.permissions import Perm
from tests import routes
from tests.routes import ROUTES, Route

#: Routes of the primary contract and its details that are not built yet. Only ever take lines out of here.
PENDING = """
"""
PENDING_ROWS = [tuple(line.split()) for line in PENDING.split("\n") if line]
PENDING_AT_MOST = 0
CONTRACT_ROUTES = 124  # 120 of the details' table, two aliases for companies, /health and /up
WORDS = {access.value for access in Access}


def pending_shapes() -> set[tuple[str, str]]:
    return {(method, routes.shape_of(address)) for method, address in PENDING_ROWS}


def test_table__then_one_line_per_route():
    assert [shape for shape, count in Counter(row.shape for row in ROUTES).items() if count > 1] == []


def test_table__when_compared_with_the_server__then_the_same_routes():
    table, server = {row.shape for row in ROUTES}, set(routes.served())
    assert sorted(server - table) == [], "served, but not in routes.csv"
    assert sorted(table - server) == [], "in routes.csv, but not served"


@pytest.mark.parametrize("row", ROUTES, ids=str)
def test_table__when_compared_with_the_class__then_the_same_words(row: Route):
    view, verb = routes.served()[row.shape], row.method.lower()
    permission = view.declared("permission", verb)
    named = permission if isinstance(permission, tuple) else (permission,)
    assert row.permission == "|".join(word.value for word in named)
    assert row.rate == view.declared("rate", verb).name
    assert row.scope == view.declared("scope", verb).value
    assert row.face == view.face.name


@pytest.mark.parametrize("row", ROUTES, ids=str)
def test_table__then_known_words_only(row: Route):
    assert row.rate in Rate.__members__
    assert row.scope in {scope.value for scope in Scope}
    assert set(row.permission.split("|")) <= WORDS | {perm.value for perm in Perm}
    assert row.roles <= {role.value for role in Role}
    assert bool(row.roles) is row.needs_login
    assert row.section


@pytest.mark.parametrize("row", [row for row in ROUTES if row.needs_login], ids=str)
def test_table__then_every_role_it_names_holds_the_permission(row: Route):
    if row.permission == "signed_in":
        # The codenames are the primary contract's; a face of another one asks for roles itself, and its news too.
        assert row.roles == {role.value for role in Role} or row.face == "v1" or row.path == "/api/live/attendance"
        return
    wanted = {Perm(word) for word in row.permission.split("|")}
    holders = {role.value for role, held in ROLE_PERMISSIONS.items() if wanted & held}
    assert row.roles <= holders


def test_patterns__then_all_are_face_views_or_named_exceptions():
    strangers = [
        address
        for address, pattern in routes.patterns()
        if not issubclass(getattr(pattern.callback, "cls", object), FaceView)
    ]
    assert strangers == []


def test_exceptions__then_each_still_exists():
    everything = {"/" + str(pattern.pattern) for pattern in routes.get_resolver().url_patterns}
    assert everything >= routes.NOT_OURS
    assert "/admin/" in everything


def test_patterns__then_no_trailing_slash_and_no_second_prefix():
    assert [address for address, _ in routes.patterns() if address.endswith("/") or "//" in address] == ["/"]


def test_pending__then_none_resolves():
    assert sorted(pending_shapes() & set(routes.served())) == [], "built: move it from PENDING to routes.csv"


def test_pending__then_the_list_only_shrinks():
    assert len(PENDING_ROWS) == len(pending_shapes())
    assert len(PENDING_ROWS) <= PENDING_AT_MOST


def test_contract__then_every_route_is_listed_or_pending():
    listed = [row for row in ROUTES if row.section != "ours" and row.face == "primary"]
    assert len(listed) + len(PENDING_ROWS) == CONTRACT_ROUTES


def test_lean_views__then_tokens_are_their_only_credential():
    lean = {row.permission for row in ROUTES if issubclass(routes.served()[row.shape], LeanView)}
    assert lean == {"session_token"}


def test_walk__when_a_plain_view_is_added__then_it_is_seen():
    def forgotten(request):
        raise AssertionError("never called")

    class Fake:
        url_patterns = [path("api/forgotten", forgotten)]

    found = list(routes.patterns(Fake()))
    assert [address for address, _ in found] == ["/api/forgotten"]
    assert isinstance(found[0][1], URLPattern)
    assert not issubclass(getattr(found[0][1].callback, "cls", object), FaceView)
