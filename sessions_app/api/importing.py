"""Importing participants from an uploaded list. Contract 8.6, details 2.14 and 6."""

import re
from typing import Any

from django.http import QueryDict
from rest_framework import serializers

from cbt.http import pages
from cbt.http.face import Ok
from cbt.http.fields import IdField, Input, JsonObject, MomentIn, OutputSerializer
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Scope
from cbt.kernel import clock, sheets, spreadsheets
from cbt.kernel.errors import ErrorCode as E
from cbt.kernel.permissions import Perm
from sessions_app.api.participant_lists import file_answer
from sessions_app.api.participants import ACCESS, window_of, with_aliases
from sessions_app.api.participants_shapes import participant_row
from sessions_app.engine.import_rows import COLUMNS, ImportRow, ids_of
from sessions_app.models import ImportBatch
from sessions_app.selectors.imports import import_for, import_state
from sessions_app.selectors.participants import participant_list_for
from sessions_app.services.importing import import_preview, import_submit
from tenants.api.base import TenantView

FILE_ERRORS = (*ACCESS, E.VALIDATION_ERROR, E.FILE_REJECTED, E.BUSINESS_RULE, E.PAYLOAD_TOO_LARGE, E.UNAVAILABLE)
FAILURES_AT_ONCE = 1000
_NUMBERED = re.compile(r"^test_ids\[(\d{1,4})\]$")


def form_of(request: Request) -> dict[str, Any]:
    """Return the fields of a form as a JSON client would send them; ``test_ids`` in any of its spellings."""
    sent = request.data
    if not isinstance(sent, QueryDict):
        return with_aliases(dict(sent))
    form = with_aliases({name: sent.get(name) for name in sent if sent.get(name) != ""})
    numbered = sorted((int(match[1]), name) for name in sent if (match := _NUMBERED.match(name)))
    names = ["test_ids", "test_ids[]", *(name for _, name in numbered)]
    texts = [text for name in names for text in sent.getlist(name) if text != ""]
    if texts:
        ids = ids_of(texts) if all(isinstance(text, str) for text in texts) else None
        form["test_ids"] = str(texts[0]) if ids is None else ids
    return form


