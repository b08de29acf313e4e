"""States of an exam session and what may follow on what."""

from enum import StrEnum


class SessionStatus(StrEnum):
    """Contract values; never translated.

    in_progress: being taken.  completed: submitted by the taker or the clock.
    banned: ended by a ban.  abandoned: given up by staff; neither scored nor held against the taker.
    """

    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    BANNED = "banned"
    ABANDONED = "abandoned"


TRANSITIONS: dict[SessionStatus, frozenset[SessionStatus]] = {
    SessionStatus.IN_PROGRESS: frozenset({SessionStatus.COMPLETED, SessionStatus.BANNED, SessionStatus.ABANDONED}),
    SessionStatus.COMPLETED: frozenset(),
    SessionStatus.BANNED: frozenset(),
    SessionStatus.ABANDONED: frozenset(),
}


# A participant is banned as a person and let in again by staff, so a banned sitting does not count against it.
# Who bought a test, or takes an exam file, has no such way: what a ban ended was the attempt.
SPENT_BY_PARTICIPANT = frozenset({SessionStatus.COMPLETED})
SPENT_BY_USER = frozenset({SessionStatus.COMPLETED, SessionStatus.BANNED})


class SubmittedBy(StrEnum):
    """Who ended a completed session."""

    TAKER = "taker"
    TIMER = "timer"


class EventKind(StrEnum):
    """What the append-only log of a session tells."""

    STARTED = "started"
    RESUMED = "resumed"
    ANSWERS_SAVED = "answers_saved"
    DOUBT_MARKED = "doubt_marked"
    CHEAT_REPORTED = "cheat_reported"
    PHOTO_TAKEN = "photo_taken"
    PAUSED = "paused"
    CONTINUED = "continued"
    TIME_CHANGED = "time_changed"
    SUBMITTED = "submitted"
    TIME_RAN_OUT = "time_ran_out"
    BANNED = "banned"
    ABANDONED = "abandoned"
    SCORED = "scored"
    MARKED = "marked"


class ResultState(StrEnum):
    """final: every point is known.  pending_marks: long texts wait for a person."""

    FINAL = "final"
    PENDING_MARKS = "pending_marks"


class ImportState(StrEnum):
    """queued: waits for a worker.  running: some rows are stored.  done: every row is stored or has its reason.
    failed: shown, never stored, while the job behind it has given up; what is stored stays."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
