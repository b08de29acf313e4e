"""Every list in the form the cookie frontend reads, `{data, total, page, limit}`, when `limit` asks for it."""

import pytest

from tests import calls
from tests.calls import caller_of, own_values, query_of
from tests.routes import ROUTES
from tests.support import PAGE_KEYS

pytestmark = pytest.mark.django_db
FLAT_KEYS = {"success", "message", "data", "total", "page", "limit", "status_code"}
#: Lists of the server; a list that is lost from here has lost its flat form.
AT_LEAST = 30
MORE: dict[str, set[str]] = {}


def answers(world, query):
    """Return {route: body} of every GET that answers JSON by our envelope; a sitting's own short lists are no pages."""
    found = {}
    for route in ROUTES:
        if not route.is_read or route.face != "primary" or route.permission == "session_token":
            continue
        joined = "&".join(part for part in (query_of(route, world.own), query) if part)
        path = route.fill(own_values(route, world, world.own))
        response = calls.send(route, path, None, token=caller_of(route, world), query=joined)
        if response["Content-Type"] == "application/json" and isinstance(response.json(), dict):
            found[str(route)] = response.json()
    return found


def is_list(body):
    data = body.get("data")
    return isinstance(data, list) or (isinstance(data, dict) and set(data) == PAGE_KEYS)


def test_lists__when_limit_is_sent__then_flat_and_otherwise_as_documented(world):
    for route in ROUTES:
        own_values(route, world, world.own)  # what is made when first asked for is there before anything is counted
    plain = answers(world, "")
    lists = {route for route, body in plain.items() if is_list(body)}
    assert len(lists) >= AT_LEAST, sorted(lists)
    for route, body in answers(world, "limit=1&page=1").items():
        if route not in lists:
            assert "limit" not in body, route
            continue
        assert set(body) - FLAT_KEYS <= MORE.get(route, set()), (route, set(body))
        assert set(body) >= FLAT_KEYS, (route, set(body))
        assert (body["page"], body["limit"]) == (1, 1), route
        assert len(body["data"]) == min(1, body["total"]), route
        rows = plain[route]["data"]
        total = len(rows) if isinstance(rows, list) else rows["total"]
        assert body["total"] == total, route
    for route, body in answers(world, "limit=1&page=9999").items():
        if route in lists:
            assert (body["data"], body["page"]) == ([], 9999), route
    for query in ("limit=0", "limit=1&page=x"):
        for route, body in answers(world, query).items():
            if route in lists:
                assert body["status_code"] == 422, (route, query)
                assert set(body["errors"]) == {"page" if "page" in query else "limit"}, (route, query)
