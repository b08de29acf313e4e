"""What hangs on a test or a session, fetched for all rows of an answer at once."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber

from accounts.states import Role
from catalog.models import Test
from cbt.faces.v1.graph.context import Context, Together
from cbt.faces.v1.graph.limits import DEFAULT_SIZE, MAX_SIZE
from cbt.kernel import clock
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode, invalid
from cbt.kernel.permissions import Perm
from proctoring.models import Attendance as AttendanceRow
from proctoring.selectors.attendance import attendance_list_for
from sessions_app.api.results_shapes import result_row
from sessions_app.api.staff_sessions import session_row
from sessions_app.models import ExamSession
from sessions_app.models import Result as ResultRow
from sessions_app.selectors.results import result_list_for
from sessions_app.selectors.sessions import session_list_for

if TYPE_CHECKING:
    from cbt.faces.v1.graph.shapes import Attendance, Result, Session

SHAPES = strawberry.lazy("cbt.faces.v1.graph.shapes")
Sessions = list[Annotated["Session", SHAPES]] | None
Results = list[Annotated["Result", SHAPES]] | None
Attendances = list[Annotated["Attendance", SHAPES]] | None
TOGETHER = "_together"
Parent = strawberry.Parent[Any]
Info = strawberry.Info[Context, None]


def sessions_shown(rows: Sequence[ExamSession]) -> list[Any]:
    """Return sessions as the REST routes write them."""
    together = Together([row.pk for row in rows])
    return [{**session_row(row), TOGETHER: together} for row in rows]


def results_shown(rows: Sequence[ResultRow]) -> list[Any]:
    """Return results as the REST routes write them."""
    return [result_row(row) for row in rows]


def tests_shown(rows: Sequence[Test]) -> list[Any]:
    """Return tests by the names the REST routes give their columns."""
    together = Together([row.pk for row in rows])
    same = ("id", "code", "name", "description", "type", "is_active", "question_count", "duration_minutes", "owner_id")
    moments = ("starts_at", "created_at", "updated_at")
    return [
        {name: getattr(row, name) for name in same}
        | {name: clock.iso(getattr(row, name)) for name in moments}
        | {TOGETHER: together}
        for row in rows
    ]


def attendance_shown(rows: Sequence[AttendanceRow]) -> list[Any]:
    """Return records as the REST routes write them."""
    return [
        {
            "id": row.pk, "test_id": row.test_id, "user_id": row.user_id, "status": row.status,
            "timestamp": clock.iso(row.at), "method": row.method,
        }
        for row in rows
    ]  # fmt: skip


def demand_attendance(actor: Actor) -> None:
    """Refuse whom the REST route of attendance refuses."""
    if actor.role not in {Role.SUPER_ADMIN, Role.INSTRUCTOR}:
        raise DomainError(ErrorCode.FORBIDDEN, "Unauthorized")


def result_of_session(parent: Parent, info: Info) -> Annotated["Result", SHAPES] | None:
    """Return the current result of a session."""
    info.context.demand(Perm.VIEW_TEST_RESULTS)

    def load(ids: Sequence[int]) -> Mapping[int, Any]:
        rows = list(result_list_for(info.context.actor).filter(session_id__in=ids))
        return dict(zip((row.session_id for row in rows), results_shown(rows), strict=True))

    found: Any = parent[TOGETHER].of(parent["id"], "result", load)
    return found


def sessions_of_test(parent: Parent, info: Info, first: int = DEFAULT_SIZE) -> Sessions:
    """Return the newest sessions of a test that the caller may see."""
    info.context.demand(Perm.VIEW_TEST_SESSIONS)
    rows = session_list_for(info.context.actor)
    return _newest("sessions", parent, rows, first, sessions_shown)


def results_of_test(parent: Parent, info: Info, first: int = DEFAULT_SIZE) -> Results:
    """Return the newest current results of a test that the caller may see."""
    info.context.demand(Perm.VIEW_TEST_RESULTS)
    return _newest("results", parent, result_list_for(info.context.actor), first, results_shown)


def attendance_of_test(parent: Parent, info: Info, first: int = DEFAULT_SIZE) -> Attendances:
    """Return the newest records of a test that the caller may see."""
    demand_attendance(info.context.actor)
    rows = attendance_list_for(info.context.actor).order_by("-pk")
    return _newest("attendance", parent, rows, first, attendance_shown)


def _newest(
    name: str, parent: Any, rows: QuerySet[Any], first: int, shown: Callable[[Sequence[Any]], list[Any]]
) -> list[Any]:
    """Return the first rows of each test of the answer, in the order of ``rows``, by one query for all tests."""
    if first < 1:
        raise invalid(first="The first must be at least 1.")

    def load(ids: Sequence[int]) -> Mapping[int, list[Any]]:
        order: Any = rows.query.order_by
        place = Window(RowNumber(), partition_by=F("test_id"), order_by=order)
        ranked = rows.select_related(None).filter(test_id__in=ids).order_by().annotate(place=place)
        newest = list(ranked.filter(place__lte=min(first, MAX_SIZE)).values_list("pk", flat=True))
        found = list(rows.filter(pk__in=newest))
        groups: dict[int, list[Any]] = {}
        for row, written in zip(found, shown(found), strict=True):
            groups.setdefault(row.test_id, []).append(written)
        return groups

    return parent[TOGETHER].of(parent["id"], (name, first), load) or []
