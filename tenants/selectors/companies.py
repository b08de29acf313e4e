"""Which company, and whose."""

from dataclasses import dataclass

from django.db.models import FilteredRelation, Q, QuerySet, Value
from django.db.models.functions import Lower

from accounts.states import Role
from cbt.kernel import clock
from cbt.kernel.actor import Actor, ActorKind
from cbt.kernel.errors import DomainError, ErrorCode, not_found
from tenants.models import Company, CompanyAdmin, CompanySubscription
from tenants.states import SubscriptionStatus


@dataclass(frozen=True, slots=True)
class TenantContext:
    """The caller's own company and what it has subscribed to; subscription None: nothing active now."""

    company: Company
    subscription: CompanySubscription | None


def company_of(actor: Actor) -> TenantContext:
    """Return the company the caller runs, with its active and unexpired subscription. One query.

    Raises COMPANY_ADMIN_NOT_FOUND for anyone who runs none, COMPANY_INACTIVE for one that is shut or deleted.
    Source: details W-11, W-13.
    """
    company = None
    if actor.kind is ActorKind.USER and actor.id is not None and actor.role == Role.TENANT_ADMIN:
        running = Q(subscriptions__status=SubscriptionStatus.ACTIVE.value, subscriptions__expires_at__gt=clock.now())
        company = (
            Company.objects.filter(admins__user_id=actor.id)
            .annotate(running=FilteredRelation("subscriptions", condition=running))
            .select_related("running")  # type: ignore[misc]  # the stubs do not know filtered relations
            .first()
        )
    if company is None:
        raise DomainError(ErrorCode.COMPANY_ADMIN_NOT_FOUND, "Company admin not found")
    if not company.is_active:
        raise DomainError(ErrorCode.COMPANY_INACTIVE, "Company is inactive")
    return TenantContext(company=company, subscription=getattr(company, "running", None))


def companies_for(actor: Actor) -> QuerySet[Company]:
    """Return the live companies within the caller's reach: all for staff, its own for a company admin."""
    companies = Company.objects.filter(deleted_at__isnull=True)
    if actor.is_super_admin or actor.kind is ActorKind.SYSTEM:
        return companies
    if actor.kind is not ActorKind.USER or actor.id is None or actor.role != Role.TENANT_ADMIN:
        return companies.none()
    return companies.filter(admins__user_id=actor.id)


def company_for(actor: Actor, company_id: int, *, lock: bool = False) -> Company:
    """Return a live company within reach; NOT_FOUND alike for absent and foreign ones. lock: until commit."""
    companies = companies_for(actor).filter(pk=company_id)
    company = (companies.select_for_update(of=("self",)) if lock else companies).first()
    if company is None:
        raise not_found()
    return company


def company_admins_for(actor: Actor) -> QuerySet[CompanyAdmin]:
    """Return the admins of the companies within reach, with user and company, the primary one first."""
    return CompanyAdmin.objects.select_related("user", "company").filter(company__in=companies_for(actor))


def company_admin_for(actor: Actor, admin_id: int) -> CompanyAdmin:
    """Return one admin of a company within reach; NOT_FOUND alike for absent and foreign ones."""
    admin = company_admins_for(actor).filter(pk=admin_id).first()
    if admin is None:
        raise not_found()
    return admin


def company_email_taken(email: str) -> bool:
    """Tell whether a live company has this e-mail; the database folds case as the unique index does."""
    live = Company.objects.filter(deleted_at__isnull=True).alias(folded=Lower("email"))
    return live.filter(folded=Lower(Value(email.strip()))).exists()
