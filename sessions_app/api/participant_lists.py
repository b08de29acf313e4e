"""Further ways to the list of participants: as a table, and by company for staff. Contract 7.5, details 1."""

from typing import Any

from django.http import HttpResponse

from cbt.http import pages
from cbt.http.face import Ok
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import FaceView, Scope
from cbt.kernel import clock, sheets
from cbt.kernel.errors import DomainError, not_found
from cbt.kernel.errors import ErrorCode as E
from cbt.kernel.permissions import Perm
from sessions_app.api.participants import ACCESS, SEARCHED, detail_of, filtered
from sessions_app.api.participants_shapes import ParticipantDetailOut, ParticipantRowOut, participant_row
from sessions_app.selectors.participants import participant_export_rows, participant_for
from tenants.api.base import TenantView
from tenants.selectors.companies import company_for

EXPORT_ROWS = 20_000
HEADER = ["Name", "Email", "Status", "Company", "Tests assigned", "Tests completed", "Created (UTC)"]
FILTERS = [("status", "active or banned"), ("search", SEARCHED)]


def file_answer(content: bytes, *, kind: str, name: str) -> HttpResponse:
    """Return a table as a file to save."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"', "Cache-Control": "private, no-store"}
    content_type = sheets.CSV_TYPE if kind == "csv" else sheets.XLSX_TYPE
    return HttpResponse(content, content_type=content_type, headers=headers)


class ParticipantExport(TenantView):
    """Participants as a table that can be imported again."""

    permission = Perm.VIEW_PARTICIPANTS
    rate = Rate.STAFF
    scope = Scope.COMPANY
    admits_super_admin = True

    @documented(
        "Export participants as .xlsx or .csv", binary=sheets.XLSX_TYPE, errors=(*ACCESS, E.VALIDATION_ERROR),
        query=[("format", "xlsx (default) or csv"), *FILTERS, ("company_id", "Super admin only")],
    )  # fmt: skip
    def get(self, request: Request) -> Any:
        """Return the filtered participants as a file; 20,000 rows at most."""
        kind = pages.choice_of(request, "format", {"xlsx", "csv"}) or "xlsx"
        people = filtered(request)
        if people.count() > EXPORT_ROWS:
            raise DomainError(E.BUSINESS_RULE, f"More than {EXPORT_ROWS} participants. Please narrow the filters.")
        rows = (
            [name, email, "banned" if banned_at else "active", company, assigned, completed, created_at]
            for name, email, company, created_at, banned_at, assigned, completed in participant_export_rows(people)
        )
        content = sheets.csv_bytes(HEADER, rows) if kind == "csv" else sheets.xlsx("Participants", HEADER, rows)
        return file_answer(content, kind=kind, name=f"participants-{clock.now():%Y%m%d-%H%M%S}")


class CompanyParticipants(FaceView):
    """The participants of one company, for staff."""

    permission = Perm.VIEW_COMPANIES
    rate = Rate.STAFF
    scope = Scope.ALL

    @documented(
        "List participants of a company", response=ParticipantRowOut, paged=True, query=FILTERS,
        errors=(E.UNAUTHENTICATED, E.FORBIDDEN, E.NOT_FOUND, E.VALIDATION_ERROR),
    )  # fmt: skip
    def get(self, request: Request, company_id: int) -> Ok:
        """Return a page of them, newest first."""
        company = company_for(request.actor, company_id)
        rows = filtered(request).filter(company=company)
        return Ok(page=pages.page_of(rows, request, participant_row))


class CompanyParticipant(FaceView):
    """One participant of one company, for staff."""

    permission = Perm.VIEW_COMPANIES
    rate = Rate.STAFF
    scope = Scope.ALL

    @documented(
        "Get a participant of a company", response=ParticipantDetailOut,
        errors=(E.UNAUTHENTICATED, E.FORBIDDEN, E.NOT_FOUND),
    )  # fmt: skip
    def get(self, request: Request, company_id: int, participant_id: int) -> Ok:
        """Return the participant with form, links and sessions."""
        company = company_for(request.actor, company_id)
        found = participant_for(request.actor, participant_id)
        if found.company_id != company.pk:
            raise not_found("Participant not found")
        return Ok(detail_of(request, participant_id))
