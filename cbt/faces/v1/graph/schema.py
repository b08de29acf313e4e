"""The schema: what staff may ask for. Who may is asked by each field, as by the REST route of the same name."""

from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from accounts.states import Role
from catalog.selectors.offers import OfferFilters, class_test_for, class_tests_for, test_get_for, test_list_for
from cbt.faces.v1.graph.context import Asked, Context, id_of
from cbt.faces.v1.graph.limits import DEFAULT_SIZE, Limits
from cbt.faces.v1.graph.nested import (
    Info,
    attendance_shown,
    demand_attendance,
    results_shown,
    sessions_shown,
    tests_shown,
)  # fmt: skip
from cbt.faces.v1.graph.shapes import (
    AttendancePage,
    DateTime,
    Result,
    ResultPage,
    Session,
    SessionPage,
    Test,
    TestPage,
)  # fmt: skip
from cbt.faces.v1.views.attendance import filtered as attendance_filtered
from cbt.http.pages import bool_of, page_of, search_of
from cbt.kernel.permissions import Perm
from sessions_app.api.results import filtered as results_filtered
from sessions_app.api.staff_sessions import filtered as sessions_filtered
from sessions_app.selectors.results import result_for
from sessions_app.selectors.sessions import session_for

PAGE = "page counts from 1; per_page: 1 to 100 (20)"


def _paged(rows: Any, asked: Asked, shown: Any) -> Any:
    request: Any = asked
    page = page_of(rows, request, lambda row: row)
    return {"items": shown(page.items), "total": page.total, "page": page.number, "per_page": page.size}


def list_tests(
    info: Info, page: int = 1, per_page: int = DEFAULT_SIZE, search: str | None = None, is_active: bool | None = None
) -> TestPage:
    """Return a page of the tests the caller may see."""
    actor = info.context.actor
    asked: Any = info.context.asked(page=page, per_page=per_page, search=search, is_active=is_active)
    if actor.role == Role.INSTRUCTOR:
        rows = class_tests_for(actor)
        rows = rows if is_active is None else rows.filter(is_active=is_active)
    else:
        rows = test_list_for(actor, OfferFilters(is_active=bool_of(asked, "is_active")))
    return _paged(rows.filter(search_of(asked, "name", "code", "description")), asked, tests_shown)


def one_test(info: Info, id: strawberry.ID) -> Test:  # noqa: A002 - the argument's name in the schema
    """Return one test the caller may see."""
    find = class_test_for if info.context.actor.role == Role.INSTRUCTOR else test_get_for
    found: Any = tests_shown([find(info.context.actor, id_of(id))])[0]
    return found


def list_sessions(
    info: Info, page: int = 1, per_page: int = DEFAULT_SIZE, search: str | None = None, status: str | None = None,
    test_id: strawberry.ID | None = None, participant_id: strawberry.ID | None = None, flagged: bool | None = None,
) -> SessionPage:  # fmt: skip
    """Return a page of sessions."""
    info.context.demand(Perm.VIEW_TEST_SESSIONS)
    asked: Any = info.context.asked(
        page=page, per_page=per_page, search=search, status=status, test_id=test_id, participant_id=participant_id,
        flagged=flagged,
    )  # fmt: skip
    return _paged(sessions_filtered(asked), asked, sessions_shown)


def one_session(info: Info, id: strawberry.ID) -> Session:  # noqa: A002
    """Return one session."""
    info.context.demand(Perm.VIEW_TEST_SESSIONS)
    found: Any = sessions_shown([session_for(info.context.actor, id_of(id))])[0]
    return found


def list_results(
    info: Info, page: int = 1, per_page: int = DEFAULT_SIZE, search: str | None = None, status: str | None = None,
    test_id: strawberry.ID | None = None, participant_id: strawberry.ID | None = None, passed: bool | None = None,
    date_from: str | None = None, date_to: str | None = None,
) -> ResultPage:  # fmt: skip
    """Return a page of current results."""
    info.context.demand(Perm.VIEW_TEST_RESULTS)
    asked: Any = info.context.asked(
        page=page, per_page=per_page, search=search, status=status, test_id=test_id, participant_id=participant_id,
        passed=passed, date_from=date_from, date_to=date_to,
    )  # fmt: skip
    return _paged(results_filtered(asked), asked, results_shown)


def one_result(info: Info, id: strawberry.ID) -> Result:  # noqa: A002
    """Return one result, also a superseded one."""
    info.context.demand(Perm.VIEW_TEST_RESULTS)
    found: Any = results_shown([result_for(info.context.actor, id_of(id))])[0]
    return found


def list_attendance(
    info: Info, page: int = 1, per_page: int = DEFAULT_SIZE, test_id: strawberry.ID | None = None,
    user_id: strawberry.ID | None = None, status: str | None = None,
) -> AttendancePage:  # fmt: skip
    """Return a page of records of attendance."""
    demand_attendance(info.context.actor)
    asked: Any = info.context.asked(page=page, per_page=per_page, test_id=test_id, user_id=user_id, status=status)
    return _paged(attendance_filtered(asked), asked, attendance_shown)


@strawberry.type
class Query:
    """Everything that can be asked for."""

    tests: TestPage | None = strawberry.field(
        resolver=list_tests,
        description=f"Tests: a tenant admin's offer, an instructor's own, a super admin's all; {PAGE}",
    )
    test: Test | None = strawberry.field(resolver=one_test)
    sessions: SessionPage | None = strawberry.field(
        resolver=list_sessions,
        description=f"Sessions, newest first; search: in participants' names and addresses; {PAGE}",
    )
    session: Session | None = strawberry.field(resolver=one_session)
    results: ResultPage | None = strawberry.field(
        resolver=list_results,
        description=f"Current results, newest first; search: in names and addresses; status: final or pending_marks; "
        f"date_from, date_to: completed then; {PAGE}",
    )
    result: Result | None = strawberry.field(resolver=one_result)
    attendance: AttendancePage | None = strawberry.field(
        resolver=list_attendance,
        description=f"Attendance, oldest first: an instructor's own tests, a super admin's all; {PAGE}",
    )


class QuietSchema(strawberry.Schema):
    """A schema that leaves the log to the house: refusals are not faults, and queries carry people's names."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Log nothing here; the view reports what is our fault."""


def read(row: Any, name: str) -> object:
    """Return a value of a row as the REST routes write it."""
    return row[name]


schema = QuietSchema(
    Query,
    extensions=[Limits],
    config=StrawberryConfig(
        auto_camel_case=False,
        default_resolver=read,
        disable_field_suggestions=True,
        scalar_map={
            DateTime: strawberry.scalar(name="DateTime", description="ISO 8601 in UTC, as the REST routes write it")
        },
    ),
)

__all__ = ["Context", "schema"]
