"""Short-lived access tokens with rotating refresh tokens. Source: v1 contract, task 3; decisions "login, tokens"."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts.models import Login, RefreshToken
from accounts.services.locks import login_locked
from accounts.services.login import login, token_signed
from accounts.states import V1_ROLES
from cbt.kernel import audit, clock, ids
from cbt.kernel.actor import Actor, ActorKind
from cbt.kernel.errors import DomainError, ErrorCode

PREFIX = "REFRESH-"
PURPOSE = "accounts.refresh"
#: How long a spent token gets the successor it was given: a client whose answer was lost asks again.
REPEAT = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a client holds: a bearer token for minutes, and what fetches the next pair."""

    access: str
    refresh: str


def tokens_open(*, username: str, password: str, ip: str, user_agent: str) -> TokenPair:
    """Sign in an account of the v1 dialect by username. A text with ``@`` is read as an e-mail: usernames have none.

    Raises INVALID_CREDENTIALS, EMAIL_NOT_VERIFIED, RATE_LIMITED. Source: v1 contract ``POST /v1/auth/login``.
    """
    name = {"email" if "@" in username else "username": username}
    made = login(password=password, ip=ip, user_agent=user_agent, roles=V1_ROLES, **name)
    now = clock.now()
    return TokenPair(_access(made.login_id, now), _issue(made.login_id, 1, now))


def tokens_refresh(*, token: str, ip: str = "") -> TokenPair:
    """Spend a refresh token and return the next pair.

    A token spent within the last 20 s gets the successor it was given then. Spent longer ago it is a stolen one or
    its thief's: the whole login ends, for both. Calls for one login wait for each other at its row.
    Raises UNAUTHENTICATED alike for unknown, old, spent and revoked ones.
    Source: v1 contract ``POST /v1/auth/refresh``.
    """
    now = clock.now()
    token_hash = ids.hash_token(token)
    found = RefreshToken.objects.filter(token_hash=token_hash).values_list("login_id", flat=True).first()
    pair = _rotate(found, token_hash, now, ip) if found is not None else None
    if pair is None:
        raise DomainError(ErrorCode.UNAUTHENTICATED, "Invalid or expired refresh token")
    return pair


@transaction.atomic
def _rotate(login_id: uuid.UUID, token_hash: str, now: datetime, ip: str) -> TokenPair | None:
    """Return the next pair, None for a token that is good for nothing; what ends a login then is kept."""
    row = login_locked(login_id)
    spent = RefreshToken.objects.filter(login_id=login_id, token_hash=token_hash).first()
    if row is None or spent is None or not _is_good(row, now):
        return None
    if spent.spent_at is None:
        if spent.expires_at <= now:
            return None
        RefreshToken.objects.filter(pk=spent.pk).update(spent_at=now)
        return TokenPair(_access(login_id, now), _issue(login_id, spent.number + 1, now))
    if now - spent.spent_at <= REPEAT:
        successor = RefreshToken.objects.get(login_id=login_id, number=spent.number + 1)
        again = ids.recover_token(PURPOSE, successor.nonce, successor.token_hash, prefix=PREFIX)
        return TokenPair(_access(login_id, now), again) if again else None
    _revoke_stolen(row, now, ip)
    return None


def _is_good(row: Login, now: datetime) -> bool:
    is_idle = row.last_seen_at + settings.LOGIN_IDLE <= now
    return row.revoked_at is None and row.expires_at > now and not is_idle and not row.user.is_shut


def _revoke_stolen(row: Login, now: datetime, ip: str) -> None:
    row.revoked_at, row.revoke_reason = now, "refresh token reused"
    row.save(update_fields=["revoked_at", "revoke_reason"])
    actor = Actor(kind=ActorKind.ANONYMOUS, ip=ip)
    audit.record("accounts.login.refresh_reused", actor=actor, obj=row, user_id=row.user_id)


def _issue(login_id: uuid.UUID, number: int, now: datetime) -> str:
    nonce = ids.new_nonce()
    token = ids.derive_token(PURPOSE, nonce, prefix=PREFIX)
    RefreshToken.objects.create(
        login_id=login_id, number=number, nonce=nonce, token_hash=ids.hash_token(token), created_at=now,
        expires_at=now + settings.REFRESH_TOKEN,
    )  # fmt: skip
    return token


def _access(login_id: uuid.UUID, now: datetime) -> str:
    return token_signed(login_id, made_at=now, lifetime=settings.ACCESS_TOKEN)
