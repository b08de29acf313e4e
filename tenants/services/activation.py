"""What the proof of an e-mail address opens."""

from accounts.states import Role
from cbt.kernel import audit, clock
from cbt.kernel.actor import Actor, ActorKind
from cbt.kernel.events import UserEmailVerified
from tenants.models import Company, CompanyAdmin


def company_activate_first(event: UserEmailVerified) -> None:
    """Open a registered company when one of its admins proves the address, the first time only.

    Subscriber of `UserEmailVerified`, in its transaction. One conditional UPDATE: a company that staff has shut,
    or that has been open before, is left alone. Source: details 2.1 verify-email, 4.
    """
    now = clock.now()
    admin = CompanyAdmin.objects.select_related("company").filter(user_id=event.user_id).first()
    if admin is None:
        return
    opened = Company.objects.filter(
        pk=admin.company_id, activated_at__isnull=True, deactivated_at__isnull=True, deleted_at__isnull=True
    ).update(is_active=True, activated_at=now, updated_at=now)
    if opened:
        actor = Actor(kind=ActorKind.USER, id=event.user_id, role=Role.TENANT_ADMIN, company_id=admin.company_id)
        audit.record("tenants.company.activated", actor=actor, obj=admin.company, company_id=admin.company_id)
