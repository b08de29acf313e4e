"""From a token to who acts."""

import functools
import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import Login, User
from accounts.states import LoginScope, Role
from cbt.kernel import clock
from cbt.kernel.actor import Actor, ActorKind

SEEN_EVERY = timedelta(minutes=5)


def actor_of_token(token: str, *, ip: str = "", user_agent: str = "") -> tuple[User, Actor] | None:
    """Return the user and actor a token stands for, or None.

    One query. A token is good while its login row is: not revoked, within its idle and absolute life, and
    its user active, not locked and not banned. A login made before verification carries no permissions.
    """
    login_id = login_id_of_token(token)
    return actor_of_login(login_id, ip=ip, user_agent=user_agent) if login_id else None


def actor_of_login(login_id: str, *, ip: str = "", user_agent: str = "") -> tuple[User, Actor] | None:
    """Return the user and actor of a login, or None when it has ended. One query."""
    login = _login_of(login_id)
    if login is None:
        return None
    return login.user, _actor_of(login, ip=ip, user_agent=user_agent)


def actors_of_logins(login_ids: Collection[str]) -> dict[str, Actor]:
    """Return {login: actor} of those that have not ended, without noting that they were seen. One query."""
    now = clock.now()
    rows = Login.objects.select_related("user").filter(pk__in=login_ids, revoked_at__isnull=True)
    return {str(login.pk): _actor_of(login) for login in rows if _is_good(login, now)}


def _actor_of(login: Login, *, ip: str = "", user_agent: str = "") -> Actor:
    user = login.user
    full = login.scope == LoginScope.FULL
    return Actor(
        kind=ActorKind.USER,
        id=user.pk,
        role=user.role if full else "",
        permissions=user.permission_set() if full else frozenset(),
        # A candidate belongs to a company and stands for none.
        company_id=user.company_id if full and user.role != Role.PARTICIPANT else None,
        login_id=str(login.pk),
        email=user.email or "",
        ip=ip,
        user_agent=user_agent,
    )


def login_id_of_token(token: str) -> str | None:
    """Return which login a token names, None unless we signed it and it has not expired. No query.

    Signed with one of SECRET_KEY_FALLBACKS counts: changing the key must throw nobody out of an exam.
    """
    if not token or len(token) > 2000:
        return None
    kinds: list[type[AccessToken]] = [AccessToken, *map(_signed_with, settings.SECRET_KEY_FALLBACKS)]
    for kind in kinds:
        try:
            return str(uuid.UUID(kind(token).get("sid")))  # type: ignore[arg-type]
        except (TokenError, ValueError, TypeError, AttributeError, OverflowError):
            continue
    return None


@functools.lru_cache(maxsize=8)
def _signed_with(key: str) -> type[AccessToken]:
    """Return the kind of token that was signed with a former key; all other rules are the same."""
    rules = {name: getattr(api_settings, name.upper()) for name in ("audience", "issuer", "leeway")}
    backend = TokenBackend(api_settings.ALGORITHM, signing_key=key, **rules)
    return type("FormerAccessToken", (AccessToken,), {"_token_backend": backend})


def _is_good(login: Login, now: datetime) -> bool:
    return login.expires_at > now and login.last_seen_at + settings.LOGIN_IDLE > now and not login.user.is_shut


def _login_of(login_id: str) -> Login | None:
    now = clock.now()
    login = Login.objects.select_related("user").filter(pk=login_id, revoked_at__isnull=True).first()
    if login is None or not _is_good(login, now):
        return None
    if now - login.last_seen_at > SEEN_EVERY:
        # At most one write in five minutes; what it changes is only the idle life of this very login.
        Login.objects.filter(pk=login.pk, last_seen_at=login.last_seen_at).update(last_seen_at=now)
    return login
