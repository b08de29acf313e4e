"""Why a socket is closed: codes of the range applications may use, read like the HTTP statuses they end in."""

from cbt.kernel.errors import ErrorCode

TOO_BIG, FAULT = 1009, 1011
TRY_AGAIN = 1013
NOT_SIGNED_IN, NOT_ALLOWED, NOT_THERE, TOO_MANY = 4401, 4403, 4404, 4429

_CODES = {
    ErrorCode.UNAUTHENTICATED: NOT_SIGNED_IN,
    ErrorCode.NOT_FOUND: NOT_THERE,
    ErrorCode.SESSION_NOT_IN_PROGRESS: NOT_THERE,  # not begun: there is no sitting to tell of
    ErrorCode.RATE_LIMITED: TOO_MANY,
    ErrorCode.UNAVAILABLE: TRY_AGAIN,
    ErrorCode.SERVER_ERROR: FAULT,
}


def code_of(error: ErrorCode) -> int:
    """Return the closing code of a refusal; what has none of its own is "not allowed"."""
    return _CODES.get(error, NOT_ALLOWED)
