"""What staff of the house does with accounts of all roles."""

from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, Q, RestrictedError

from accounts.models import EmailVerification, PasswordReset, PublicProfile, User
from accounts.selectors.people import person_find, super_admins_able
from accounts.selectors.users import profile_of
from accounts.services.login import logins_revoke
from accounts.services.notices import notice_changed_by_staff
from accounts.services.passwords import password_check
from accounts.services.profile import email_change, profile_write
from accounts.services.users import EMAIL_TAKEN, is_email_taken, user_create, user_delete
from accounts.services.verification import pending_email_void, verification_send
from accounts.states import Role
from cbt.kernel import audit, clock, events
from cbt.kernel.actor import Actor, ActorKind
from cbt.kernel.errors import DomainError, ErrorCode, invalid, not_found

LAST_SUPER_ADMIN = "The last super admin cannot be removed, deactivated or given another role."
RUNS_A_COMPANY = "This user is an admin of a company. Remove it from the company first."
Told = dict[str, Any]


@transaction.atomic
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
    user = user_create(name=name, email=email, password=password, role=role, is_verified=is_verified, actor=actor)
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
    if password is not None:
        password_check(password)
    hashed = make_password(password) if password is not None else None  # slow on purpose: before any lock
    with transaction.atomic():
        is_loss = is_active is False or (role is not None and role != Role.SUPER_ADMIN)
        user = _locked(user_id, with_super_admins=is_loss)
        now = clock.now()
        before = (user.name, user.role, user.is_active)
        if role is not None and role != user.role:
            _role_change(user, role, now, actor)
        if is_active is not None and is_active != user.is_active:
            _active_change(user, is_active, actor)
        user.name = name if name is not None else user.name
        if (user.name, user.role, user.is_active) != before:
            user.updated_at = now
            user.save(update_fields=["name", "role", "is_active", "updated_at"])
        changed = [
            field
            for field, old in zip(("name", "role", "is_active"), before, strict=True)
            if getattr(user, field) != old
        ]
        if hashed is not None:
            _password_set(user, hashed, now, actor)
            changed.append("password")
        changed += _email_set(user, email, now, actor)
        if user.role == Role.PUBLIC_USER and userable:
            changed += _profile_tell(user, userable, now)
        changed += ["company"] if _appoint(user, company_id, actor) else []
        if changed:
            audit.record(
                "accounts.user.updated", actor=actor, obj=user, company_id=user.company_id,
                fields=sorted(changed), role=user.role, old_role=before[1],
            )  # fmt: skip
    return person_find(user_id)


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
    """Lock a user; where a super admin may be lost, all of them too, in one order, so that twins see each other."""
    wanted = Q(pk=user_id)
    if with_super_admins:
        wanted |= Q(role=Role.SUPER_ADMIN)
    rows = {row.pk: row for row in User.objects.select_for_update().filter(wanted).order_by("pk")}
    if user_id not in rows:
        raise not_found()
    return rows[user_id]


def _guard_super_admin(user: User, actor: Actor) -> None:
    """Refuse to lose the last super admin; and who was demoted a moment ago decides nothing any more."""
    if user.role != Role.SUPER_ADMIN:
        return
    able = set(super_admins_able().values_list("pk", flat=True))
    if able <= {user.pk}:
        raise _refused(LAST_SUPER_ADMIN)
    if actor.kind is ActorKind.USER and actor.id not in able:
        raise DomainError(ErrorCode.FORBIDDEN, "Unauthorized")


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
        _links_void(user, clock.now())
    user.is_active = is_active


def _links_void(user: User, now: datetime) -> None:
    EmailVerification.objects.filter(user=user, used_at__isnull=True).update(used_at=now)
    PasswordReset.objects.filter(user=user, used_at__isnull=True).update(used_at=now)


def _password_set(user: User, hashed: str, now: datetime, actor: Actor) -> None:
    user.password, user.updated_at = hashed, now
    user.save(update_fields=["password", "updated_at"])
    PasswordReset.objects.filter(user=user, used_at__isnull=True).update(used_at=now)
    pending_email_void(user, now)
    own_login = actor.login_id if user.pk == actor.id else None
    logins_revoke(user_ids=[user.pk], reason="password set by staff", keep_login_id=own_login)


def _email_set(user: User, email: str | None, now: datetime, actor: Actor) -> list[str]:
    """Give a user another address; links sent to the old one are void. Returns ["email"] if it changed."""
    if email is None or email.strip() == user.email:
        return []
    if user.pk == actor.id:
        email_change(user=user, email=email, actor=actor)
        return []
    old, user.email, user.updated_at = user.email, email.strip(), now
    try:
        with transaction.atomic():
            user.save(update_fields=["email", "updated_at"])
    except IntegrityError as error:
        if is_email_taken(error):
            raise invalid(email=EMAIL_TAKEN) from None
        raise
    if user.email.lower() != old.lower():
        _links_void(user, now)
        event = audit.record("accounts.user.email_changed", actor=actor, obj=user, company_id=user.company_id)
        notice_changed_by_staff(user=user, old_email=old, event_id=event.pk)
        if not user.is_verified:
            verification_send(user=user)
    return ["email"]


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
