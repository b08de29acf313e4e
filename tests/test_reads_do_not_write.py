"""A GET stores nothing. Two exceptions, both here: a login's last_seen_at, and closing a session whose time is up."""

from datetime import timedelta

import pytest
import time_machine

from accounts.models import Login
from cbt.kernel import clock
from sessions_app.models import ExamSession
from tests import calls
from tests.calls import caller_of, own_values
from tests.routes import ROUTES, Route
from tests.rows import changes, snapshot, watched_writes
from tests.world import World

pytestmark = pytest.mark.django_db
READS = [row for row in ROUTES if row.is_read]
#: Reads that close a session whose time is up: the contract's "next request closes it".
CLOSES_LATE = {
    "GET /api/test-session/{sessionToken}",
    "GET /api/test-session/{sessionToken}/questions",
    "GET /api/test-session/{sessionToken}/result",
}


def read(route: Route, world: World) -> tuple[int, list[str]]:
    """Send one read of an open session's world; return status and the writes it made."""
    values = own_values(route, world, world.own)
    if route.path.startswith("/api/test-session/{sessionToken}"):
        values["sessionToken"] = world.own.open_token
    token = caller_of(route, world)
    with calls.undone():
        calls.prepare(route, world, world.own)
        with watched_writes() as writes:
            response = calls.send(route, route.fill(values), None, token=token, query=calls.query_of(route, world.own))
    return response.status_code, list(writes)


def test_reads__then_no_statement_writes(world):
    before = snapshot()
    wrote = {str(row): writes for row in READS if (writes := read(row, world)[1])}
    assert wrote == {}
    assert changes(before, snapshot()) == {}


def test_reads__when_the_session_has_ended__then_no_statement_writes(world):
    for started in world.own.started.values():
        for route in READS:
            if route.permission != "session_token":
                continue
            with watched_writes() as writes:
                calls.send(route, route.fill({"sessionToken": started.token}), None)
            assert writes == [], str(route)


def test_reads__when_the_login_was_not_seen_for_a_while__then_only_that_is_written(world):
    for route in READS:
        if not route.needs_login:
            continue
        Login.objects.update(last_seen_at=clock.now() - timedelta(minutes=6))
        status, writes = read(route, world)
        assert status == 200
        assert len(writes) == 1, str(route)
        assert writes[0].startswith('UPDATE "accounts_login" SET "last_seen_at"')


def test_reads__when_the_session_is_late__then_only_three_close_it(world):
    late = clock.now() + timedelta(hours=3)
    closed = set()
    with time_machine.travel(late, tick=False):
        for route in READS:
            if route.permission != "session_token":
                continue
            with calls.undone():
                calls.send(route, route.fill({"sessionToken": world.own.open_token}), None)
                session = ExamSession.objects.get(pk=world.own.started["open"].session.pk)
                if session.status == "completed":
                    assert session.submitted_by == "timer"
                    assert session.completed_at == session.deadline_at
                    closed.add(str(route))
    assert closed == CLOSES_LATE


def test_options__then_nothing_is_read_or_written(world, django_assert_num_queries):
    for path in {row.fill(own_values(row, world, world.own)) for row in ROUTES if row.permission != "session_token"}:
        with django_assert_num_queries(0):
            response = calls.client().options(path)
        assert response.status_code == 204, path
        assert response.content == b""
