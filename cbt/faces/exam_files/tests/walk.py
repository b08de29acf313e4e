"""What the walks over all routes send to the exam files, and what must be there for them."""

from typing import Any

from catalog.services.versions import version_freeze
from cbt.faces.exam_files.attempts import exam_test
from cbt.faces.exam_files.library import exam_get
from cbt.faces.exam_files.tests.factories import EXAM_ID, attempt_of, put_exam
from tests.calls import NO_BODY, Maker

BODIES: dict[str, Maker] = {
    "POST /api/exams/{examId}/attempt": lambda world, side: NO_BODY,
    "PUT /api/attempts/{attemptId}": lambda world, side: {
        "answers": [{"questionId": "q1", "response": "a", "timeSec": 2}],
    },
    "POST /api/attempts/{attemptId}/submit": lambda world, side: NO_BODY,
}  # fmt: skip


def prepare() -> None:
    """Make what is everybody's: an exam, its paper frozen before anybody starts it."""
    version_freeze(exam_test(exam_get(put_exam())).pk)


def values_of(buyer: Any) -> dict[str, Any]:
    """Return path values of one side: the attempt is this buyer's own."""
    return {"examId": EXAM_ID, "attemptId": attempt_of(buyer).pk}
