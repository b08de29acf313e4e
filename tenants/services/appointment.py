"""Taking in an admin whose account staff made or changed elsewhere."""

from accounts.models import User
from accounts.services.users import users_lock
from cbt.kernel import audit, clock
from cbt.kernel.errors import DomainError, ErrorCode, invalid
from cbt.kernel.events import CompanyAdminAppointed
from tenants.models import CompanyAdmin
from tenants.selectors.companies import company_for


def company_admin_appoint(event: CompanyAdminAppointed) -> None:
    """Make a user an admin of a company, its first one the primary; inside the transaction that appoints.

    Raises VALIDATION_ERROR under ``company_id`` when there is no such live company. Source: details 2.10, 2.11.
    """
    try:
        company = company_for(event.actor, event.company_id, lock=True)
    except DomainError as error:
        if error.code is not ErrorCode.NOT_FOUND:
            raise
        raise invalid(company_id="The selected company id is invalid.") from None
    now = clock.now()
    User.objects.filter(pk=event.user_id).update(company_id=company.pk, updated_at=now)
    if not company.is_active:
        users_lock(user_ids=[event.user_id], locked=True, actor=event.actor)
    admin = CompanyAdmin.objects.create(
        user_id=event.user_id, company=company, is_primary=not company.admins.exists(), created_at=now, updated_at=now
    )
    audit.record(
        "tenants.company_admin.added", actor=event.actor, obj=admin, company_id=company.pk,
        user_id=event.user_id, is_primary=admin.is_primary,
    )  # fmt: skip
