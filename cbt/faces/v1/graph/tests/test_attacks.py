"""Queries that ask for too much, in every way there is; none of them reaches a row."""

import pytest
from django.test import Client, override_settings
from graphql import GraphQLError, parse

from accounts.api.cookies import AUTH_COOKIE
from accounts.states import Role
from accounts.tests.factories import make_user, token_of
from cbt.faces.v1.graph import schema as schema_module
from cbt.faces.v1.graph.limits import check_weight
from tests.support import Api, counted_queries, error_of

pytestmark = pytest.mark.django_db
PATH = "/v1/graphql"
Q = "{ tests { total } }"


@pytest.fixture
def token(db):
    return token_of(make_user(Role.SUPER_ADMIN))


@pytest.fixture
def api(token):
    return Api(token)


def chain(length):
    """Fragments that each spread the next twice."""
    links = " ".join(f"fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} }}" for i in range(length - 1))
    return f"{{ ...F0 }} {links} fragment F{length - 1} on Query {{ tests {{ total }} }}"


BOMBS = {
    "long": (f'{{ tests(search: """{"x" * 7_990}""") {{ total }} }}', None, None),
    "words": ("{ tests { " + "id " * 600 + "} }", "The query has too many words.", {"limit": 500}),
    "braces": ("{" * 400, "The query is nested too deeply.", {"limit": 15}),
    "brackets": ("{ tests(search: " + "[" * 300, "The query is nested too deeply.", {"limit": 15}),
    "inline fragments": (
        "{ " + "... { " * 15 + "tests { total }" + " }" * 16, "The query is nested too deeply.", {"limit": 15},
    ),
    "in a circle": (
        "{ sessions { items { result { session { result { id } } } } } }", "Cannot query field 'result' on type", None,
    ),
    "fragments": (chain(11), "The query has too many fragments.", {"limit": 10}),
    "fragments twice each": (chain(10), "The query asks for too many lists at once.", {"queries": 512, "limit": 10}),
    "cycle": ("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", "Cannot spread fragment", None),
    "spreads": (
        "{ " + "...F " * 11 + "} fragment F on Query { tests { total } }",
        "The query asks for too many lists at once.", {"queries": 11, "limit": 10},
    ),
    "aliases": (
        "{ " + " ".join(f"a{i}: tests {{ total }}" for i in range(11)) + " }",
        "The query asks for too many lists at once.", {"queries": 11, "limit": 10},
    ),
    "aliases of one row": (
        "{ " + " ".join(f"a{i}: session(id: {i}) {{ id }}" for i in range(11)) + " }",
        "The query asks for too many lists at once.", {"queries": 11, "limit": 10},
    ),
    "aliases of a value": (
        "{ tests(per_page: 100) { items { " + " ".join(f"a{i}: id" for i in range(49)) + " } } }",
        "The query asks for too much at once.", {"values": 5_001, "limit": 5_000},
    ),
    "rows in rows": (
        "{ tests(per_page: 50) { items { id sessions(first: 100) { id } } } }",
        "The query asks for too much at once.", {"values": 5_151, "limit": 5_000},
    ),
    "rows by default": (
        "query ($n: Int! = 100) { tests(per_page: $n) { items { sessions(first: $n) { id } } } }",
        "The query asks for too much at once.", {"values": 10_201, "limit": 5_000},
    ),
    "rows of nonsense": (
        "{ tests(per_page: 2000000000) { items { sessions(first: 2000000000) { id } } } }",
        "The query asks for too much at once.", {"values": 10_201, "limit": 5_000},
    ),
    "skipped": (
        "{ tests(per_page: 100) { items { sessions(first: 100) @skip(if: true) { id } } } }",
        "The query asks for too much at once.", {"values": 10_201, "limit": 5_000},
    ),
    "repeats": (
        "{ tests { " + "total " * 22 + "} }",
        "The query repeats too many fields.", {"repeats": 21, "limit": 20},
    ),
    "repeats in fragments": (
        "{ tests { " + "... { total } " * 22 + "} }",
        "The query repeats too many fields.", {"repeats": 21, "limit": 20},
    ),
    "mutation": ("mutation { tests { total } }", "There is no query of this name.", None),
    "subscription": ("subscription { tests { total } }", "There is no query of this name.", None),
    "only a fragment": ("fragment A on Query { tests { total } }", "There is no query of this name.", None),
    "introspection": ("{ __schema { types { name } } }", "GraphQL introspection has been disabled", None),
    "introspection of a type": ('{ __type(name: "Test") { name } }', "GraphQL introspection has been disabled", None),
    "no such field": ("{ test_ { id } }", "Cannot query field 'test_' on type 'Query'.", None),
    "half a letter": ('{ tests(search: "\\ud800") { total } }', "Syntax Error", None),
    "big number": ("{ tests(page: 99999999999) { total } }", "Int cannot represent", None),
}  # fmt: skip


def test_bombs__then_refused_before_anything_is_asked(api):
    for name, (query, message, details) in BOMBS.items():
        with counted_queries() as queries:
            response = api.post(PATH, {"query": query})
        if name == "long":
            assert error_of(response, 422, "VALIDATION_ERROR")["errors"] == {
                "query": ["The query must not be greater than 8000 characters."]
            }
            continue
        body = response.json()
        assert (response.status_code, set(body)) == (200, {"errors"}), name
        first = body["errors"][0]
        assert first["message"].startswith(message), name
        assert "Did you mean" not in first["message"], name
        assert first["extensions"]["code"] == "VALIDATION_ERROR", name
        assert first["extensions"]["request_id"] == response.headers["X-Request-ID"], name
        assert first["extensions"].get("details") == details, name
        assert len(queries) == 1, f"{name}: the login, and nothing else"


