"""Fields nobody offered, sent to every write: nothing of them lands in the database."""

import json
from collections import Counter
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from tests import calls
from tests.calls import Form, body_of
from tests.routes import ROUTES, Route, shape_of
from tests.rows import Rows, changes, snapshot
from tests.world import MISSING, World

pytestmark = pytest.mark.django_db
WRITES = [row for row in ROUTES if row.method in {"POST", "PUT", "PATCH"}]
MOMENT = "1987-06-05T04:03:02Z"
EXTRA: dict[str, Any] = {
    "role": "super_admin", "roles": ["super_admin"], "permissions": ["manage_companies"], "is_staff": True,
    "is_superuser": True, "is_active": False, "is_locked": True, "is_primary": True,
    "company_id": MISSING, "company": MISSING, "user_id": MISSING, "user": MISSING, "participant_id": MISSING,
    "id": MISSING, "pk": MISSING, "test_id": MISSING, "version_id": MISSING, "session_id": MISSING,
    "banned_by_id": MISSING, "scored_by_id": MISSING, "marked_by_id": MISSING, "resolved_by_id": MISSING,
    "status": "Qxmass", "state": "Qxmass", "submitted_by": "timer", "unique_token": "Qxmass", "nonce": "Qxmass",
    "token_hash": "Qxmass", "ban_reason": "Qxmass", "scoring_version": "Qxmass", "start_ip": "203.0.113.77",
    "price": 913.37, "price_amount": 913.37, "total_amount": 913.37, "amount": 913.37, "percentage": 91.37,
    "is_correct": True, "passed": True, "is_flagged": True, "is_resolved": True, "is_counted": False,
    "is_current": False, "points": 913.37, "max_points": 913.37, "score": 913.37, "weight": 913.37, "severity": 5,
    "user_quota": 91_337, "used_quota": 91_337, "attempt_number": 9137, "max_attempts": 9137, "extra_seconds": 91_337,
    "grace_seconds": 91_337, "paused_seconds": 91_337, "time_spent_seconds": 91_337, "duration_minutes": 91_337,
    "bank_revision": 91_337, "number": 9137, "mails_requested": 9137,
    "email_verified_at": MOMENT, "banned_at": MOMENT, "deleted_at": MOMENT, "created_at": MOMENT, "updated_at": MOMENT,
    "started_at": MOMENT, "deadline_at": MOMENT, "completed_at": MOMENT, "expires_at": MOMENT, "used_at": MOMENT,
    "start_at": MOMENT, "end_at": MOMENT, "paused_at": MOMENT, "activated_at": MOMENT, "captured_at": MOMENT,
    "biodata": {"Qxmass": "Qxmass"}, "settings": {"max_attempts": 9137}, "answer_key": "Qxmass",
    "answers": {"Qxmass": 1},
}  # fmt: skip
#: How the extra values would look in a row, whatever the database makes of them.
TRACES = ("qxmass", "913.37", "91.37", "91337", "9137", "1987-06-05", "1987, 6, 5", str(MISSING), "203.0.113.77")
#: Columns whose values must be as without the extra fields, row for row.
WATCHED = {
    "role", "is_superuser", "is_active", "is_locked", "is_primary", "status", "state", "severity", "claimed_severity",
    "is_flagged", "is_resolved", "is_counted", "is_current", "passed", "points", "max_points", "percentage",
    "submitted_by", "company_id", "user_quota", "used_quota", "scope",
}  # fmt: skip
#: Documents whose unknown fields are refused, as their format says; the rest ignores them.
STRICT = {
    "POST /api/tests/import", "POST /api/tests/{test}/questions", "PUT /api/tests/{test}/questions/{question}",
    "PATCH /api/tests/{test}/questions/{question}",
}  # fmt: skip


