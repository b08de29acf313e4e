"""Who runs a company: exactly one primary admin, and always at least one."""

from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from accounts.models import EmailVerification, PasswordReset, User
from accounts.services.login import logins_revoke
from accounts.services.notices import notice_changed_by_staff
from accounts.services.passwords import password_check
from accounts.services.profile import email_change
from accounts.services.users import EMAIL_TAKEN, is_email_taken, user_create, user_delete, users_lock
from accounts.states import Role
from cbt.kernel import audit, clock
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode, invalid
from tenants.models import Company, CompanyAdmin
from tenants.selectors.companies import company_admin_for, company_for
from tenants.services.companies import company_locked


@transaction.atomic
def company_admin_add(
    *, company_id: int, name: str, email: str, password: str, actor: Actor, is_primary: bool = False
) -> CompanyAdmin:
    """Store a further admin with a user of its own, whose e-mail counts as verified; no mail is sent.

    The first admin of a company is its primary one; a new primary one demotes the old.
    Raises NOT_FOUND out of reach, VALIDATION_ERROR for a taken e-mail. Source: details 2.10, W-9, W-40.
    """
    company = company_for(actor, company_id, lock=True)
    user = user_create(
        name=name,
        email=email,
        password=password,
        role=Role.TENANT_ADMIN,
        company_id=company.pk,
        is_verified=True,
        actor=actor,
    )
    if not company.is_active:
        users_lock(user_ids=[user.pk], locked=True, actor=actor)
    now = clock.now()
    is_first = not company.admins.exists()
    if is_primary:
        _demote(company, now)
    admin = CompanyAdmin.objects.create(
        user=user, company=company, is_primary=is_primary or is_first, created_at=now, updated_at=now
    )
    audit.record(
        "tenants.company_admin.added", actor=actor, obj=admin, company_id=company.pk,
        user_id=user.pk, is_primary=admin.is_primary,
    )  # fmt: skip
    return admin


def _demote(company: Company, now: datetime) -> None:
    company.admins.filter(is_primary=True).update(is_primary=False, updated_at=now)


@transaction.atomic
def company_admin_set_primary(*, admin_id: int, actor: Actor) -> CompanyAdmin:
    """Make an admin the primary one of its company; the old one becomes an ordinary one. Idempotent.

    The company's row lock orders parallel calls, so that there never are none or two.
    Raises NOT_FOUND out of reach. Source: details 2.10, W-10, W-40.
    """
    company = company_for(actor, company_admin_for(actor, admin_id).company_id, lock=True)
    admin = company_admin_for(actor, admin_id)
    _promote(company, admin, actor)
    return admin


def _promote(company: Company, admin: CompanyAdmin, actor: Actor) -> None:
    """Under the company's lock."""
    if admin.is_primary:
        return
    now = clock.now()
    _demote(company, now)
    admin.is_primary = True
    admin.updated_at = now
    admin.save(update_fields=["is_primary", "updated_at"])
    audit.record(
        "tenants.company_admin.made_primary", actor=actor, obj=admin, company_id=company.pk, user_id=admin.user_id
    )


def company_admin_update(
    *,
    admin_id: int,
    actor: Actor,
    name: str | None = None,
    email: str | None = None,
    password: str | None = None,
    is_primary: bool | None = None,
) -> CompanyAdmin:
    """Change an admin; what is None stays. All or nothing.

    email: counts at once and as verified when somebody else changes it, as with a new admin; one's own new
    address counts when the mail that goes there is answered. password: ends the admin's logins, but not the one
    that asks; mailed reset links become void. is_primary True: as `company_admin_set_primary`.
    Raises NOT_FOUND out of reach, VALIDATION_ERROR (taken e-mail, password), BUSINESS_RULE for demoting the
    primary admin: another has to become it. Source: details 2.10, W-10, W-40, W-50.
    """
    hashed = None
    if password is not None:
        password_check(password)
        hashed = make_password(password)  # outside the transaction: hashing is slow on purpose
    with transaction.atomic():
        company = company_locked(company_id=company_admin_for(actor, admin_id).company_id, actor=actor)
        admin = company_admin_for(actor, admin_id)
        if is_primary is False and admin.is_primary:
            raise DomainError(ErrorCode.BUSINESS_RULE, "Make another admin the primary one first.")
        if is_primary:
            _promote(company, admin, actor)
        _user_change(admin.user, name=name, email=email, hashed=hashed, actor=actor)
        return company_admin_for(actor, admin_id)


def _user_change(user: User, *, name: str | None, email: str | None, hashed: str | None, actor: Actor) -> None:
    """The user's row is locked by the caller (`company_locked`)."""
    now = clock.now()
    changed = []
    if name is not None and name.strip() != user.name:
        user.name = name.strip()
        changed.append("name")
    if hashed is not None:
        user.password = hashed
        changed.append("password")
        PasswordReset.objects.filter(user=user, used_at__isnull=True).update(used_at=now)
        keep = actor.login_id if actor.id == user.pk else None
        logins_revoke(user_ids=[user.pk], reason="password changed", keep_login_id=keep)
    if changed:
        user.updated_at = now
        user.save(update_fields=["name", "password", "updated_at"])
        audit.record("accounts.user.changed", actor=actor, obj=user, company_id=user.company_id, changed=changed)
    if email is None or email.strip() == user.email:
        return
    if actor.id == user.pk:
        email_change(user=user, email=email, actor=actor)
    else:
        _email_set(user, email.strip(), actor, now)


def _email_set(user: User, email: str, actor: Actor, now: datetime) -> None:
    """Give somebody else another address; links sent to the old one are void, and it is told."""
    old, user.email, user.email_verified_at, user.updated_at = user.email, email, now, now
    try:
        with transaction.atomic():
            user.save(update_fields=["email", "email_verified_at", "updated_at"])
    except IntegrityError as error:
        if is_email_taken(error):
            raise invalid(email=EMAIL_TAKEN) from None
        raise
    event = audit.record("accounts.user.email_changed", actor=actor, obj=user, company_id=user.company_id)
    if old.lower() != email.lower():
        EmailVerification.objects.filter(user=user, used_at__isnull=True).update(used_at=now)
        PasswordReset.objects.filter(user=user, used_at__isnull=True).update(used_at=now)
        notice_changed_by_staff(user=user, old_email=old, event_id=event.pk)


@transaction.atomic
def company_admin_remove(*, admin_id: int, actor: Actor) -> None:
    """Delete an admin and the user with it.

    Raises NOT_FOUND out of reach, BUSINESS_RULE for the last admin, for the primary one (another has to
    become primary first) and for the caller's own account. Source: details 2.10, W-40.
    """
    company = company_locked(company_id=company_admin_for(actor, admin_id).company_id, actor=actor)
    admin = company_admin_for(actor, admin_id)
    if company.admins.count() == 1:
        raise DomainError(ErrorCode.BUSINESS_RULE, "The last admin of a company cannot be removed.")
    if admin.is_primary:
        raise DomainError(ErrorCode.BUSINESS_RULE, "Make another admin the primary one first.")
    audit.record("tenants.company_admin.removed", actor=actor, obj=admin, company_id=company.pk, user_id=admin.user_id)
    user_id = admin.user_id
    admin.delete()
    user_delete(user_id=user_id, actor=actor)
