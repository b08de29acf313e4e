"""A face: one dialect of HTTP over the same services. Data only; it translates and never decides."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cbt.kernel.errors import ErrorCode
from cbt.kernel.logs import request_id_var

Json = Any

#: The HTTP status of each code on the primary face; a face may override single ones.
STATUS: dict[ErrorCode, int] = {
    ErrorCode.INVALID_PAYLOAD: 400,
    ErrorCode.VALIDATION_ERROR: 422,
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.INVALID_CREDENTIALS: 401,
    ErrorCode.EMAIL_NOT_VERIFIED: 401,
    ErrorCode.ACCOUNT_LOCKED: 403,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.CSRF_FAILED: 403,
    ErrorCode.COMPANY_ADMIN_NOT_FOUND: 403,
    ErrorCode.COMPANY_INACTIVE: 403,
    ErrorCode.SUBSCRIPTION_REQUIRED: 403,
    ErrorCode.QUOTA_EXCEEDED: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.METHOD_NOT_ALLOWED: 405,
    ErrorCode.CONFLICT: 400,
    ErrorCode.BUSINESS_RULE: 400,
    ErrorCode.TOKEN_REQUIRED: 400,
    ErrorCode.INVALID_TOKEN: 404,
    ErrorCode.TOKEN_EXPIRED: 400,
    ErrorCode.TOKEN_REJECTED: 400,
    ErrorCode.ALREADY_VERIFIED: 400,
    ErrorCode.EMAIL_TAKEN: 400,
    ErrorCode.ASSIGNMENT_EXPIRED: 403,
    ErrorCode.ASSIGNMENT_NOT_STARTED: 403,
    ErrorCode.ASSIGNMENT_COMPLETED: 403,
    ErrorCode.BIODATA_REQUIRED: 403,
    ErrorCode.BANNED: 403,
    ErrorCode.TEST_NOT_AVAILABLE: 400,
    ErrorCode.TEST_NOT_PURCHASED: 400,
    ErrorCode.ATTEMPTS_USED_UP: 400,
    ErrorCode.SESSION_NOT_IN_PROGRESS: 400,
    ErrorCode.SESSION_EXPIRED: 400,
    ErrorCode.SESSION_PAUSED: 400,
    ErrorCode.UNKNOWN_QUESTION: 422,
    ErrorCode.RESULT_NOT_AVAILABLE: 403,
    ErrorCode.FILE_REJECTED: 422,
    ErrorCode.LIMIT_REACHED: 429,
    ErrorCode.MAIL_NOT_SENT: 400,
    ErrorCode.EXAM_NOT_FOUND: 404,
    ErrorCode.EXAM_NOT_PUBLISHED: 423,
    ErrorCode.ATTEMPT_EXISTS: 409,
    ErrorCode.LENGTH_REQUIRED: 411,
    ErrorCode.PAYLOAD_TOO_LARGE: 413,
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: 415,
    ErrorCode.UPGRADE_REQUIRED: 426,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.FACE_UNAVAILABLE: 501,
    ErrorCode.UNAVAILABLE: 503,
    ErrorCode.SERVER_ERROR: 500,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as every face gets it, ready to be phrased."""

    code: ErrorCode
    message: str
    status: int
    fields: Mapping[str, list[str]] = field(default_factory=dict)
    details: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie that scripts cannot read and other sites' forms do not carry; 0 seconds removes it."""

    name: str
    value: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Ok:
    """What a view returns on success. Only a face turns it into a body."""

    data: Json = None
    message: str = "Success"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    page: "Page | None" = None
    top_level: Mapping[str, Json] = field(default_factory=dict)
    cookies: tuple[Cookie, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: ``total`` rows in all, ``number`` counted from 1, ``size`` rows a page at most."""

    items: list[Json]
    total: int
    number: int
    size: int
    is_flat: bool = False


@dataclass(frozen=True, slots=True)
class Face:
    """One HTTP dialect: how success, errors and pages are written, and which statuses differ.

    title: its name for people.  borrowed: paths of other faces that its clients call too, for its documentation.
    """

    name: str
    wrap: Callable[[Ok], Json]
    fail: Callable[[Problem], Json]
    status_of: Mapping[ErrorCode, int] = field(default_factory=dict)
    title: str = ""
    borrowed: frozenset[str] = frozenset()

    def status(self, code: ErrorCode) -> int:
        """Return the HTTP status of a code on this face."""
        return self.status_of.get(code, STATUS[code])


def error_body(problem: Problem) -> dict[str, Json]:
    """Write the one error body in which every documented client finds what it reads."""
    return {
        "success": False,
        "message": problem.message,
        "error": problem.code.value,
        "error_code": problem.code.value,
        "errors": dict(problem.fields),
        "details": dict(problem.details),
        "detail": problem.message,
        "status_code": problem.status,
        "request_id": request_id_var.get(),
    }


def page_body(page: Page) -> dict[str, Json]:
    """Write a page as the primary contract does."""
    last = max(1, -(-page.total // page.size))
    first = (page.number - 1) * page.size + 1 if page.items else None
    return {
        "data": page.items,
        "current_page": page.number,
        "per_page": page.size,
        "total": page.total,
        "last_page": last,
        "from": first,
        "to": first + len(page.items) - 1 if first is not None else None,
    }


def _primary_wrap(ok: Ok) -> dict[str, Json]:
    body: dict[str, Json] = {"success": True, "message": ok.message, "data": ok.data, "status_code": ok.status}
    if ok.page is not None and ok.page.is_flat:
        body |= {"data": ok.page.items, "total": ok.page.total, "page": ok.page.number, "limit": ok.page.size}
    elif ok.page is not None:
        body["data"] = page_body(ok.page)
    return {**ok.top_level, **body}


#: How people sign in and out, for the documentation of faces that have no way of their own.
SIGNING_IN = frozenset({"/api/auth/login", "/api/auth/logout", "/api/auth/me"})
PRIMARY = Face(name="primary", wrap=_primary_wrap, fail=error_body, title="primary contract")