@pytest.fixture(scope="module")
def documented() -> dict[tuple[str, str], set[str]]:
    """{(method, shape): names of body fields} that the route does offer."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    found: dict[tuple[str, str], set[str]] = {}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            for content in (operation.get("requestBody") or {}).get("content", {}).values():
                name = content["schema"].get("$ref", "").rpartition("/")[2]
                shape = schema["components"]["schemas"].get(name, content["schema"])
                found[method.upper(), shape_of(path)] = set(shape.get("properties", {}))
    return found


def extra_for(route: Route, documented: dict[tuple[str, str], set[str]]) -> dict[str, Any]:
    """Return what the route does not offer."""
    offered = documented.get(route.shape, set())
    return {name: value for name, value in EXTRA.items() if name not in offered}


def stored_by(route: Route, world: World, before: Rows, body: Any) -> tuple[int, dict[str, list[Any]]]:
    """Send a body, return the status and the rows it left; then undo it."""
    with calls.undone():
        response = calls.call(route, world, body=body)
        return response.status_code, changes(before, snapshot())


def watched_of(rows: dict[str, list[Any]], before: Rows) -> Counter[tuple[str, str, str]]:
    """Return how often each watched column got each value; a company made by the request itself is "new"."""
    known = {key[0] for key in before["tenants_company"]}

    def shown(name: str, value: Any) -> str:
        return "new" if name == "company_id" and value not in known | {None, MISSING} else str(value)

    return Counter(
        (table, name, shown(name, value))
        for table, found in rows.items()
        for row in found
        for name, value in (pair for pair in row if isinstance(pair, tuple) and len(pair) == 2)
        if name in WATCHED
    )


def traces_in(rows: dict[str, list[Any]]) -> list[str]:
    """Return which extra values stand in these rows; ids the database counted are left out."""
    found = []
    for table, changed in rows.items():
        for row in changed:
            text = str(
                [pair for pair in row if pair[0] not in {"nonce", "token_hash", "password", "sha256", "path"}]
            ).lower()
            found += [f"{table}: {trace}" for trace in TRACES if _stands_alone(trace, text)]
    return found


def _stands_alone(trace: str, text: str) -> bool:
    at = text.find(trace)
    while at >= 0:
        around = text[at - 1 : at] + text[at + len(trace) : at + len(trace) + 1]
        if not trace.isdigit() or not any(sign.isalnum() for sign in around):
            return True
        at = text.find(trace, at + 1)
    return False


def with_extra(body: Any, extra: dict[str, Any]) -> Any:
    """Return the body with the extra fields beside its own."""
    if isinstance(body, Form):
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in extra.items()}
        return Form({**texts, **body.fields})
    return {**extra, **(body or {})}


def fault_of(route: Route, world: World, before: Rows, extra: dict[str, Any]) -> str:
    """Send a route its body without and with the extra fields; return what these did, "" when nothing."""
    body = body_of(route, world, world.own)
    plain_status, plain = stored_by(route, world, before, body)
    status, rows = stored_by(route, world, before, with_extra(body, extra))
    # No matcher of faces is installed here: the two routes answer so, and store nothing.
    if plain_status not in ({501} if str(route) in calls.NOT_INSTALLED else {200, 201}):
        return f"{plain_status} without the extra fields"
    if str(route) in STRICT:
        return "" if status == 422 and not rows else f"strict, but {status}, {rows}"
    if status != plain_status:
        return f"{status} instead of {plain_status}"
    more = watched_of(rows, before) - watched_of(plain, before)
    less = watched_of(plain, before) - watched_of(rows, before)
    found = traces_in(rows)
    return f"traces {found}, more {more}, less {less}" if found or more or less else ""


def test_extra_fields__then_nothing_of_them_is_stored(world, documented):
    before = snapshot()
    faults = {str(route): fault_of(route, world, before, extra_for(route, documented)) for route in WRITES}
    assert {route: fault for route, fault in faults.items() if fault} == {}
    assert len(faults) > 90


def test_extra_fields__then_each_leaves_a_trace_that_would_be_seen():
    """Control: every planted value would be found in a row or in a watched column."""
    for name, value in EXTRA.items():
        row = {"table": [((name, value),)]}
        assert traces_in(row) or name in WATCHED or isinstance(value, bool | list | str), name


def test_saved_answers__when_they_carry_marks__then_the_answer_is_only_a_value(world):
    """An answer is any JSON; names like is_correct within it give nothing."""
    save = next(row for row in WRITES if row.path.endswith("/save-answers"))
    response = calls.call(save, world, body={"answers": {"q1": {"answer": "b", "is_correct": True, "points": 913.37}}})
    assert response.status_code == 422
    response = calls.call(
        save, world, body={"answers": {"q1": "b"}, "is_correct": {"q1": True}, "points": {"q1": 913.37}}
    )
    row = json.loads(response.body)["data"]["answers"][0]
    assert (row["answer"], row["is_correct"], row["points"]) == ("b", None, 0)
