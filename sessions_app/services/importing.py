"""Inviting many people from an uploaded list: a look first, then small lists at once and large ones as a job.

A list is worked off in chunks. A chunk is one transaction: its people, assignments, mails, quota, and how far the
import has come; so a worker killed at any moment leaves whole chunks, and the next run goes on behind the last one.
Source: primary contract 8.6, details 2.14 and 6.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from accounts.services.candidates import number_clean, numbers_taken
from accounts.services.many_passwords import passwords_hash
from cbt.kernel import audit, clock, jobs
from cbt.kernel.actor import SYSTEM, Actor
from cbt.kernel.errors import DomainError, ErrorCode
from cbt.kernel.ids import derive_token, hash_token, new_nonce, new_token
from cbt.kernel.models import Job, JobState
from cbt.kernel.spreadsheets import SheetRow
from sessions_app.engine.import_rows import (
    EMAIL_EXISTS,
    NOT_SUBSCRIBED,
    NUMBER_EXISTS,
    QUOTA_USED_UP,
    ImportRow,
    check_rows,
    from_stored,
    stored_form,
    with_company,
    without_hash,
)
from sessions_app.models import ImportBatch, Participant, TestAssignment
from sessions_app.selectors.assignments import ASSIGNMENT_PURPOSE
from sessions_app.selectors.imports import taken_addresses
from sessions_app.services.credentials import accounts_make
from sessions_app.services.mails import first_mails_enqueue
from sessions_app.services.news import import_tell
from sessions_app.services.participants import Window, assignable_tests
from sessions_app.states import ImportState
from tenants.models import CompanySubscription
from tenants.selectors.subscriptions import active_subscription
from tenants.services.quota import quota_take
from tenants.states import SubscriptionStatus

JOB = "sessions_app.import_participants"
AT_ONCE_ROWS = 200
CHUNK_ASSIGNMENTS = 600  # so that a chunk holds its locks for well under a second
CHUNK_ROWS = 500
KEEP_FAILURES = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Imported:
    """An import as submitted. participants: None for one that goes on as a job."""

    batch: ImportBatch
    participants: list[Participant] | None


def import_preview(
    *, company_id: int | None, sheet: Sequence[SheetRow], test_ids: Sequence[int], now: datetime
) -> list[ImportRow]:
    """Judge every row as an import now would; stores nothing.

    company_id: None for staff without a company: then only what the file itself says.
    Raises BUSINESS_RULE for tests that cannot be assigned (no ids: not asked).
    """
    if test_ids:
        assignable_tests(test_ids)
    rows = _checked(sheet)
    if company_id is None:
        return rows
    subscription = active_subscription(company_id, now)
    good = [row for row in rows if not row.errors]
    return with_company(
        rows,
        taken=taken_addresses(company_id, [row.email for row in good]),
        places=subscription.remaining_quota if subscription else None,
        taken_numbers=numbers_taken([row.number for row in good if row.number]),
    )


def _checked(sheet: Sequence[SheetRow]) -> list[ImportRow]:
    return check_rows(((row.number, *row.cells) for row in sheet), is_email=_is_email, is_number=_is_number)


def _is_number(text: str) -> bool:
    try:
        number_clean(text)
    except DomainError:
        return False
    return True


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def import_submit(
    *,
    company_id: int,
    file_name: str,
    sheet: Sequence[SheetRow],
    test_ids: Sequence[int],
    window: Window,
    now: datetime,
    actor: Actor,
) -> Imported:
    """Invite everyone on the list: up to 200 rows within this call, more as a job.

    Rows that cannot be invited (wrong, known already, over quota) are reported and hold up nobody else.
    Raises BUSINESS_RULE: tests that cannot be assigned, or a list without a single valid row.
    """
    assignable_tests(test_ids)
    rows = _checked(sheet)
    if all(row.errors for row in rows):
        raise DomainError(ErrorCode.BUSINESS_RULE, "No valid participants found in file. Please check the file format.")
    rows = _hashed(rows)  # slow: before the transaction
    batch = ImportBatch(
        company_id=company_id,
        created_by_id=actor.id,
        file_name=file_name[:255],
        start_at=window.start_at,
        end_at=window.end_at,
        test_ids=list(test_ids),
        rows=[stored_form(row) for row in rows],
        rows_total=len(rows),
        created_at=now,
    )
    with transaction.atomic():
        return _submit(batch, rows, now, actor)


def _hashed(rows: Sequence[ImportRow]) -> list[ImportRow]:
    """Return the rows with hashes in place of passwords; those that cannot be invited need none."""
    wanted = [row for row in rows if row.password and not row.errors]
    hashes = dict(zip((row.row for row in wanted), passwords_hash([row.password for row in wanted]), strict=True))
    return [replace(row, password="", hashed=hashes.get(row.row, "" if row.password else row.hashed)) for row in rows]


def _submit(batch: ImportBatch, rows: Sequence[ImportRow], now: datetime, actor: Actor) -> Imported:
    batch.save(force_insert=True)
    audit.record(
        "sessions_app.import.submitted", actor=actor, obj=batch, company_id=batch.company_id,
        rows=len(rows), test_ids=batch.test_ids,
    )  # fmt: skip
    if len(rows) <= AT_ONCE_ROWS:
        created = _settle(batch, rows, now)
        return Imported(batch, created)
    job = jobs.enqueue(JOB, {"import_id": batch.pk}, dedupe_key=f"import:{batch.pk}", company_id=batch.company_id)
    batch.job_id = job.pk if job else None
    batch.save(update_fields=["job_id"])
    import_tell(batch=batch, state=batch.state, now=now)
    return Imported(batch, None)


@jobs.handler(JOB)
def import_run(import_id: int) -> dict[str, int]:
    """Work off what is left of an import, chunk by chunk. Two at once share the work; none of it is done twice."""
    batch = ImportBatch.objects.filter(pk=import_id).first()
    if batch is None:
        raise jobs.GiveUp(f"import {import_id} is gone")
    rows = [from_stored(row) for row in batch.rows]
    if any(row.password for row in rows):
        rows = _passwords_forget(batch, rows)
    size = max(1, min(CHUNK_ROWS, CHUNK_ASSIGNMENTS // len(batch.test_ids)))
    while batch := import_chunk(import_id=import_id, rows=rows, size=size):
        _tell_progress(batch)
    done = ImportBatch.objects.defer("rows").get(pk=import_id)
    return {"created": done.created_count, "failed": done.failed_count}


def _passwords_forget(batch: ImportBatch, rows: Sequence[ImportRow]) -> list[ImportRow]:
    """Hash what a server of the release before stored in plain while this one was started."""
    hashed = _hashed(rows)
    ImportBatch.objects.filter(pk=batch.pk, finished_at=None).update(rows=[stored_form(row) for row in hashed])
    return hashed


@jobs.on_failure(JOB)
def import_failed(import_id: int) -> None:
    """Tell whoever watches an import that its job has given up."""
    batch = ImportBatch.objects.filter(pk=import_id).defer("rows").first()
    if batch is not None:
        import_tell(batch=batch, state=ImportState.FAILED.value, now=clock.now())


def _tell_progress(batch: ImportBatch) -> None:
    """Show how far the job is, and prolong its lease."""
    job = Job.objects.filter(pk=batch.job_id or 0, state=JobState.RUNNING).first()
    if job is not None:
        jobs.progress(job, batch.rows_done, batch.rows_total)


@transaction.atomic
def import_chunk(*, import_id: int, rows: Sequence[ImportRow], size: int) -> ImportBatch | None:
    """Settle the next ``size`` rows of an import, whose passwords are hashed; None when there are none."""
    batch = ImportBatch.objects.select_for_update(of=("self",)).defer("rows").get(pk=import_id)
    part = rows[batch.rows_done : batch.rows_done + size]
    if not part:
        return None
    _settle(batch, part, clock.now())
    return batch


def _settle(batch: ImportBatch, part: Sequence[ImportRow], now: datetime) -> list[Participant]:
    """Store the people of the next rows with all that belongs to them, and write down how far the import is."""
    judged, created = _store(batch, part, now)
    failures = [
        {"row": row.row, "name": row.name, "email": row.email, "errors": list(row.errors)}
        for row in judged
        if row.errors
    ]
    batch.failures = [*batch.failures, *failures]
    batch.rows_done += len(part)
    batch.created_count += len(created)
    batch.failed_count += len(failures)
    batch.state = "running"
    fields = ["failures", "rows_done", "created_count", "failed_count", "state"]
    if batch.rows_done == batch.rows_total:
        batch.state, batch.finished_at, batch.rows = "done", now, []
        fields += ["finished_at", "rows"]
        audit.record(
            "sessions_app.import.finished", actor=SYSTEM, obj=batch, company_id=batch.company_id,
            created=batch.created_count, failed=batch.failed_count,
        )  # fmt: skip
    batch.save(update_fields=fields)
    import_tell(batch=batch, state=batch.state, now=now)
    return created


def _store(batch: ImportBatch, part: Sequence[ImportRow], now: datetime) -> tuple[list[ImportRow], list[Participant]]:
    """Return every row as it was judged in the end, and the people that were stored.

    The subscription's row is locked first, as whoever takes quota does: nobody else can use up the places meanwhile.
    A person whom somebody else stored in the same moment is skipped by the database and leaves the place to the next.
    """
    places = lock_places(batch.company_id, now)
    taken = taken_addresses(batch.company_id, [row.email for row in part if not row.errors])
    numbers = numbers_taken([row.number for row in part if row.number and not row.errors])
    part = [
        replace(row, errors=(NUMBER_EXISTS,)) if not row.errors and row.number.lower() in numbers else row
        for row in part
    ]
    is_open = [not row.errors and row.key not in taken for row in part]
    waiting = [row for row, is_waiting in zip(part, is_open, strict=True) if is_waiting]
    created: list[Participant] = []
    outcome: dict[int, tuple[str, ...]] = {}
    while waiting and (room := (places or 0) - len(created)) > 0:
        now_in, waiting = waiting[:room], waiting[room:]
        made = _insert_people(batch.company_id, now_in, now)
        created += made
        stored = {person.email for person in made}
        accounts_make(batch.company_id, made, now_in, now)
        outcome |= {row.row: () if row.email in stored else (EMAIL_EXISTS,) for row in now_in}
    refusal = NOT_SUBSCRIBED if places is None else QUOTA_USED_UP
    outcome |= {row.row: (refusal,) for row in waiting}
    if created:
        quota_take(company_id=batch.company_id, count=len(created), now=now)
        _assign(batch, created, now)
    judged = [replace(row, errors=row.errors or outcome.get(row.row, (EMAIL_EXISTS,))) for row in part]
    return judged, created


def lock_places(company_id: int, now: datetime) -> int | None:
    """Lock the company's active subscription and return the places left, None when nothing is active."""
    subscription = (
        CompanySubscription.objects.select_for_update(of=("self",))
        .filter(company_id=company_id, status=SubscriptionStatus.ACTIVE, expires_at__gt=now)
        .first()
    )
    return subscription.remaining_quota if subscription else None


