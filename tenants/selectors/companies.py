"""Which company, and whose."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import (
    Count,
    FilteredRelation,
    IntegerField,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce, Lower

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


def companies_run_by(user_ids: Collection[int]) -> set[tuple[int, int]]:
    """Return (user, company) of the open companies that these users run. One query."""
    rows = CompanyAdmin.objects.filter(user_id__in=user_ids, company__is_active=True)
    return set(rows.values_list("user_id", "company_id"))


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
    # NO KEY: rows that refer to the company (participants, invoices) may be stored by others meanwhile.
    company = (companies.select_for_update(of=("self",), no_key=True) if lock else companies).first()
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


def _count_of(relation: str, **only: object) -> Coalesce:
    """Count a company's rows of a relation in a subquery, so that several counts never multiply each other."""
    field = Company._meta.get_field(relation)
    rows = field.related_model._default_manager.filter(**{field.field.attname: OuterRef("pk")}, **only)  # type: ignore[union-attr]
    grouped = rows.order_by().values(field.field.attname).annotate(n=Count("pk")).values("n")  # type: ignore[union-attr]
    return Coalesce(Subquery(grouped, output_field=IntegerField()), 0)


def _running() -> QuerySet[CompanySubscription]:
    return CompanySubscription.objects.filter(
        status=SubscriptionStatus.ACTIVE, expires_at__gt=clock.now()
    ).select_related("plan")


def company_list_for(actor: Actor) -> QuerySet[Company]:
    """Return the companies within reach as staff's list shows them.

    With admins_count, participants_count (people who left are not counted), subscriptions_count, and
    ``running_list``: what is active now, at most one. Screen: contract 7.5.
    """
    return (
        companies_for(actor)
        .annotate(
            admins_count=_count_of("admins"),
            # The relation is known by name only: participants live in a room above.
            participants_count=_count_of("participants", deleted_at__isnull=True),
            subscriptions_count=_count_of("subscriptions"),
        )
        .prefetch_related(Prefetch("subscriptions", queryset=_running(), to_attr="running_list"))
    )


def companies_filter(
    companies: QuerySet[Company], *, has_subscription: bool | None, has_active_subscription: bool | None
) -> QuerySet[Company]:
    """Keep companies that have (True) or lack (False) any, or a running, subscription; None keeps all."""
    own = CompanySubscription.objects.order_by()
    running = own.filter(status=SubscriptionStatus.ACTIVE, expires_at__gt=clock.now())
    for wanted, rows in ((has_subscription, own), (has_active_subscription, running)):
        if wanted is not None:
            among = Q(pk__in=rows.values("company_id"))
            companies = companies.filter(among if wanted else ~among)
    return companies


def company_detail_for(actor: Actor, company_id: int) -> Company:
    """Return one company as its page shows it; NOT_FOUND alike for absent and foreign ones."""
    company = company_list_for(actor).filter(pk=company_id).first()
    if company is None:
        raise not_found()
    return company


def admin_user_ids(company_id: int) -> list[int]:
    """Return the ids of the users who run a company, the primary one first."""
    return list(CompanyAdmin.objects.filter(company_id=company_id).values_list("user_id", flat=True))
