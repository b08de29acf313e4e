"""What staff of the house does with accounts of all roles."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError, RestrictedError

from accounts.models import PublicProfile, User
from accounts.selectors.people import person_find
from accounts.selectors.users import profile_of
from accounts.services.credentials import email_give, links_void, password_give, password_hash_new, password_hashed
from accounts.services.locks import super_admins_guard, users_locked
from accounts.services.login import logins_revoke
from accounts.services.profile import profile_write
from accounts.services.users import user_add, user_delete
from accounts.services.verification import verification_send
from accounts.states import Role
from cbt.kernel import audit, clock, events
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode, invalid, not_found

RUNS_A_COMPANY = "This user is an admin of a company. Remove it from the company first."
Told = dict[str, Any]


def person_create(
    *,
    name: str,
    email: str,
    password: str,
    role: Role,
    actor: Actor,
    company_id: int | None = None,
    userable: Told | None = None,
    is_verified: bool = True,
) -> User:
    """Store a user of any role. Staff vouches for the address unless ``is_verified`` is False: then a link is mailed.

    company_id: the company a tenant admin is to run; without it the user has the role and no company yet.
    userable: a private buyer's profile; other roles have none and it is ignored.
    Raises VALIDATION_ERROR (taken address, password, company). Source: details 2.11, W-9d.
    """
    hashed = password_hash_new(password)
    with transaction.atomic():
        user = user_add(name=name, email=email, hashed=hashed, role=role, is_verified=is_verified, actor=actor)
        if role == Role.PUBLIC_USER and userable:
            _profile_tell(user, userable, clock.now())
        _appoint(user, company_id, actor)
        if not is_verified:
            verification_send(user=user)
        return person_find(user.pk)


def person_update(
    *,
    user_id: int,
    actor: Actor,
    name: str | None = None,
    email: str | None = None,
    password: str | None = None,
    role: Role | None = None,
    company_id: int | None = None,
    is_active: bool | None = None,
    userable: Told | None = None,
) -> User:
    """Change what is given; None leaves a field as it is.

    A password ends every login of the user (one's own goes on) and voids reset links; a role or a deactivation
    ends them too. An address staff gives counts at once and the old one is told; one's own has to be proved.
    Raises NOT_FOUND; VALIDATION_ERROR (taken address, password, company); BUSINESS_RULE when someone would
    demote or deactivate themself or the last super admin, or change the role of who runs a company.
    Source: details 2.11, W-9d, W-50, W-58.
    """
    hashed = password_hashed(password)
    with transaction.atomic():
        is_loss = is_active is False or (role is not None and role != Role.SUPER_ADMIN)
        user = _locked(user_id, with_super_admins=is_loss)
        now, old_role = clock.now(), user.role
        changed = _facts_set(user, name, role, is_active, now, actor)
        if hashed is not None:
            password_give(user=user, hashed=hashed, actor=actor, now=now)
            changed.append("password")
        if email is not None and email_give(user=user, email=email, actor=actor, now=now):
            changed.append("email")
        changed += _profile_tell(user, userable, now) if user.role == Role.PUBLIC_USER and userable else []
        changed += ["company"] if _appoint(user, company_id, actor) else []
        if changed:
            audit.record(
                "accounts.user.updated", actor=actor, obj=user, company_id=user.company_id,
                fields=sorted(changed), role=user.role, old_role=old_role,
            )  # fmt: skip
    return person_find(user_id)


def _facts_set(
    user: User, name: str | None, role: Role | None, is_active: bool | None, now: datetime, actor: Actor
) -> list[str]:
    """Give a locked user a name, a role, a state; None leaves it. Returns what has changed."""
    before = {field: getattr(user, field) for field in ("name", "role", "is_active")}
    if role is not None and role != user.role:
        _role_change(user, role, now, actor)
    if is_active is not None and is_active != user.is_active:
        _active_change(user, is_active, actor)
    user.name = name if name is not None else user.name
    changed = [field for field, old in before.items() if getattr(user, field) != old]
    if changed:
        user.updated_at = now
        user.save(update_fields=[*changed, "updated_at"])
    return changed


@transaction.atomic
def person_remove(*, user_id: int, actor: Actor) -> bool:
    """Delete an account with its logins, proofs and profile; tell whether it is gone.

    False: purchases or other records refer to it, so it was deactivated instead: no sign-in any more, every
    login ended, the records keep their owner. Calling again changes nothing.
    Raises NOT_FOUND; BUSINESS_RULE for oneself, for the last super admin, and for an admin of a company, who is
    removed there (the company's own rules on its last and its primary admin hold). Source: details 2.11, W-9d.
    """
    user = _locked(user_id, with_super_admins=True)
    if user.pk == actor.id:
        raise _refused("You cannot delete your own account.")
    _guard_super_admin(user, actor)
    if user.company_id is not None:
        raise _refused(RUNS_A_COMPANY)
    try:
        with transaction.atomic():
            user_delete(user_id=user.pk, actor=actor)
    except (ProtectedError, RestrictedError):
        if user.is_active:
            _active_change(user, False, actor)
            user.updated_at = clock.now()
            user.save(update_fields=["is_active", "updated_at"])
            audit.record("accounts.user.deactivated", actor=actor, obj=user, role=user.role)
        return False
    return True


def _refused(message: str) -> DomainError:
    return DomainError(ErrorCode.BUSINESS_RULE, message)


def _locked(user_id: int, *, with_super_admins: bool) -> User:
    rows = users_locked([user_id], with_super_admins=with_super_admins)
    if user_id not in rows:
        raise not_found()
    return rows[user_id]


def _guard_super_admin(user: User, actor: Actor) -> None:
    if user.role == Role.SUPER_ADMIN:
        super_admins_guard([user.pk], actor)


def _role_change(user: User, role: Role, now: datetime, actor: Actor) -> None:
    if user.pk == actor.id:
        raise _refused("You cannot change your own role.")
    _guard_super_admin(user, actor)
    if user.company_id is not None:
        raise _refused(RUNS_A_COMPANY)
    user.role = role
    if role == Role.PUBLIC_USER:
        PublicProfile.objects.get_or_create(user=user, defaults={"created_at": now, "updated_at": now})
    logins_revoke(user_ids=[user.pk], reason="role changed")


def _active_change(user: User, is_active: bool, actor: Actor) -> None:
    if not is_active:
        if user.pk == actor.id:
            raise _refused("You cannot deactivate your own account.")
        _guard_super_admin(user, actor)
        logins_revoke(user_ids=[user.pk], reason="deactivated")
        links_void(user, clock.now())
    user.is_active = is_active


def _profile_tell(user: User, userable: Told, now: datetime) -> list[str]:
    profile = profile_of(user.pk)
    if profile is None:
        profile = PublicProfile.objects.create(user=user, created_at=now, updated_at=now)
    return profile_write(profile, userable, now)


def _appoint(user: User, company_id: int | None, actor: Actor) -> bool:
    """Let a company take a tenant admin in; tell whether one did. Who runs one already cannot be given another."""
    if company_id is None or company_id == user.company_id:
        return False
    if user.role != Role.TENANT_ADMIN:
        raise invalid(company_id="Only a tenant admin can run a company.")
    if user.company_id is not None:
        raise _refused(RUNS_A_COMPANY)
    events.publish(events.CompanyAdminAppointed(user_id=user.pk, company_id=company_id, actor=actor))
    return True