def test_limits__when_just_kept__then_answered(api):
    for query in (
        "{ " + " ".join(f"a{i}: tests {{ total }}" for i in range(10)) + " }",
        "{ tests(per_page: 100) { items { " + " ".join(f"a{i}: id" for i in range(48)) + " } } }",
        "{ tests { " + "total " * 21 + "} }",
        "query ($n: Int!) { tests(per_page: $n) { items { sessions(first: $n) { id __typename } } } }",
        "query A { tests { total } } query B { sessions { total } }",
    ):
        body = {"query": query, "variables": {"n": 40}, "operationName": "B" if "query B" in query else None}
        assert set(api.post(PATH, body).json()) == {"data"}, query
    with override_settings(DEBUG=True):
        shown = api.post(PATH, {"query": "{ __schema { mutationType { name } queryType { name } } }"}).json()
    assert shown == {"data": {"__schema": {"mutationType": None, "queryType": {"name": "Query"}}}}


def test_variables__when_too_many_rows__then_weighed_too(api):
    query = "query ($n: Int!) { tests(per_page: $n) { items { sessions(first: $n) { id } } } }"
    answer = api.post(PATH, {"query": query, "variables": {"n": 80}}).json()
    assert answer["errors"][0]["extensions"]["details"] == {"values": 6_561, "limit": 5_000}
    for wrong in ("80", None, [80], True, 1.5, {}):
        answer = api.post(PATH, {"query": query, "variables": {"n": wrong}}).json()
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["VALIDATION_ERROR"], wrong


def test_transport__then_one_json_object_by_post_only(api, token):
    bearer = {"Authorization": f"Bearer {token}"}
    error_of(api.post(PATH, [{"query": Q}, {"query": Q}]), 400, "INVALID_PAYLOAD")
    error_of(api.get(PATH, {"query": Q}), 405, "METHOD_NOT_ALLOWED")
    for kind in (
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "application/graphql",
    ):
        response = Client().generic("POST", PATH, Q.encode(), kind, headers=bearer)
        error_of(response, 415, "UNSUPPORTED_MEDIA_TYPE")
    for body in ({}, {"query": None}, {"query": ""}, {"query": Q, "variables": []}):
        error_of(api.post(PATH, body), 422, "VALIDATION_ERROR")
    error_of(api.post(PATH, raw=b'{"query":"' + b"x" * 70_000 + b'"}'), 413, "PAYLOAD_TOO_LARGE")
    error_of(Api().post(PATH, {"query": Q}), 401, "UNAUTHENTICATED")
    nul = api.post(PATH, {"query": '{ tests(search: "a\\u0000") { total } }'}).json()
    assert (nul["data"], nul["errors"][0]["extensions"]["code"]) == ({"tests": None}, "INVALID_PAYLOAD")


def test_cookie__when_another_site_sends_it__then_403(token):
    client = Client(enforce_csrf_checks=True)
    client.cookies[AUTH_COOKIE] = token
    for origin, status in (("https://evil.example", 403), (None, 403), ("http://testserver", 200)):
        response = client.post(PATH, {"query": Q}, "application/json", headers={"Origin": origin} if origin else {})
        assert response.status_code == status, origin


def test_fault__then_no_inner_text_and_the_rest_is_answered(api, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(schema_module, "sessions_shown", broken)
    response = api.post(PATH, {"query": "{ sessions { total } tests { total } }"})
    body = response.json()
    assert body["data"] == {"sessions": None, "tests": {"total": 0}}
    assert [(error["message"], error["path"]) for error in body["errors"]] == [("Internal server error", ["sessions"])]
    assert body["errors"][0]["extensions"]["code"] == "SERVER_ERROR"
    assert b"hunter2" not in response.content
    assert [record.name for record in caplog.records] == ["cbt.http"]


def test_rate__when_asked_too_often__then_429(api):
    codes = [api.post(PATH, {"query": "{"}).status_code for _ in range(61)]
    assert (codes[:60], codes[60]) == ([200] * 60, 429)


@pytest.mark.parametrize("given", [{}, {"n": None}, {"n": "x"}, {"n": [1]}, {"n": 2**40}, {"m": 1}])
def test_variables__when_they_do_not_fit__then_a_refusal_that_says_so(api, given, caplog):
    query = "query ($n: Int!) { sessions(per_page: $n) { total } }"
    with counted_queries() as queries:
        answer = api.post(PATH, {"query": query, "variables": given}).json()
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "VALIDATION_ERROR"
    assert "$n" in error["message"]
    assert answer["data"] is None
    assert not [sql for sql in queries if "sessions_app" in sql]
    assert "ERROR" not in caplog.text


def test_weight__when_it_is_open_which_query_is_meant__then_nothing_is_executed():
    two = parse("query A { tests { total } } query B { tests { total } }")
    with pytest.raises(GraphQLError, match="no query of this name"):
        check_weight(two, {}, None)
    check_weight(two, {}, "B")
