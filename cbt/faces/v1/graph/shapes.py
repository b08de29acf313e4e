"""The types of the schema. Their values are the very rows the REST routes answer: names, formats and limits are one.

An answer is a dictionary; a private entry (`TOGETHER`) leads to the rows it came with. No type leads back to one
above it, so that a query cannot go round in circles; keys, answers and tokens have no field.
"""

from typing import Any, NewType

import strawberry
from strawberry.scalars import JSON

from cbt.faces.v1.graph.nested import attendance_of_test, result_of_session, results_of_test, sessions_of_test

DateTime = NewType("DateTime", str)
FIRST = "newest first; first: 1 to 100 (20)"


@strawberry.type(description="A test, as a session or a result names it")
class TestName:
    """Which test."""

    __test__ = False
    id: strawberry.ID
    name: str
    code: str


@strawberry.type(description="Somebody who took a test")
class Person:
    """Who."""

    id: strawberry.ID
    name: str
    email: str | None


@strawberry.type(description="The session a result belongs to")
class SessionName:
    """Which session."""

    id: strawberry.ID
    status: str
    started_at: DateTime
    completed_at: DateTime | None
    time_spent_seconds: int
    submitted_by: str
    is_flagged: bool


@strawberry.type(description="One scoring of one session")
class Result:
    """A result without its items."""

    id: strawberry.ID
    number: int = strawberry.field(description="1 for the first scoring of the session")
    is_current: bool
    state: str = strawberry.field(description="final, or pending_marks while long texts wait for a person")
    test: TestName
    participant: Person | None
    user: Person | None
    session: SessionName
    points: float
    max_points: float
    percentage: float
    passed: bool | None
    correct_count: int
    wrong_count: int
    unanswered_count: int
    pending_count: int
    scales: JSON
    reason: str
    scoring_version: str
    created_at: DateTime


@strawberry.type(description="One sitting of one test, without its token")
class Session:
    """A session."""

    id: strawberry.ID
    status: str = strawberry.field(description="in_progress, completed, banned or abandoned")
    test: TestName
    participant: Person | None
    user_id: strawberry.ID | None
    user: Person | None
    attempt_number: int
    started_at: DateTime
    deadline_at: DateTime | None
    extra_minutes: int
    completed_at: DateTime | None
    submitted_by: str
    banned_at: DateTime | None
    ban_reason: str
    paused_at: DateTime | None
    is_flagged: bool
    last_seen_at: DateTime
    last_saved_at: DateTime | None
    time_spent_seconds: int
    remaining_seconds: int | None
    server_time: DateTime
    result: Result | None = strawberry.field(resolver=result_of_session, description="The current one")


@strawberry.type(description="Who was there")
class Attendance:
    """A record of attendance."""

    id: strawberry.ID
    test_id: strawberry.ID
    user_id: strawberry.ID
    status: str = strawberry.field(description="present, late, absent or excused")
    timestamp: DateTime
    method: str = strawberry.field(description="staff, self or face")


@strawberry.type(description="A test on offer, or of a class")
class Test:
    """A test without its questions."""

    __test__ = False
    id: strawberry.ID
    code: str
    name: str
    description: str
    type: str
    is_active: bool
    question_count: int
    duration_minutes: int = strawberry.field(description="0: no limit")
    owner_id: strawberry.ID | None
    starts_at: DateTime | None
    created_at: DateTime
    updated_at: DateTime
    sessions: list[Session] | None = strawberry.field(resolver=sessions_of_test, description=FIRST)
    results: list[Result] | None = strawberry.field(resolver=results_of_test, description=f"Current ones, {FIRST}")
    attendance: list[Attendance] | None = strawberry.field(resolver=attendance_of_test, description=FIRST)


def _page(of: type, name: str) -> Any:
    """Return the type of a page of such rows."""
    fields = {"items": list[of], "total": int, "page": int, "per_page": int}  # type: ignore[valid-type]
    made = type(name, (), {"__annotations__": fields, "__doc__": "A page."})
    return strawberry.type(made, description="One page of a list; total: rows on all pages, page counts from 1")


TestPage: Any = _page(Test, "TestPage")
SessionPage: Any = _page(Session, "SessionPage")
ResultPage: Any = _page(Result, "ResultPage")
AttendancePage: Any = _page(Attendance, "AttendancePage")
