"""Error codes, and the one exception by which a use case refuses. No HTTP: `cbt.http.face` maps codes to statuses."""

from collections.abc import Mapping, Sequence
from enum import StrEnum


class ErrorCode(StrEnum):
    """Stable, published names of everything that can go wrong. Never translated, never renamed."""

    INVALID_PAYLOAD = "INVALID_PAYLOAD"
    VALIDATION_ERROR = "VALIDATION_ERROR"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    EMAIL_NOT_VERIFIED = "EMAIL_NOT_VERIFIED"
    ACCOUNT_LOCKED = "ACCOUNT_LOCKED"
    FORBIDDEN = "FORBIDDEN"
    CSRF_FAILED = "CSRF_FAILED"
    COMPANY_ADMIN_NOT_FOUND = "COMPANY_ADMIN_NOT_FOUND"
    COMPANY_INACTIVE = "COMPANY_INACTIVE"
    SUBSCRIPTION_REQUIRED = "SUBSCRIPTION_REQUIRED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    NOT_FOUND = "NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    CONFLICT = "CONFLICT"
    BUSINESS_RULE = "BUSINESS_RULE"
    TOKEN_REQUIRED = "TOKEN_REQUIRED"  # noqa: S105 - a code, not a secret
    INVALID_TOKEN = "INVALID_TOKEN"  # noqa: S105
    TOKEN_EXPIRED = "TOKEN_EXPIRED"  # noqa: S105
    TOKEN_REJECTED = "TOKEN_REJECTED"  # noqa: S105 - a mailed one-time token that is unknown, used or too old
    ALREADY_VERIFIED = "ALREADY_VERIFIED"
    EMAIL_TAKEN = "EMAIL_TAKEN"
    ASSIGNMENT_EXPIRED = "ASSIGNMENT_EXPIRED"
    ASSIGNMENT_NOT_STARTED = "ASSIGNMENT_NOT_STARTED"
    ASSIGNMENT_COMPLETED = "ASSIGNMENT_COMPLETED"
    BIODATA_REQUIRED = "BIODATA_REQUIRED"
    BANNED = "BANNED"
    TEST_NOT_AVAILABLE = "TEST_NOT_AVAILABLE"
    TEST_NOT_PURCHASED = "TEST_NOT_PURCHASED"
    ATTEMPTS_USED_UP = "ATTEMPTS_USED_UP"
    SESSION_NOT_IN_PROGRESS = "SESSION_NOT_IN_PROGRESS"
    SESSION_EXPIRED = "SESSION_EXPIRED"
    SESSION_PAUSED = "SESSION_PAUSED"
    UNKNOWN_QUESTION = "UNKNOWN_QUESTION"
    RESULT_NOT_AVAILABLE = "RESULT_NOT_AVAILABLE"
    FILE_REJECTED = "FILE_REJECTED"
    LIMIT_REACHED = "LIMIT_REACHED"
    MAIL_NOT_SENT = "MAIL_NOT_SENT"
    EXAM_NOT_FOUND = "EXAM_NOT_FOUND"
    EXAM_NOT_PUBLISHED = "EXAM_NOT_PUBLISHED"
    ATTEMPT_EXISTS = "ATTEMPT_EXISTS"
    LENGTH_REQUIRED = "LENGTH_REQUIRED"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    UPGRADE_REQUIRED = "UPGRADE_REQUIRED"
    RATE_LIMITED = "RATE_LIMITED"
    FACE_UNAVAILABLE = "FACE_UNAVAILABLE"
    UNAVAILABLE = "UNAVAILABLE"
    SERVER_ERROR = "SERVER_ERROR"


class DomainError(Exception):
    """A use case refuses, with a reason fit to show.

    code: one of `ErrorCode`.  message: for people, without ids or addresses; contract texts are literal.
    fields: {field: [message]} when single fields are at fault.  details: further data for programs.
    retry_after: seconds after which the same request may succeed.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        fields: Mapping[str, Sequence[str]] | None = None,
        details: Mapping[str, object] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fields = {name: list(texts) for name, texts in (fields or {}).items()}
        self.details = dict(details or {})
        self.retry_after = retry_after


def not_found(message: str = "Resource not found") -> DomainError:
    """Return the refusal used alike for what does not exist and what is not the caller's."""
    return DomainError(ErrorCode.NOT_FOUND, message)


def too_large(max_bytes: int) -> DomainError:
    """Return the refusal of a body above ``max_bytes``, which it tells to programs."""
    return DomainError(ErrorCode.PAYLOAD_TOO_LARGE, "The request is too large.", details={"max_bytes": max_bytes})


def invalid(**fields: str) -> DomainError:
    """Return a refusal of single fields: ``invalid(email="The email has already been taken.")``."""
    return DomainError(
        ErrorCode.VALIDATION_ERROR,
        "The given data was invalid.",
        fields={name: [text] for name, text in fields.items()},
    )
