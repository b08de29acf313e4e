"""Accounts that sign in by username: admins, instructors and students. Source: v1 contract, users."""

import re

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, RestrictedError

from accounts.models import User
from accounts.services.credentials import links_void, password_give, password_hashed
from accounts.services.locks import super_admins_guard, users_locked
from accounts.services.login import logins_revoke
from accounts.services.passwords import password_check
from accounts.services.users import user_delete
from accounts.states import V1_ROLES, Role
from cbt.kernel import audit, clock
from cbt.kernel.actor import SYSTEM, Actor
from cbt.kernel.errors import DomainError, ErrorCode, invalid, not_found

USERNAME_TAKEN = "The username has already been taken."
USERNAME_WRONG = "The username must have 3 to 150 letters, digits, dots, hyphens or underscores."
#: No ``@`` (an e-mail is no username) and no ``:`` (names of removed accounts).
_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,149}")


def username_check(username: str) -> None:
    """Raise VALIDATION_ERROR unless a new username has 3 to 150 letters, digits, dots, hyphens or underscores."""
    if not _USERNAME.fullmatch(username):
        raise invalid(username=USERNAME_WRONG)


def named_create(*, username: str, password: str, role: Role, actor: Actor = SYSTEM) -> User:
    """Store an account of the v1 dialect.

    Raises VALIDATION_ERROR for the username (also one that differs in case only, also when two race for it), the
    password, and a role of another dialect. Source: v1 contract ``POST /v1/users``.
    """
    _role_check(role)
    username_check(username)
    password_check(password)
    hashed = make_password(password)  # outside the transaction: hashing is slow on purpose
    now = clock.now()
    user = User(name=username, username=username, password=hashed, role=role, created_at=now, updated_at=now)
    with transaction.atomic():
        _store(user)
        audit.record("accounts.user.created", actor=actor, obj=user, role=str(role))
    return user


def named_update(
    *,
    user_id: int,
    actor: Actor,
    username: str | None = None,
    password: str | None = None,
    role: Role | None = None,
) -> User:
    """Change what is given; None leaves it. A password or another role ends the user's logins.

    Raises NOT_FOUND; VALIDATION_ERROR as `named_create`; BUSINESS_RULE for one's own role and the last super admin.
    Source: v1 contract ``PUT /v1/users/{id}``.
    """
    if role is not None:
        _role_check(role)
    if username is not None:
        username_check(username)
    hashed = password_hashed(password)
    with transaction.atomic():
        user = _locked(user_id, with_super_admins=role is not None and role != Role.SUPER_ADMIN)
        now, changed = clock.now(), []
        if role is not None and role != user.role:
            _role_change(user, role, actor)
            changed.append("role")
        if username is not None and username != user.username:
            user.username = username
            changed.append("username")
        if changed:
            user.updated_at = now
            _store(user)
        if hashed is not None:
            password_give(user=user, hashed=hashed, actor=actor, now=now)
            changed.append("password")
        if changed:
            audit.record("accounts.user.updated", actor=actor, obj=user, fields=sorted(changed), role=user.role)
    return user


@transaction.atomic
def named_remove(*, user_id: int, actor: Actor) -> None:
    """Remove an account; where tests, results or other records refer to it, it is shut and hidden instead.

    Its username is free again either way, and every login ends. Raises NOT_FOUND; BUSINESS_RULE for oneself and the
    last super admin. Source: v1 contract ``DELETE /v1/users/{id}``.
    """
    user = _locked(user_id, with_super_admins=True)
    if user.pk == actor.id:
        raise DomainError(ErrorCode.BUSINESS_RULE, "You cannot delete your own account.")
    if user.role == Role.SUPER_ADMIN:
        super_admins_guard([user.pk], actor)
    try:
        with transaction.atomic():
            user_delete(user_id=user.pk, actor=actor)
    except (ProtectedError, RestrictedError):
        now = clock.now()
        logins_revoke(user_ids=[user.pk], reason="removed")
        links_void(user, now)
        user.is_active, user.updated_at = False, now
        user.username = f"removed:{user.pk}" if user.username else None
        user.save(update_fields=["is_active", "username", "updated_at"])
        audit.record("accounts.user.deactivated", actor=actor, obj=user, role=user.role)


def _role_check(role: Role) -> None:
    if role not in V1_ROLES:
        raise invalid(role="The selected role is invalid.")


def _role_change(user: User, role: Role, actor: Actor) -> None:
    if user.pk == actor.id:
        raise DomainError(ErrorCode.BUSINESS_RULE, "You cannot change your own role.")
    if user.role == Role.SUPER_ADMIN:
        super_admins_guard([user.pk], actor)
    user.role = role
    logins_revoke(user_ids=[user.pk], reason="role changed")


def _locked(user_id: int, *, with_super_admins: bool) -> User:
    user = users_locked([user_id], with_super_admins=with_super_admins, roles=V1_ROLES).get(user_id)
    if user is None or not user.is_active:
        raise not_found()
    return user


def _store(user: User) -> None:
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:
        if "user_username_unique" in str(error):
            raise invalid(username=USERNAME_TAKEN) from None
        raise