def _insert_people(company_id: int, rows: Sequence[ImportRow], now: datetime) -> list[Participant]:
    """Store these people and return those that were not there yet, in the order of the rows."""
    people = [
        Participant(
            company_id=company_id, name=row.name, email=row.email, unique_token=new_token(),
            created_at=now, updated_at=now,
        )
        for row in rows
    ]  # fmt: skip
    Participant.objects.bulk_create(people, ignore_conflicts=True)
    ids: dict[str, int] = {}
    tokens = [person.unique_token for person in people]
    for start in range(0, len(tokens), 500):
        found = Participant.objects.filter(unique_token__in=tokens[start : start + 500])
        ids |= dict(found.values_list("unique_token", "pk"))
    for person in people:
        person.pk = ids.get(person.unique_token)
    return [person for person in people if person.pk is not None]


def _assign(batch: ImportBatch, people: Sequence[Participant], now: datetime) -> None:
    """Give each of these people the tests of the import, each with its link and its mail."""
    assignments = []
    for person in people:
        for test_id in batch.test_ids:
            nonce = new_nonce()
            assignments.append(
                TestAssignment(
                    participant=person,
                    company_id=person.company_id,
                    test_id=test_id,
                    nonce=nonce,
                    token_hash=hash_token(derive_token(ASSIGNMENT_PURPOSE, nonce)),
                    start_at=batch.start_at,
                    end_at=batch.end_at,
                    mails_requested=1,
                    created_at=now,
                )
            )
    first_mails_enqueue(assignments=TestAssignment.objects.bulk_create(assignments), now=now)


@jobs.periodic(
    "sessions_app.forget_import_failures",
    every_seconds=86_400,
    purpose="remove names from imports after 30 days, and hashes from those given up",
)
def forget_failures() -> dict[str, int]:
    """Empty the failures of imports that ended 30 days ago; the counts stay.

    One that was given up keeps its rows, to be tried again, but after that time no hash of a password.
    """
    horizon = clock.now() - KEEP_FAILURES
    old = ImportBatch.objects.filter(finished_at__lt=horizon, failed_count__gt=0)
    for batch in ImportBatch.objects.filter(finished_at=None, created_at__lt=horizon).iterator(chunk_size=1):
        rows = [without_hash(row) for row in batch.rows]
        ImportBatch.objects.filter(pk=batch.pk, finished_at=None).update(rows=rows)
    return {"emptied": old.exclude(failures=[]).update(failures=[])}
