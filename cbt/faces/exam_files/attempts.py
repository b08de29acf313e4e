"""Taking an exam file: the session services under this face's names, and what the database says of an attempt."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from catalog.models import Test
from catalog.selectors.versions import version_load
from catalog.services.documents import test_document_import
from catalog.services.offers import test_update
from cbt.faces.exam_files import library, shapes, tree
from cbt.faces.exam_files.library import ExamFile
from cbt.kernel import clock
from cbt.kernel.actor import SYSTEM, Actor
from cbt.kernel.errors import DomainError, ErrorCode, not_found
from sessions_app.models import ExamSession
from sessions_app.services.closing import is_late, session_close_if_late
from sessions_app.services.locks import lock_session
from sessions_app.services.saving import answers_save
from sessions_app.services.sessions import Origin, Started, session_start_file, session_token

MAX_CODE = 50


def test_code(exam_id: str) -> str:
    """Return the code of the catalogue's test that an exam file becomes."""
    code = f"FILE-{exam_id}"
    return code if len(code) <= MAX_CODE else f"{code[:33]}-{hashlib.sha256(exam_id.encode()).hexdigest()[:16]}"


def exam_test(exam: ExamFile) -> Test:
    """Return the catalogue's test of an exam file, made or renewed when the file has changed since.

    The test is not on offer: publishing is the manifest's affair. Raises CONFLICT where its code is somebody else's.
    """
    found = _test(exam.exam_id)
    if found is None or _digest(found) != exam.digest:
        with tree.locked("import", exam.exam_id), transaction.atomic():
            found = _test(exam.exam_id)
            if found is None or _digest(found) != exam.digest:
                found = _import(exam, found)
    return found


def _test(exam_id: str) -> Test | None:
    return Test.objects.filter(code=test_code(exam_id), deleted_at__isnull=True).first()


def _digest(test: Test) -> str:
    return str((test.metadata or {}).get("exam_file_digest", ""))


def _import(exam: ExamFile, found: Test | None) -> Test:
    if found is not None and (found.metadata or {}).get("exam_file") != exam.exam_id:
        raise DomainError(ErrorCode.CONFLICT, "Another test has this exam's code.")
    document = {**exam.document, "code": test_code(exam.exam_id)}
    test, _ = test_document_import(document=document, actor=SYSTEM, replace_bank=True)
    metadata = {"exam_file": exam.exam_id, "exam_file_digest": exam.digest}
    return test_update(test_id=test.pk, data={"is_active": False, "metadata": metadata}, actor=SYSTEM)


def attempt_start(*, exam_id: str, actor: Actor, now: datetime) -> Started:
    """Start the exam or go on with the user's active attempt.

    Who has begun goes on, whatever has become of the file and its flag since; a new attempt needs both.
    Raises EXAM_NOT_FOUND, EXAM_NOT_PUBLISHED, ATTEMPTS_USED_UP; TEST_NOT_AVAILABLE where the attempt that would have
    gone on has ended this moment and the exam is not published any more.
    """
    active = active_attempt(actor, exam_id)
    is_begun = active is not None and not is_late(active, now)
    return session_start_file(
        user_id=user_of(actor), exam_file=exam_id, now=now, origin=Origin(actor.ip, actor.user_agent),
        test=active.test if active is not None and is_begun else exam_test(library.exam_get(exam_id)),
        is_published=not is_begun or exam_id in library.manifest().published,
    )  # fmt: skip


def user_of(actor: Actor) -> int:
    """Return the id of the signed-in user."""
    if actor.id is None:
        raise not_found()
    return actor.id


def attempts_of(user_id: int) -> QuerySet[ExamSession]:
    """Return a user's attempts at exam files, the newest first."""
    return ExamSession.objects.filter(user_id=user_id).exclude(exam_file="").order_by("-started_at", "-pk")


def attempt_for(actor: Actor, attempt_id: str, now: datetime) -> tuple[ExamSession, str]:
    """Return one of the caller's attempts and its token; closed first when its time is up.

    Raises NOT_FOUND alike for what is absent, foreign or no id at all.
    """
    is_number = attempt_id.isascii() and attempt_id.isdigit() and len(attempt_id) <= 18
    session = attempts_of(user_of(actor)).filter(pk=int(attempt_id)).first() if is_number else None
    if session is None:
        raise not_found()
    token = session_token(session)
    if session.is_open and is_late(session, now):
        session_close_if_late(token=token, now=now)
    return session, token


def active_attempt(actor: Actor, exam_id: str) -> ExamSession | None:
    """Return the caller's active attempt at an exam."""
    return attempts_of(user_of(actor)).filter(exam_file=exam_id, status="in_progress").select_related("test").first()


def attempt_save(
    session: ExamSession, *, token: str, answers: Mapping[str, Any], seconds: Mapping[str, float]
) -> dict[str, Any]:
    """Store answers and return the attempt as this very save left it; when it returns they are committed.

    The clock is read, and the answer put together, while the row is locked: of two saves at the same time, that with
    the later ``updatedAt`` is the one whose answers stand. Raises as `answers_save`.
    """
    with transaction.atomic():
        locked = lock_session(pk=session.pk)
        now = _moment_after(locked)
        if locked is not None and locked.is_open and not is_late(locked, now):
            answers_save(token=token, answers=answers, seconds=seconds, revision=None, client_at=None, now=now)
            locked.last_saved_at = now
            return _state(locked)
    # Outside, because a refusal must not undo the closing of what is late.
    answers_save(token=token, answers=answers, seconds=seconds, revision=None, client_at=None, now=clock.now())
    return attempt_state(session.pk)


def _moment_after(session: ExamSession | None) -> datetime:
    """Return the time, and later than the last save also where another machine's clock is ahead."""
    now = clock.now()
    if session is None or session.last_saved_at is None:
        return now
    return max(now, session.last_saved_at + timedelta(microseconds=1))


def attempt_state(session_id: int, *, status: str = "") -> dict[str, Any]:
    """Return an attempt as the database has it at this moment: one consistent look."""
    with transaction.atomic():
        session = lock_session(pk=session_id)
        if session is None:
            raise not_found()
        return _state(session, status=status)


def _state(session: ExamSession, *, status: str = "") -> dict[str, Any]:
    """Write an attempt whose row is locked."""
    stored = dict(session.answers.filter(value__isnull=False).values_list("question_id", "value"))
    seconds = dict(session.answer_times.values_list("question_id", "seconds"))
    order = [question.key for question in version_load(session.version_id).questions]
    answers = [(key, stored[key]) for key in order if key in stored]
    return shapes.attempt_json(session, answers, seconds, status=status)


def progress_state(user_id: int) -> dict[str, Any]:
    """Return how far a user is in all their attempts, as the database has it."""
    rows = attempts_of(user_id).annotate(answered=Count("answers", filter=Q(answers__value__isnull=False)))
    return {
        "userId": str(user_id),
        "exams": [shapes.progress_row(row, row.answered, len(version_load(row.version_id).questions)) for row in rows],
    }


def sets_of(user_ids: list[int]) -> Mapping[int, dict[str, list[str]]]:
    """Return {user: the exams they are taking and have finished} for these users."""
    found: dict[int, dict[str, list[str]]] = {user_id: {"active": [], "finished": []} for user_id in user_ids}
    rows = ExamSession.objects.filter(user_id__in=user_ids).exclude(exam_file="")
    for user_id, exam_id, status in rows.values_list("user_id", "exam_file", "status").order_by("exam_file").distinct():
        name = {"in_progress": "active", "completed": "finished"}.get(status)
        if name and user_id is not None:
            found[user_id][name].append(exam_id)
    return found
