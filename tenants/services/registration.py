"""A company registers itself together with its first admin."""

from django.db import transaction

from accounts.selectors.users import user_by_email
from accounts.services.credentials import password_hash_new
from accounts.services.login import LoggedIn, login_open
from accounts.services.users import user_add
from accounts.services.verification import verification_send
from accounts.states import LoginScope, Role
from cbt.kernel import audit, clock
from cbt.kernel.actor import Actor
from cbt.kernel.errors import invalid
from tenants.models import Company, CompanyAdmin
from tenants.selectors.companies import company_email_taken
from tenants.services.companies import company_save, email_taken_text


def company_register(
    *,
    company_name: str,
    company_email: str,
    company_phone: str,
    company_address: str,
    name: str,
    email: str,
    password: str,
    actor: Actor,
) -> LoggedIn:
    """Store an inactive company, its primary admin and the mail that proves the address: all or nothing.

    The company opens when the address is proved (`company_activate_first`). The returned login is good for
    ``me``, ``logout`` and ``resend-verification`` until then. Raises VALIDATION_ERROR for taken e-mails.
    Source: primary contract 1.2, details 2.1.
    """
    _check_emails(company_email, email)
    hashed = password_hash_new(password)
    with transaction.atomic():
        now = clock.now()
        company = Company(
            name=company_name, email=company_email.strip(), phone=company_phone, address=company_address,
            is_active=False, created_at=now, updated_at=now,
        )  # fmt: skip
        company_save(company, field="company_email")
        user = user_add(name=name, email=email, hashed=hashed, role=Role.TENANT_ADMIN, company_id=company.pk)
        CompanyAdmin.objects.create(user=user, company=company, is_primary=True, created_at=now, updated_at=now)
        verification_send(user=user)
        audit.record("tenants.company.registered", actor=actor, obj=company, company_id=company.pk, user_id=user.pk)
        return login_open(user=user, scope=LoginScope.UNVERIFIED, ip=actor.ip, user_agent=actor.user_agent)


def _check_emails(company_email: str, email: str) -> None:
    """Tell of both addresses at once which are taken. Twins pass here; the unique indexes decide between them."""
    taken = {
        "company_email": company_email_taken(company_email),
        "email": user_by_email(email) is not None,
    }
    if any(taken.values()):
        raise invalid(**{field: email_taken_text(field) for field, is_taken in taken.items() if is_taken})
