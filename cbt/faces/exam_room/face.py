"""How the exam room writes its answers: bare objects; errors as everywhere. Source: exam-room contract 1 and 2."""

from dataclasses import replace
from typing import Any

from cbt.http.face import SIGNING_IN, Face, Ok, Problem, error_body
from cbt.kernel.errors import ErrorCode as E

#: "User-friendly error message": a pupil knows exams, no assignments and sessions. By code, and by how a sitting ended.
_WORDS = {
    (E.ASSIGNMENT_NOT_STARTED, None): "The exam is not open yet",
    (E.ASSIGNMENT_EXPIRED, None): "The exam is closed",
    (E.ASSIGNMENT_COMPLETED, None): "The exam has been submitted",
    (E.SESSION_NOT_IN_PROGRESS, "completed"): "The exam has been submitted",
    (E.SESSION_NOT_IN_PROGRESS, "abandoned"): "The exam was stopped by your supervisor",
    (E.SESSION_PAUSED, None): "The exam is paused. Please contact your supervisor.",
    (E.BANNED, None): "You have been excluded from exams. Please contact your supervisor.",
}


def _bare(ok: Ok) -> Any:
    return ok.data


def _fail(problem: Problem) -> dict[str, Any]:
    words = _WORDS.get((problem.code, problem.details.get("session_status")))  # type: ignore[arg-type]
    return error_body(replace(problem, message=words) if words else problem)


EXAM_ROOM = Face(
    name="exam_room", title="exam room", wrap=_bare, fail=_fail, borrowed=SIGNING_IN | {"/health", "/metrics"}
)
