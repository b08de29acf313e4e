"""Why a session does not take what was sent: the contract's words, in one place."""

from cbt.kernel.errors import DomainError, ErrorCode
from sessions_app.states import SessionStatus


def banned() -> DomainError:
    """Return the refusal of a banned taker."""
    return DomainError(ErrorCode.BANNED, "You have been banned from taking tests")


def not_in_progress(status: str) -> DomainError:
    """Return the refusal of a write to a session that has ended."""
    if status == SessionStatus.BANNED:
        return banned()
    return DomainError(
        ErrorCode.SESSION_NOT_IN_PROGRESS, "Session is not in progress", details={"session_status": str(status)}
    )


def paused() -> DomainError:
    """Return the refusal of a write to a session that staff must release first."""
    return DomainError(ErrorCode.SESSION_PAUSED, "Session is paused. Please contact your supervisor.")
