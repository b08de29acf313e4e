"""Checking the stored answers against the log they follow from, and making them anew where they differ."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from cbt.kernel import audit
from cbt.kernel.actor import SYSTEM, Actor
from cbt.kernel.errors import not_found
from sessions_app.engine.saving import canonical
from sessions_app.models import ExamSession, SessionAnswer, SessionEvent
from sessions_app.services.locks import lock_session
from sessions_app.states import EventKind


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the log says about one answer: as `SessionAnswer` stores it."""

    value: Any
    revision: int | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ProjectionReport:
    """What was found in one session; question ids only, never answers.

    missing: in the log, not stored.  extra: stored, not in the log.  different: value, revision or time differ.
    has_gaps: numbers of the log are missing, so it cannot say what the answers are: nothing is written.
    was_rebuilt: the stored answers are now what the log says.
    """

    session_id: int
    answer_count: int
    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    has_gaps: bool = False
    was_rebuilt: bool = False

    @property
    def is_equal(self) -> bool:
        """Tell whether the stored answers are what a whole log says."""
        return not (self.missing or self.extra or self.different or self.has_gaps)


def answers_replay(events: list[tuple[dict[str, Any], datetime]]) -> dict[str, Replayed]:
    """Return {question: answer} that follows from the payloads and times of saves, in order of their numbers.

    A save logs what it changed and nothing else, so each entry simply stands until the next one about the same
    question; a save without a revision keeps the one the answer had.
    """
    answers: dict[str, Replayed] = {}
    for payload, at in events:
        sent = payload.get("revision")
        for item in payload["answers"]:
            key = item["question_id"]
            kept = answers[key].revision if key in answers else None
            answers[key] = Replayed(item["answer"], sent if sent is not None else kept, at)
    return answers


@transaction.atomic
def answers_rebuild(*, session_id: int, is_dry_run: bool, actor: Actor = SYSTEM) -> ProjectionReport:
    """Compare one session's stored answers with its log, and unless it is a dry run make them what the log says.

    The session's row lock keeps saves out meanwhile. Results stay as they were scored: a regrade is a decision
    of its own. Raises NOT_FOUND.
    """
    session = lock_session(pk=session_id)
    if session is None:
        raise not_found()
    numbers = list(SessionEvent.objects.filter(session_id=session_id).order_by("seq").values_list("seq", flat=True))
    saves = SessionEvent.objects.filter(session_id=session_id, kind=EventKind.ANSWERS_SAVED).order_by("seq")
    wanted = answers_replay(list(saves.values_list("payload", "at")))
    stored = {row.question_id: row for row in SessionAnswer.objects.filter(session_id=session_id)}
    report = ProjectionReport(
        session_id=session_id,
        answer_count=len(wanted),
        missing=sorted(wanted.keys() - stored.keys()),
        extra=sorted(stored.keys() - wanted.keys()),
        different=sorted(key for key in wanted.keys() & stored.keys() if _differs(wanted[key], stored[key])),
        has_gaps=numbers != list(range(1, len(numbers) + 1)),
    )
    if report.is_equal or report.has_gaps or is_dry_run:
        return report
    return _write(session, wanted, report, actor)


def _differs(wanted: Replayed, stored: SessionAnswer) -> bool:
    return (
        canonical(wanted.value) != canonical(stored.value)
        or wanted.revision != stored.revision
        or wanted.updated_at != stored.updated_at
    )


def _write(
    session: ExamSession, wanted: dict[str, Replayed], report: ProjectionReport, actor: Actor
) -> ProjectionReport:
    changed = [*report.missing, *report.different]
    SessionAnswer.objects.filter(session_id=session.pk, question_id__in=[*changed, *report.extra]).delete()
    SessionAnswer.objects.bulk_create(
        SessionAnswer(
            session_id=session.pk, question_id=key, value=wanted[key].value, revision=wanted[key].revision,
            updated_at=wanted[key].updated_at,
        )
        for key in changed
    )  # fmt: skip
    audit.record(
        "sessions_app.answers.rebuilt", actor=actor, obj=session, company_id=session.company_id,
        missing=report.missing, extra=report.extra, different=report.different,
    )  # fmt: skip
    return ProjectionReport(
        session_id=session.pk, answer_count=report.answer_count, missing=report.missing, extra=report.extra,
        different=report.different, was_rebuilt=True,
    )  # fmt: skip


def answers_rebuild_all(*, is_dry_run: bool, actor: Actor = SYSTEM) -> Iterator[ProjectionReport]:
    """Yield a report of every session, oldest first, each in a transaction of its own."""
    last = 0
    while batch := list(ExamSession.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:500]):
        for session_id in batch:
            yield answers_rebuild(session_id=session_id, is_dry_run=is_dry_run, actor=actor)
        last = batch[-1]
