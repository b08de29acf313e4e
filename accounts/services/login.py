"""Signing in and out."""

import logging
import unicodedata
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password, verify_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q
from rest_framework_simplejwt.tokens import AccessToken

from accounts.hashers import first_layer, has_first_layer
from accounts.models import Login, User
from accounts.selectors.users import user_by_email, user_by_number, user_by_username
from accounts.services.verification import verification_renew
from accounts.states import LoginScope, Role
from cbt.http.client import network_of
from cbt.http.rates import FailureCounter
from cbt.kernel import audit, clock
from cbt.kernel.actor import Actor, ActorKind
from cbt.kernel.errors import DomainError, ErrorCode
from cbt.kernel.ids import hash_token
from cbt.kernel.metrics import LOGIN_FAILURES

logger = logging.getLogger("cbt.login")
BY_ACCOUNT = FailureCounter("login-account", limit=5, window_seconds=900)
BY_ADDRESS = FailureCounter("login-address", limit=300, window_seconds=900)
#: A school of 500 sits behind one address, and each of its candidates may err five times.
BY_SCHOOL = FailureCounter("login-school", limit=3000, window_seconds=900)


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A fresh login: its user, the bearer token that names it, and its id."""

    user: User
    token: str
    login_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class _Door:
    """One way to name an account. ``mark`` keeps equal texts of two doors apart in the counters."""

    mark: str
    find: Callable[[str], User | None]
    by_network: FailureCounter


def _find_by_email(email: str) -> User | None:
    try:
        validate_email(email)
    except ValidationError:
        return None
    return user_by_email(email)


_EMAIL = _Door("", _find_by_email, BY_ADDRESS)
_USERNAME = _Door("username ", user_by_username, BY_ADDRESS)
_NUMBER = _Door("number ", user_by_number, BY_SCHOOL)


def login(
    *,
    password: str,
    ip: str,
    user_agent: str,
    email: str = "",
    username: str = "",
    participant_number: str = "",
    roles: tuple[Role, ...] = (),
) -> LoggedIn:
    """Sign in by password and exactly one of e-mail, username and participant number; the caller sees to "one".

    Five failures in 15 minutes for one account from one network close that pair; many from one address close the
    address: 300, for numbers 3,000. An unverified user whose link has run out is mailed a new one.
    roles: the only ones let in at this door; empty for all.
    Raises INVALID_CREDENTIALS, EMAIL_NOT_VERIFIED, COMPANY_INACTIVE, BANNED, RATE_LIMITED.
    Source: primary contract 1.3; exam-room contract "Login Endpoint".
    """
    if participant_number:
        user = _matching(_NUMBER, participant_number, password, ip)
    elif username:
        user = _matching(_USERNAME, username, password, ip)
    else:
        user = password_matches(email=email, password=password, ip=ip)
    if user is None or not user.is_active or (roles and user.role not in roles):
        raise _refused()
    if user.must_verify:
        verification_renew(user=user)
        raise DomainError(ErrorCode.EMAIL_NOT_VERIFIED, "Email not verified")
    if user.is_banned:
        raise DomainError(ErrorCode.BANNED, "You have been banned from taking tests")
    if user.is_locked:
        raise DomainError(ErrorCode.COMPANY_INACTIVE, "Company is inactive")
    return login_open(user=user, scope=LoginScope.FULL, ip=ip, user_agent=user_agent)


def _refused() -> DomainError:
    LOGIN_FAILURES.inc()
    return DomainError(ErrorCode.INVALID_CREDENTIALS, "Invalid credentials")


def password_matches(*, email: str, password: str, ip: str) -> User | None:
    """Return the user whose address and password these are, or None; hashes once whether or not the account exists.

    Raises RATE_LIMITED when the brake on guessing is on.
    """
    return _matching(_EMAIL, email, password, ip)


def folded(name: str) -> str:
    """Return what all spellings of a name have in common that a database may take for one another, and no less.

    PostgreSQL's ``lower`` follows the locale: it makes an i of a dotted capital I where Python makes two letters, and
    in Turkish a dotless one of a plain I. Names that only look alike share a counter, which costs nobody anything.
    """
    letters = unicodedata.normalize("NFKD", name.casefold()).replace("\u0131", "i")
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold()


def _matching(door: _Door, name: str, password: str, ip: str) -> User | None:
    name = name.strip()
    network = network_of(ip) if ip else "-"
    account = f"{door.mark}{folded(name)}|{network}"
    _begin(door, account, network)
    user = door.find(name)
    # Time must not tell who exists, nor who was imported and never came: always one first layer and one real hash.
    if user is None or not has_first_layer(user.password):
        first_layer(password, "nobody")
    if user is None:
        make_password(password)
    elif check_password(password, user.password, setter=lambda raw: password_rehash(user, raw)):
        BY_ACCOUNT.succeeded(account)
        door.by_network.succeeded(network)
        return user
    # Neither the name nor the address: a digest shows an attack as well and tells no one's name.
    logger.info("login refused door=%s pair=%s", door.mark.strip() or "email", hash_token(account)[:12])
    return None


def _begin(door: _Door, account: str, network: str) -> None:
    """Count one try for both brakes; one that a brake refuses is no guess and weighs on neither."""
    BY_ACCOUNT.begin(account)
    try:
        door.by_network.begin(network)
    except DomainError:
        BY_ACCOUNT.succeeded(account)
        raise


def password_rehash(user: User, raw: str) -> None:
    """Store a password that was found right as the preferred hasher does; ``user`` then holds what is stored.

    A job that wraps it, or a twin signing in, may have stored another form of the same password a moment ago: that
    one is checked too, or a right password would be refused. A password changed meanwhile is left alone.
    """
    hashed = make_password(raw)
    for _ in range(3):
        if _exchange(user, hashed):
            user.password = hashed
            return
        stored = User.objects.filter(pk=user.pk).values_list("password", flat=True).first()
        is_right, is_old = verify_password(raw, stored or "")
        if not is_right:
            return
        user.password = str(stored)
        if not is_old:
            return


def _exchange(user: User, hashed: str) -> bool:
    return User.objects.filter(pk=user.pk, password=user.password).update(password=hashed) == 1


@transaction.atomic
def login_open(*, user: User, scope: LoginScope, ip: str, user_agent: str) -> LoggedIn:
    """Store a login and return its token; the oldest logins give way where a maximum is set.

    The user's row is locked and read again: a password changed or an account shut since ``user`` was read has
    ended all logins, and this one must not slip in behind. Raises INVALID_CREDENTIALS then.
    """
    now = clock.now()
    current = User.objects.select_for_update().filter(pk=user.pk).first()
    if current is None or current.password != user.password or current.is_shut:
        raise _refused()
    row = Login.objects.create(
        user=user,
        scope=scope,
        user_agent=user_agent[:300],
        ip=ip or None,
        created_at=now,
        last_seen_at=now,
        expires_at=_end_of_login(current, now),
    )
    if current.role == Role.PARTICIPANT:
        audit.record(
            "accounts.login.opened", actor=_candidate(current, ip), obj=current, company_id=current.company_id,
            login_id=str(row.pk), user_agent=row.user_agent,
        )  # fmt: skip
    _limit_logins(user, row, now)
    User.objects.filter(pk=user.pk).update(last_login=now)
    return LoggedIn(user=user, token=token_for(row), login_id=row.pk)


def _candidate(user: User, ip: str) -> Actor:
    return Actor(kind=ActorKind.USER, id=user.pk, role=user.role, company_id=user.company_id, ip=ip)


def _end_of_login(user: User, now: datetime) -> datetime:
    """Return when a login made now ends; a candidate's never before the exam that is being sat."""
    if user.role != Role.PARTICIPANT:
        return now + settings.LOGIN_ABSOLUTE
    return max(now + settings.EXAM_LOGIN, user.exam_until or now)


