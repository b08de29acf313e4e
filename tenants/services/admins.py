"""Who runs a company: exactly one primary admin, and always at least one."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.services.credentials import email_give, password_give, password_hash_new, password_hashed
from accounts.services.users import user_add, user_delete, users_lock
from accounts.states import Role
from cbt.kernel import audit, clock
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode
from tenants.models import Company, CompanyAdmin
from tenants.selectors.companies import company_admin_for, company_for
from tenants.services.companies import company_locked

#: Their list is one array by contract, and every mail of the company goes to each.
MAX_ADMINS = 100


def company_admin_add(
    *, company_id: int, name: str, email: str, password: str, actor: Actor, is_primary: bool = False
) -> CompanyAdmin:
    """Store a further admin with a user of its own, whose e-mail counts as verified; no mail is sent.

    The first admin of a company is its primary one; a new primary one demotes the old.
    Raises NOT_FOUND out of reach, VALIDATION_ERROR for a taken e-mail, BUSINESS_RULE beyond 100 admins.
    Source: details 2.10, W-9, W-40.
    """
    hashed = password_hash_new(password)
    with transaction.atomic():
        company = company_for(actor, company_id, lock=True)
        user = user_add(
            name=name,
            email=email,
            hashed=hashed,
            role=Role.TENANT_ADMIN,
            company_id=company.pk,
            is_verified=True,
            actor=actor,
        )
        if not company.is_active:
            users_lock(user_ids=[user.pk], locked=True, actor=actor)
        now = clock.now()
        admin_count = company.admins.count()
        if admin_count >= MAX_ADMINS:
            raise DomainError(ErrorCode.BUSINESS_RULE, f"A company has at most {MAX_ADMINS} admins.")
        is_first = admin_count == 0
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

    email: as `email_give`: at once from staff of the house, otherwise when the mail that goes there is answered.
    password: ends the admin's logins, but not the one that asks; mailed reset links become void.
    is_primary True: as `company_admin_set_primary`.
    Raises NOT_FOUND out of reach, VALIDATION_ERROR (taken e-mail, password), BUSINESS_RULE for demoting the
    primary admin: another has to become it. Source: details 2.10, W-10, W-40, W-50.
    """
    hashed = password_hashed(password)
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
    now, changed = clock.now(), []
    if name is not None and name.strip() != user.name:
        user.name, user.updated_at = name.strip(), now
        user.save(update_fields=["name", "updated_at"])
        changed.append("name")
    if hashed is not None:
        password_give(user=user, hashed=hashed, actor=actor, now=now)
        changed.append("password")
    if changed:
        audit.record("accounts.user.changed", actor=actor, obj=user, company_id=user.company_id, changed=changed)
    if email is not None:
        email_give(user=user, email=email, actor=actor, now=now)


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
