"""Making, locking and removing accounts."""

from dataclasses import dataclass

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from accounts.models import PublicProfile, User
from accounts.selectors.users import user_by_email
from accounts.services.locks import super_admins_guard, users_locked
from accounts.services.login import LoggedIn, login_open, logins_revoke
from accounts.services.passwords import password_check
from accounts.services.verification import verification_send
from accounts.states import LoginScope, Role
from cbt.kernel import audit, clock
from cbt.kernel.actor import SYSTEM, Actor
from cbt.kernel.errors import DomainError, ErrorCode, invalid, not_found

EMAIL_TAKEN = "The email has already been taken."


@dataclass(frozen=True, slots=True)
class SuperAdminMade:
    """What `super_admin_create` left: the account, and whether it is new."""

    user: User
    is_new: bool


def user_register(*, name: str, email: str, password: str, ip: str, user_agent: str) -> LoggedIn:
    """Store a private buyer with profile and verification mail; the login is good for me, logout and resend only.

    Verification turns that same login into a full one. Raises VALIDATION_ERROR for a taken address.
    Source: primary contract 1.1, details 2.1.
    """
    password_check(password)
    hashed = make_password(password)  # outside the transaction: hashing is slow on purpose
    with transaction.atomic():
        user = _user_store(
            name=name, email=email, hashed=hashed, role=Role.PUBLIC_USER, company_id=None, is_verified=False
        )
        verification_send(user=user)
        return login_open(user=user, scope=LoginScope.UNVERIFIED, ip=ip, user_agent=user_agent)


def user_create(
    *,
    name: str,
    email: str,
    password: str,
    role: Role,
    company_id: int | None = None,
    is_verified: bool = False,
    actor: Actor = SYSTEM,
) -> User:
    """Store a user of any role; public users get a profile. No mail is sent: see `verification_send`.

    Raises VALIDATION_ERROR ``The email has already been taken.``, also when two race for one address, and for
    a password outside the limits. Source: details 2.1, 2.10.
    """
    password_check(password)
    return user_add(
        name=name, email=email, hashed=make_password(password), role=role, company_id=company_id,
        is_verified=is_verified, actor=actor,
    )  # fmt: skip


@transaction.atomic
def user_add(
    *,
    name: str,
    email: str,
    hashed: str,
    role: Role,
    company_id: int | None = None,
    is_verified: bool = False,
    actor: Actor = SYSTEM,
) -> User:
    """Store a user as `user_create` does, for callers with a transaction of their own.

    hashed: of a checked password, made before that transaction began (`credentials.password_hash_new`): hashing is
    slow on purpose, and on SQLite nobody else can write meanwhile. Raises VALIDATION_ERROR for a taken address.
    """
    user = _user_store(name=name, email=email, hashed=hashed, role=role, company_id=company_id, is_verified=is_verified)
    audit.record("accounts.user.created", actor=actor, obj=user, company_id=company_id, role=str(role))
    return user


def _user_store(*, name: str, email: str, hashed: str, role: Role, company_id: int | None, is_verified: bool) -> User:
    now = clock.now()
    user = User(
        name=name.strip(),
        email=email.strip(),
        password=hashed,
        role=role,
        company_id=company_id,
        email_verified_at=now if is_verified else None,
        created_at=now,
        updated_at=now,
    )
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        if is_email_taken(error):
            raise invalid(email=EMAIL_TAKEN) from None
        raise
    if role == Role.PUBLIC_USER:
        PublicProfile.objects.create(user=user, created_at=now, updated_at=now)
    return user


def is_email_taken(error: IntegrityError) -> bool:
    """Tell whether the constraint that refused a row is the one on addresses."""
    return "user_email_unique" in str(error)


@transaction.atomic
def user_rename(*, user_id: int, name: str, actor: Actor) -> User:
    """Give a user another name. Raises NOT_FOUND."""
    user = _locked(user_id)
    user.name = name.strip()
    user.updated_at = clock.now()
    user.save(update_fields=["name", "updated_at"])
    audit.record("accounts.user.renamed", actor=actor, obj=user, company_id=user.company_id)
    return user


@transaction.atomic
def user_delete(*, user_id: int, actor: Actor) -> None:
    """Remove a user with its logins, proofs and profile; who refers to it must be gone before. Raises NOT_FOUND."""
    user = _locked(user_id)
    if user.pk == actor.id:
        raise DomainError(ErrorCode.BUSINESS_RULE, "You cannot remove your own account.")
    audit.record("accounts.user.deleted", actor=actor, obj=user, company_id=user.company_id, role=user.role)
    user.delete()


def _locked(user_id: int) -> User:
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        raise not_found()
    return user


@transaction.atomic
def users_lock(*, user_ids: list[int], locked: bool, actor: Actor = SYSTEM) -> int:
    """Shut accounts out (all their logins end at once) or let them in again; return how many changed.

    Raises BUSINESS_RULE when someone would lock themself or the last super admin out. Source: W-13, W-9d.
    """
    if locked and actor.id is not None and actor.id in user_ids:
        raise DomainError(ErrorCode.BUSINESS_RULE, "You cannot lock your own account.")
    is_loss = locked and User.objects.filter(pk__in=user_ids, role=Role.SUPER_ADMIN).exists()
    found = users_locked(user_ids, with_super_admins=is_loss)
    wanted = [found[pk] for pk in sorted(set(user_ids)) if pk in found]
    if locked and any(user.role == Role.SUPER_ADMIN for user in wanted):
        super_admins_guard(user_ids, actor)
    rows = [user for user in wanted if user.is_locked != locked]
    changed = User.objects.filter(pk__in=[user.pk for user in rows]).update(is_locked=locked, updated_at=clock.now())
    if locked:
        logins_revoke(user_ids=user_ids, reason="locked")
    for user in rows:
        action = "accounts.user.locked" if locked else "accounts.user.unlocked"
        audit.record(action, actor=actor, obj=user, company_id=user.company_id)
    return changed


@transaction.atomic
def users_sign_out(*, user_ids: list[int], actor: Actor) -> int:
    """End every login of these users; return how many ended."""
    ended = logins_revoke(user_ids=user_ids, reason="signed out by staff")
    for user in User.objects.filter(pk__in=user_ids):
        audit.record("accounts.user.signed_out", actor=actor, obj=user, company_id=user.company_id)
    return ended


def super_admin_create(*, name: str, email: str, password: str) -> SuperAdminMade:
    """Store a verified super admin; one with this address already is left as it is, password included.

    Raises CONFLICT when the address belongs to an account of another role, VALIDATION_ERROR for the password.
    """
    existing = user_by_email(email)
    if existing is None:
        user = user_create(name=name, email=email, password=password, role=Role.SUPER_ADMIN, is_verified=True)
        return SuperAdminMade(user, is_new=True)
    if existing.role != Role.SUPER_ADMIN:
        raise DomainError(ErrorCode.CONFLICT, "This address belongs to an account of another role.")
    return SuperAdminMade(existing, is_new=False)