def logins_last_until(*, user_id: int, until: datetime) -> None:
    """See that no open login of a candidate ends before ``until``, nor any made from now on.

    Inside the caller's transaction. Source: decisions "login, tokens, cookies" (exam room).
    """
    users = User.objects.filter(pk=user_id).filter(Q(exam_until__isnull=True) | Q(exam_until__lt=until))
    users.update(exam_until=until)
    rows = Login.objects.filter(user_id=user_id, revoked_at__isnull=True, expires_at__gt=clock.now())
    rows.filter(expires_at__lt=until).update(expires_at=until)


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
    """Return the signed token that names a login row; how long it is good is the row's affair, which can change."""
    return token_signed(row.pk, made_at=row.created_at, lifetime=settings.LOGIN_ABSOLUTE)


def token_signed(login_id: uuid.UUID, *, made_at: datetime, lifetime: timedelta) -> str:
    """Return a signed token that names a login and is good for ``lifetime`` at most."""
    token = AccessToken()
    token["sid"] = str(login_id)
    token.set_exp(from_time=made_at, lifetime=lifetime)
    return str(token)


@transaction.atomic
def logout(*, login_id: str, ip: str = "") -> None:
    """End one login; its token is refused from now on by every process. A candidate's is told, as its beginning was."""
    rows = Login.objects.filter(pk=uuid.UUID(login_id), revoked_at__isnull=True)
    row = rows.select_related("user").first()
    if row is None or not rows.update(revoked_at=clock.now(), revoke_reason="logout"):
        return
    if row.user.role == Role.PARTICIPANT:
        audit.record(
            "accounts.login.closed", actor=_candidate(row.user, ip), obj=row.user, company_id=row.user.company_id,
            login_id=str(row.pk),
        )  # fmt: skip


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
