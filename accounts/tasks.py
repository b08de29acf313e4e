"""Jobs of the accounts: ids in, one service call."""

from datetime import datetime

from accounts.services.cleaning import logins_forget, proofs_forget, refresh_tokens_forget, sessions_forget
from accounts.services.many_passwords import JOB, wrap_run, wrap_sweep
from accounts.services.passwords import SEND_JOB, password_reset_send
from accounts.services.tickets import tickets_forget
from cbt.kernel import jobs


@jobs.handler(SEND_JOB)
def send_password_reset(user_id: int | None, asked_at: str) -> None:
    """Mail a reset link to an account that may not exist. The result is not stored: it would tell."""
    password_reset_send(user_id=user_id, asked_at=datetime.fromisoformat(asked_at))


@jobs.handler(JOB)
def wrap_passwords(user_ids: list[int]) -> dict[str, int]:
    """Wrap the quick passwords of some users."""
    return wrap_run(user_ids)


@jobs.periodic("accounts.wrap_left_passwords", every_seconds=600, purpose="wrap quick passwords that no job waits for")
def wrap_left_passwords() -> dict[str, int]:
    """Make jobs for what a lost or failed one left."""
    return wrap_sweep()


@jobs.periodic("accounts.forget_old_logins", every_seconds=86_400, purpose="remove logins a year after they ended")
def forget_old_logins() -> dict[str, int]:
    """Delete logins that ended more than a year ago."""
    return {"deleted": logins_forget()}


@jobs.periodic(
    "accounts.forget_refresh_tokens", every_seconds=86_400, purpose="remove refresh tokens that are good for nothing"
)
def forget_refresh_tokens() -> dict[str, int]:
    """Delete those that ran out more than a day ago, and those of logins that ended more than 30 days ago."""
    return {"deleted": refresh_tokens_forget()}


@jobs.periodic(
    "accounts.forget_spent_proofs", every_seconds=86_400, purpose="remove spent verification and reset links"
)
def forget_spent_proofs() -> dict[str, int]:
    """Delete verifications and resets that ended more than 30 days ago."""
    return {"deleted": proofs_forget()}


@jobs.periodic("accounts.forget_browser_sessions", every_seconds=86_400, purpose="remove browser sessions that ran out")
def forget_browser_sessions() -> dict[str, int]:
    """Delete expired sessions."""
    return {"deleted": sessions_forget()}


@jobs.periodic("accounts.forget_tickets", every_seconds=3600, purpose="remove tickets of sockets that were never used")
def forget_tickets() -> dict[str, int]:
    """Delete tickets that ran out."""
    return {"deleted": tickets_forget()}
