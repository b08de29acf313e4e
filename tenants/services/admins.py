"""Who runs a company: exactly one primary admin, and always at least one."""

from datetime import datetime

from django.db import transaction

from accounts.services.users import user_create, user_delete, users_lock
from accounts.states import Role
from cbt.kernel import audit, clock
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode
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
    if admin.is_primary:
        return admin
    now = clock.now()
    _demote(company, now)
    admin.is_primary = True
    admin.updated_at = now
    admin.save(update_fields=["is_primary", "updated_at"])
    audit.record(
        "tenants.company_admin.made_primary", actor=actor, obj=admin, company_id=company.pk, user_id=admin.user_id
    )
    return admin


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