class PreviewIn(Input):
    """The list, and for a full check what an import needs besides. start_date and end_date are read as aliases."""

    file = serializers.FileField(allow_empty_file=True, help_text=".xlsx, .xls or .csv up to 5 MB and 10,000 rows")
    schedule_start_date = MomentIn(required=False)
    schedule_end_date = MomentIn(required=False, end_of_day=True)
    test_ids = serializers.ListField(child=IdField(), allow_empty=False, max_length=50, required=False)

    @classmethod
    def parse(cls, request: Request, *, partial: bool = False) -> dict[str, Any]:
        """Return the validated form or raise the 422."""
        serializer = cls(data=form_of(request), partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


class ImportIn(PreviewIn):
    """The list, and what everyone on it is invited to."""

    schedule_start_date = MomentIn()
    schedule_end_date = MomentIn(end_of_day=True)
    test_ids = serializers.ListField(child=IdField(), allow_empty=False, max_length=50)


class PreviewOut(OutputSerializer):
    """Every row with its verdict."""

    preview = serializers.ListField(child=JsonObject(), help_text="{row, name, email, valid, errors?}")
    total_rows = serializers.IntegerField()
    valid_rows = serializers.IntegerField()
    invalid_rows = serializers.IntegerField()


class ImportOut(OutputSerializer):
    """How far an import is. failures: {row, name, email, errors} of 1,000 rows at most, behind ``failures_after``."""

    import_id = serializers.IntegerField()
    status_url = serializers.CharField()
    state = serializers.CharField(help_text="queued, running, done or failed (the worker has given up)")
    rows_done = serializers.IntegerField()
    rows_total = serializers.IntegerField()
    created = serializers.IntegerField()
    failed = serializers.IntegerField()
    failed_rows = serializers.ListField(child=serializers.IntegerField())
    failures = serializers.ListField(child=JsonObject())
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class ImportedOut(ImportOut):
    """An import as it was submitted; participants: those of a small list, which is done at once."""

    participants = serializers.ListField(child=JsonObject())


def preview_row(row: ImportRow) -> dict[str, Any]:
    """Write one row as the contract does; ``errors`` only where there are some."""
    shown = {"row": row.row, "name": row.name, "email": row.email, "valid": not row.errors}
    return {**shown, "errors": list(row.errors)} if row.errors else shown


def import_shape(batch: ImportBatch, request: Request, *, after: int = 0) -> dict[str, Any]:
    """Write how far an import is. after: sheet row behind which failures are told in full."""
    failures = [failure for failure in batch.failures if failure["row"] > after]
    return {
        "import_id": batch.pk,
        "status_url": request.build_absolute_uri(f"/api/participants/imports/{batch.pk}"),
        "state": import_state(batch).value,
        "rows_done": batch.rows_done,
        "rows_total": batch.rows_total,
        "created": batch.created_count,
        "failed": batch.failed_count,
        "failed_rows": [failure["row"] for failure in batch.failures],
        "failures": failures[:FAILURES_AT_ONCE],
        "created_at": clock.iso(batch.created_at),
        "finished_at": clock.iso(batch.finished_at),
    }


class ImportView(TenantView):
    """A view that takes a list."""

    permission = Perm.IMPORT_PARTICIPANTS
    rate = Rate.MAIL
    scope = Scope.COMPANY
    # Above the limit of a file, so that one a little too large is told so as a fault of its field.
    max_body_bytes = 2 * spreadsheets.MAX_BYTES

    def sheet_of(self, data: dict[str, Any]) -> list[spreadsheets.SheetRow]:
        """Read the uploaded list, in a process of its own."""
        return spreadsheets.read_table(data["file"], COLUMNS)


class ImportPreview(ImportView):
    """Look at a list before importing it."""

    admits_super_admin = True

    @documented(
        "Preview an import", request=PreviewIn, response=PreviewOut, multipart=True, errors=FILE_ERRORS,
        answer={
            "success": True, "message": "Success", "status_code": 200,
            "data": {
                "preview": [
                    {"row": 2, "name": "Participant 1", "email": "participant1@example.com", "valid": True},
                    {"row": 3, "name": "Participant 2", "email": "invalid-email", "valid": False,
                     "errors": ["Invalid email format"]},
                ],
                "total_rows": 2, "valid_rows": 1, "invalid_rows": 1,
            },
        },
    )  # fmt: skip
    def post(self, request: Request) -> Ok:
        """Judge every row as an import now would; nothing is stored."""
        data = PreviewIn.parse(request)
        now = clock.now()
        if {"schedule_start_date", "schedule_end_date"} <= set(data):
            window_of(data, now)
        rows = import_preview(
            company_id=self.tenant.company.pk if self.tenant else None,
            sheet=self.sheet_of(data),
            test_ids=data.get("test_ids", []),
            now=now,
        )
        if not rows:
            raise spreadsheets.refused("EMPTY", "File is empty or invalid format.")
        valid = sum(not row.errors for row in rows)
        return Ok(
            {
                "preview": [preview_row(row) for row in rows],
                "total_rows": len(rows),
                "valid_rows": valid,
                "invalid_rows": len(rows) - valid,
            }
        )


class Import(ImportView):
    """Import a list."""

    @documented(
        "Import participants", request=ImportIn, response=ImportedOut, multipart=True, errors=FILE_ERRORS,
        answer={
            "success": True, "message": "Import completed. 98 participants created, 2 failed.", "status_code": 200,
            "data": {
                "created": 98, "failed": 2, "failed_rows": [3, 5], "participants": [], "import_id": 1,
                "status_url": "http://localhost:8000/api/participants/imports/1", "state": "done",
                "rows_done": 100, "rows_total": 100,
                "failures": [
                    {"row": 3, "name": "Participant 2", "email": "invalid-email", "errors": ["Invalid email format"]},
                    {"row": 5, "name": "", "email": "p4@example.com", "errors": ["Name is required"]},
                ],
                "created_at": "2024-01-01T00:00:00Z", "finished_at": "2024-01-01T00:00:01Z",
            },
        },
    )  # fmt: skip
    def post(self, request: Request) -> Ok:
        """Invite everyone on the list: up to 200 rows at once (200), more as a job with progress (202)."""
        data = ImportIn.parse(request)
        window = window_of(data, clock.now())
        made = import_submit(
            company_id=self.company.pk,
            file_name=data["file"].name,
            sheet=self.sheet_of(data),
            test_ids=data["test_ids"],
            window=window,
            now=clock.now(),
            actor=request.actor,
        )
        shown = {**import_shape(made.batch, request), "participants": []}
        if made.participants is None:
            return Ok(shown, message=f"Import accepted. {made.batch.rows_total} rows are being imported.", status=202)
        ids = [person.pk for person in made.participants]
        people = participant_list_for(request.actor).filter(pk__in=ids).order_by("pk")
        shown["participants"] = [participant_row(person) for person in people]
        counts = f"{made.batch.created_count} participants created, {made.batch.failed_count} failed"
        return Ok(shown, message=f"Import completed. {counts}.")


class ImportShow(TenantView):
    """How far an import is."""

    permission = Perm.IMPORT_PARTICIPANTS
    rate = Rate.STAFF
    scope = Scope.COMPANY
    admits_super_admin = True
    needs_subscription = False  # it may end while the import runs; its outcome is still to be seen

    @documented(
        "Progress of an import", response=ImportOut,
        errors=(E.UNAUTHENTICATED, E.FORBIDDEN, E.COMPANY_ADMIN_NOT_FOUND, E.COMPANY_INACTIVE, E.NOT_FOUND),
        query=[("failures_after", "Sheet row behind which failures are told; 1,000 at most")],
    )  # fmt: skip
    def get(self, request: Request, import_id: int) -> Ok:
        """Return counts, state and the rows that failed so far."""
        batch = import_for(request.actor, import_id)
        return Ok(import_shape(batch, request, after=pages.int_of(request, "failures_after") or 0))


class ImportTemplate(TenantView):
    """An empty list to fill in."""

    permission = Perm.IMPORT_PARTICIPANTS
    rate = Rate.STAFF
    scope = Scope.COMPANY
    admits_super_admin = True

    @documented(
        "Template for an import", binary=sheets.XLSX_TYPE, errors=(*ACCESS, E.VALIDATION_ERROR),
        query=[("format", "xlsx (default) or csv")],
    )  # fmt: skip
    def get(self, request: Request) -> Any:
        """Return a table with the header only: an example row would be imported with the rest.

        The last two columns are for the exam room, and may stay empty or be taken out.
        """
        kind = pages.choice_of(request, "format", {"xlsx", "csv"}) or "xlsx"
        header = ["Name", "Email", "Participant Number", "Password"]
        content = sheets.csv_bytes(header, []) if kind == "csv" else sheets.xlsx("Participants", header, [])
        return file_answer(content, kind=kind, name="participants-template")
