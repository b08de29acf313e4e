"""How a taker worked on each question, read from the log of saves: pure.

Source: exam-room contract "Prevent Cheating" (answer change frequency, time per question).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Activity:
    """change_count: saves that changed the answer, the first included.  seconds: see `question_activity`."""

    question_id: str
    change_count: int
    seconds: int
    first_at: datetime
    last_at: datetime


def question_activity(saves: Iterable[tuple[datetime, list[str]]], *, started_at: datetime) -> list[Activity]:
    """Return the activity of each question that was answered, in the order of the first answers.

    saves: (when, keys that changed), in order. The time between two saves is put down to what the later one
    answered, in equal parts; an estimate, as the server sees answers and not eyes.
    """
    found: dict[str, Activity] = {}
    parts: dict[str, float] = {}
    before = started_at
    for at, keys in saves:
        for key in keys:
            old = found.get(key)
            parts[key] = parts.get(key, 0.0) + max(0.0, (at - before).total_seconds()) / len(keys)
            found[key] = Activity(
                key, (old.change_count if old else 0) + 1, int(parts[key]), old.first_at if old else at, at
            )
        before = at
    return list(found.values())
