"""Results: tenants their participants', super admins all, private buyers their own."""

from decimal import Decimal
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework import serializers

from accounts.states import Role
from cbt.http import pages
from cbt.http.face import Ok
from cbt.http.fields import Input, MomentIn
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Scope
from cbt.kernel import clock, sheets
from cbt.kernel.errors import DomainError, invalid
from cbt.kernel.errors import ErrorCode as E
from cbt.kernel.permissions import Perm
from sessions_app.api.results_shapes import ResultDetailOut, ResultOut, result_detail, result_row, taker_result
from sessions_app.models import Result
from sessions_app.selectors.results import result_for, result_list_for, results_of_people
from sessions_app.selectors.sessions import session_for
from sessions_app.services.results import answer_mark, result_regrade
from sessions_app.states import ResultState
from tenants.api.base import TenantView

READERS = (Perm.VIEW_TEST_RESULTS, Perm.VIEW_OWN_RESULTS)
EXPORT_ROWS = 20_000
FILTERS = [
    ("test", "Test id"), ("participant", "Participant id"), ("status", "final or pending_marks"),
    ("date_from", "Completed at or after"), ("date_to", "Completed at or before"), ("passed", "true or false"),
    ("search", "Participant's or buyer's name or address"),
]  # fmt: skip
ACCESS_ERRORS = (E.UNAUTHENTICATED, E.FORBIDDEN, E.SUBSCRIPTION_REQUIRED)


class ResultsView(TenantView):
    """A view of results; private buyers pass without a company."""

    permission: ClassVar[Any] = READERS
    rate = Rate.STAFF
    scope = Scope.COMPANY
    admits_super_admin = True

    def _tenant_of(self, actor: Any, verb: str) -> Any:
        return None if actor.role == Role.PUBLIC_USER else super()._tenant_of(actor, verb)


def filtered(request: Request) -> QuerySet[Result]:
    """Return the results the caller may see, narrowed by the request's filters."""
    rows = result_list_for(request.actor)
    search = pages.search_of(request, "name", "email")
    narrow: dict[str, Any] = {
        "test_id": pages.int_of(request, "test", "test_id"),
        "participant_id": pages.int_of(request, "participant", "participant_id"),
        "state": pages.choice_of(request, "status", {state.value for state in ResultState}),
        "passed": pages.bool_of(request, "passed"),
        "session__completed_at__gte": _moment(request, "date_from", end_of_day=False),
        "session__completed_at__lte": _moment(request, "date_to", end_of_day=True),
    }
    if search:
        rows = rows.filter(results_of_people(request.actor, search))
    return rows.filter(**{name: value for name, value in narrow.items() if value is not None})


def _moment(request: Request, name: str, *, end_of_day: bool) -> Any:
    text = (request.query_params.get(name) or "").strip()
    if not text:
        return None
    try:
        return MomentIn(end_of_day=end_of_day).run_validation(text)
    except serializers.ValidationError:
        raise invalid(**{name: f"The {name} is not a valid date."}) from None


class ResultList(ResultsView):
    """All current results the caller may see."""

    @documented(
        "List results", response=ResultOut, paged=True, errors=(*ACCESS_ERRORS, E.VALIDATION_ERROR), query=FILTERS
    )
    def get(self, request: Request) -> Ok:
        """Return a page of results, newest first."""
        return Ok(page=pages.page_of(filtered(request), request, result_row), message="Results retrieved successfully")


class ResultShow(ResultsView):
    """One result with its items."""

    @documented("Get a result", response=ResultDetailOut, errors=(*ACCESS_ERRORS, E.NOT_FOUND))
    def get(self, request: Request, result_id: int) -> Ok:
        """Return the result; staff with key, a private buyer as the test's policy says."""
        result = result_for(request.actor, result_id)
        if request.actor.role == Role.PUBLIC_USER:
            data = {**result_row(result), **taker_result(result.session)}
        else:
            data = result_detail(result, with_key=True)
        return Ok(data, message="Result retrieved successfully")


HEADER = [
    "Result ID", "Test code", "Test", "Name", "E-mail", "Status", "Started (UTC)", "Completed (UTC)",
    "Seconds", "Points", "Max points", "Percentage", "Passed", "Correct", "Wrong", "Unanswered", "Scales",
]  # fmt: skip


