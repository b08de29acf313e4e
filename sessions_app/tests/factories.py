"""Smallest valid tests with a bank, participants, assignments and running sessions."""

import itertools
from datetime import datetime, timedelta
from typing import Any

from catalog.models import Test
from catalog.services.documents import test_document_import as import_document
from catalog.tests.builders import document, question
from cbt.kernel import clock
from cbt.kernel.actor import SYSTEM
from cbt.kernel.ids import derive_token, hash_token, new_nonce, new_token
from sessions_app.models import ImportBatch, Participant, TestAssignment
from sessions_app.selectors.assignments import ASSIGNMENT_PURPOSE, assignment_by_token
from sessions_app.services.sessions import Origin, Started, session_start
from tenants.tests.factories import make_company

_number = itertools.count(1)
BIODATA = {
    "name": "Siti Aminah", "email": "siti@example.com", "phone": "081234567890",
    "date_of_birth": "1999-05-17", "address": "Jl. Merdeka 1, Bandung",
}  # fmt: skip


def make_bank_test(*questions: dict[str, Any], **more: Any) -> Test:
    """Store a test with these questions (default: two single choices q1, q2 with key b)."""
    given = questions or (question("single_choice", "q1"), question("single_choice", "q2"))
    fields = {"code": f"TB-{next(_number)}", "type": "all", "duration_minutes": 60, **more}
    test, _ = import_document(document=document(*given, **fields), actor=SYSTEM)
    return test


def make_participant(*, company: Any = None, **fields: Any) -> Participant:
    """Store a participant whose form is complete."""
    number, now = next(_number), clock.now()
    fields = {
        "name": f"Peserta {number}", "email": f"peserta{number}@example.com", "biodata": BIODATA,
        "unique_token": new_token(), "created_at": now, "updated_at": now, **fields,
    }  # fmt: skip
    return Participant.objects.create(company=company or make_company(), **fields)


def make_assignment(
    *, participant: Participant | None = None, test: Test | None = None, now: datetime | None = None, **fields: Any
) -> tuple[TestAssignment, str]:
    """Store an assignment open from an hour ago for a week; return it and its token."""
    now = now or clock.now()
    nonce = new_nonce()
    token = derive_token(ASSIGNMENT_PURPOSE, nonce)
    fields = {"start_at": now - timedelta(hours=1), "end_at": now + timedelta(days=7), "created_at": now, **fields}
    participant = participant or make_participant()
    assignment = TestAssignment.objects.create(
        participant=participant,
        company_id=participant.company_id,
        test=test or make_bank_test(),
        nonce=nonce,
        token_hash=hash_token(token),
        **fields,
    )
    return assignment, token


def start_session(assignment_token: str | None = None, **kwargs: Any) -> Started:
    """Start a session of this link, or of a new assignment made from kwargs."""
    token = assignment_token or make_assignment(**kwargs)[1]
    return session_start(assignment=assignment_by_token(token), now=clock.now(), origin=Origin("127.0.0.1", "tests"))


def make_import(company: Any, **fields: Any) -> ImportBatch:
    """Store an import of one row that failed."""
    now = clock.now()
    fields = {
        "file_name": "people.csv", "start_at": now, "end_at": now + timedelta(days=7), "test_ids": [], "rows_total": 1,
        "rows_done": 1, "failed_count": 1, "state": "done", "created_at": now, "finished_at": now,
        "failures": [{"row": 2, "name": "", "email": "", "errors": ["Name is required"]}], **fields,
    }  # fmt: skip
    return ImportBatch.objects.create(company=company, **fields)
