"""Signing in and out."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import Login, User
from accounts.selectors.users import user_by_email
from accounts.services.verification import verification_renew
from accounts.states import LoginScope
from cbt.http.client import network_of
from cbt.http.rates import FailureCounter
from cbt.kernel import audit, clock
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode
from cbt.kernel.metrics import LOGIN_FAILURES

BY_ACCOUNT = FailureCounter("login-account", limit=5, window_seconds=900)
BY_ADDRESS = FailureCounter("login-address", limit=300, window_seconds=900)


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A fresh login: its user and the bearer token that names it."""

    user: User
    token: str


def login(*, email: str, password: str, ip: str, user_agent: str) -> LoggedIn:
    """Sign in by e-mail and password.

    Five failures in 15 minutes for one account from one network close that pair, three hundred from one
    address close the address. An unverified user whose link has run out is mailed a new one.
    Raises INVALID_CREDENTIALS, EMAIL_NOT_VERIFIED, COMPANY_INACTIVE, RATE_LIMITED. Source: primary contract 1.3.
    """
    user = password_matches(email=email, password=password, ip=ip)
    if user is None or not user.is_active:
        raise _refused()
    if not user.is_verified:
        verification_renew(user=user)
        raise DomainError(ErrorCode.EMAIL_NOT_VERIFIED, "Email not verified")
    if user.is_locked:
        raise DomainError(ErrorCode.COMPANY_INACTIVE, "Company is inactive")
    return login_open(user=user, scope=LoginScope.FULL, ip=ip, user_agent=user_agent)


def _refused() -> DomainError:
    LOGIN_FAILURES.inc()
    return DomainError(ErrorCode.INVALID_CREDENTIALS, "Invalid credentials")


def password_matches(*, email: str, password: str, ip: str) -> User | None:
    """Return the user whose password this is, or None; hashes once whether or not the account exists.

    Raises RATE_LIMITED when the brake on guessing is on.
    """
    email = email.strip()
    network = network_of(ip) if ip else "-"
    account = f"{email.lower()}|{network}"
    _begin(account, network)
    try:
        validate_email(email)
        user = user_by_email(email)
    except ValidationError:
        user = None
    if user is None:
        make_password(password)  # as long as checking a real one: time must not tell who exists
        return None
    if not check_password(password, user.password, setter=lambda raw: _rehash(user, raw)):
        return None
    BY_ACCOUNT.succeeded(account)
    BY_ADDRESS.succeeded(network)
    return user


def _begin(account: str, network: str) -> None:
    """Count one try for both brakes; one that a brake refuses is no guess and weighs on neither."""
    BY_ACCOUNT.begin(account)
    try:
        BY_ADDRESS.begin(network)
    except DomainError:
        BY_ACCOUNT.succeeded(account)
        raise


def _rehash(user: User, raw: str) -> None:
    hashed = make_password(raw)
    if User.objects.filter(pk=user.pk, password=user.password).update(password=hashed):
        user.password = hashed


@transaction.atomic
def login_open(*, user: User, scope: LoginScope, ip: str, user_agent: str) -> LoggedIn:
    """Store a login and return its token; the oldest logins give way where a maximum is set.

    The user's row is locked and read again: a password changed or an account shut since ``user`` was read has
    ended all logins, and this one must not slip in behind. Raises INVALID_CREDENTIALS then.
    """
    now = clock.now()
    current = User.objects.select_for_update().filter(pk=user.pk).first()
    if current is None or current.password != user.password or not current.is_active or current.is_locked:
        raise _refused()
    row = Login.objects.create(
        user=user,
        scope=scope,
        user_agent=user_agent[:300],
        ip=ip or None,
        created_at=now,
        last_seen_at=now,
        expires_at=now + settings.LOGIN_ABSOLUTE,
    )
    _limit_logins(user, row, now)
    User.objects.filter(pk=user.pk).update(last_login=now)
    return LoggedIn(user=user, token=token_for(row))


def _limit_logins(user: User, newest: Login, now: datetime) -> None:
    others = Login.objects.filter(user=user, revoked_at__isnull=True).exclude(pk=newest.pk)
    if settings.LOGOUT_OTHERS_ON_LOGIN:
        others.update(revoked_at=now, revoke_reason="newer login")
    elif settings.MAX_LOGINS_PER_USER:
        keep = others.order_by("-created_at").values("pk")[: settings.MAX_LOGINS_PER_USER - 1]
        others.exclude(pk__in=list(keep.values_list("pk", flat=True))).update(
            revoked_at=now, revoke_reason="too many logins"
        )


def token_for(row: Login) -> str:
    """Return the signed token that names a login row."""
    token = AccessToken()
    token["sid"] = str(row.pk)
    token.set_exp(from_time=row.created_at, lifetime=settings.LOGIN_ABSOLUTE)
    return str(token)


def logout(*, login_id: str) -> None:
    """End one login; its token is refused from now on by every process."""
    Login.objects.filter(pk=uuid.UUID(login_id), revoked_at__isnull=True).update(
        revoked_at=clock.now(), revoke_reason="logout"
    )


def logins_revoke(*, user_ids: list[int], reason: str, keep_login_id: str | None = None) -> int:
    """End all logins of these users, save one; return how many ended."""
    rows = Login.objects.filter(user_id__in=user_ids, revoked_at__isnull=True)
    if keep_login_id:
        rows = rows.exclude(pk=uuid.UUID(keep_login_id))
    return rows.update(revoked_at=clock.now(), revoke_reason=reason[:40])


@transaction.atomic
def logins_end(*, login_ids: list[uuid.UUID], actor: Actor) -> int:
    """End single logins by staff's hand; return how many ended."""
    rows = list(Login.objects.filter(pk__in=login_ids, revoked_at__isnull=True))
    for row in rows:
        audit.record("accounts.login.revoked", actor=actor, obj=row, user_id=row.user_id)
    return Login.objects.filter(pk__in=[row.pk for row in rows], revoked_at__isnull=True).update(
        revoked_at=clock.now(), revoke_reason="revoked by staff"
    )