def _export_row(result: Result) -> list[sheets.Cell]:
    session = result.session
    person = session.participant or session.account
    scales = "; ".join(f"{scale['name']}: {scale['raw']}" for scale in result.scales.values())
    return [
        result.pk, session.test.code, session.test.name, person.name if person else "", person.email if person else "",
        result.state, session.started_at, session.completed_at, session.time_spent_seconds,
        result.points, result.max_points, result.percentage, result.passed,
        result.correct_count, result.wrong_count, result.unanswered_count, scales,
    ]  # fmt: skip


class ResultExport(ResultsView):
    """Results as a table."""

    permission = Perm.EXPORT_TEST_RESULTS

    @documented(
        "Export results as .xlsx or .csv", binary=sheets.XLSX_TYPE, errors=(*ACCESS_ERRORS, E.VALIDATION_ERROR),
        query=[("format", "xlsx (default) or csv"), *FILTERS],
    )  # fmt: skip
    def get(self, request: Request) -> Any:
        """Return the filtered results as a file; 20,000 rows at most."""
        kind = pages.choice_of(request, "format", {"xlsx", "csv"}) or "xlsx"
        rows = filtered(request)
        if rows.count() > EXPORT_ROWS:
            raise DomainError(E.BUSINESS_RULE, f"More than {EXPORT_ROWS} results. Please narrow the filters.")
        table = (_export_row(row) for row in rows.iterator(chunk_size=500))
        if kind == "csv":
            content, content_type = sheets.csv_bytes(HEADER, table), sheets.CSV_TYPE
        else:
            content, content_type = sheets.xlsx("Results", HEADER, table), sheets.XLSX_TYPE
        name = f"results-{clock.now():%Y%m%d-%H%M%S}.{kind}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
        return HttpResponse(content, content_type=content_type, headers=headers)


class MarkIn(Input):
    """A mark for one long text."""

    question_id = serializers.CharField(max_length=100)
    points = serializers.DecimalField(max_digits=8, decimal_places=2, min_value=Decimal(0))
    comment = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")


class MarkCreate(TenantView):
    """Give a long text its points."""

    permission = Perm.VIEW_TEST_RESULTS
    rate = Rate.STAFF
    scope = Scope.COMPANY
    admits_super_admin = True

    @documented(
        "Mark a long text", request=MarkIn, response=ResultDetailOut, status=201,
        errors=(*ACCESS_ERRORS, E.NOT_FOUND, E.VALIDATION_ERROR, E.SESSION_NOT_IN_PROGRESS),
        example={"question_id": "essay-1", "points": 8.5, "comment": "Clear structure, one gap."},
    )  # fmt: skip
    def post(self, request: Request, session_id: int) -> Ok:
        """Store the mark and score the session anew; the earlier result stays."""
        session = session_for(request.actor, session_id)
        data = MarkIn.parse(request)
        result = answer_mark(session_id=session.pk, now=clock.now(), actor=request.actor, **data)
        shown = result_for(request.actor, result.pk)
        return Ok(result_detail(shown, with_key=True), message="Answer marked successfully", status=201)


class RegradeIn(Input):
    """Why a session is scored again."""

    reason = serializers.CharField(max_length=300)


class Regrade(TenantView):
    """Score a session again."""

    permission = Perm.VIEW_TEST_RESULTS
    rate = Rate.STAFF
    scope = Scope.COMPANY
    admits_super_admin = True

    @documented(
        "Regrade a session", request=RegradeIn, response=ResultDetailOut, status=201,
        errors=(*ACCESS_ERRORS, E.NOT_FOUND, E.VALIDATION_ERROR, E.SESSION_NOT_IN_PROGRESS),
    )  # fmt: skip
    def post(self, request: Request, session_id: int) -> Ok:
        """Make a new result that names its reason; the old one stays."""
        session = session_for(request.actor, session_id)
        reason = RegradeIn.parse(request)["reason"]
        result = result_regrade(session_id=session.pk, reason=reason, now=clock.now(), actor=request.actor)
        shown = result_for(request.actor, result.pk)
        return Ok(result_detail(shown, with_key=True), message="Session regraded successfully", status=201)
