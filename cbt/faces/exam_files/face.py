"""How this dialect writes: bare shapes as its document shows them, and its own four statuses."""

from dataclasses import replace

from cbt.http.face import SIGNING_IN, Face, Json, Ok, Problem, error_body
from cbt.kernel.errors import ErrorCode

#: Code of the house -> code of this document.
RENAMED = {
    ErrorCode.VALIDATION_ERROR: ErrorCode.INVALID_PAYLOAD,
    ErrorCode.UNKNOWN_QUESTION: ErrorCode.INVALID_PAYLOAD,
    ErrorCode.ATTEMPTS_USED_UP: ErrorCode.ATTEMPT_EXISTS,
    ErrorCode.TEST_NOT_AVAILABLE: ErrorCode.EXAM_NOT_PUBLISHED,
}


def _wrap(ok: Ok) -> Json:
    if ok.page is not None:
        return {"data": ok.page.items, "total": ok.page.total, "page": ok.page.number, "limit": ok.page.size}
    return ok.data


def _fail(problem: Problem) -> Json:
    return error_body(replace(problem, code=RENAMED.get(problem.code, problem.code)))


EXAM_FILES = Face(
    name="exam_files",
    title="exam files",
    wrap=_wrap,
    fail=_fail,
    borrowed=SIGNING_IN,
    status_of={
        ErrorCode.VALIDATION_ERROR: 400,
        ErrorCode.UNKNOWN_QUESTION: 400,
        ErrorCode.CONFLICT: 409,
        ErrorCode.ATTEMPTS_USED_UP: 409,
        ErrorCode.TEST_NOT_AVAILABLE: 423,
        ErrorCode.SESSION_NOT_IN_PROGRESS: 409,
        ErrorCode.SESSION_PAUSED: 409,
        ErrorCode.BANNED: 409,
    },
)
