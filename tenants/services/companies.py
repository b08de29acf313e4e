"""Making, opening, shutting and deleting companies."""

from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.services.candidates import candidates_lock
from accounts.services.users import users_lock
from cbt.kernel import audit, clock
from cbt.kernel.actor import Actor
from cbt.kernel.errors import invalid
from tenants.models import Company
from tenants.selectors.companies import company_for
from tenants.services.subscriptions import expire_run_out, subscription_end
from tenants.states import SUBSCRIPTION_OPEN

EDITABLE = frozenset({"name", "email", "phone", "address", "logo", "settings"})


@transaction.atomic
def company_create(
    *,
    name: str,
    email: str,
    actor: Actor,
    phone: str = "",
    address: str = "",
    logo: str = "",
    settings: Mapping[str, object] | None = None,
    is_active: bool = True,
) -> Company:
    """Store a company made by staff, open at once unless staff says otherwise. It has no admin yet.

    Raises VALIDATION_ERROR when another live company has the e-mail. Source: details 2.10, 4.
    """
    now = clock.now()
    company = Company(
        name=name, email=email.strip(), phone=phone, address=address, logo=logo, settings=dict(settings or {}),
        is_active=is_active, activated_at=now if is_active else None, deactivated_at=None if is_active else now,
        created_at=now, updated_at=now,
    )  # fmt: skip
    company_save(company, field="email")
    audit.record(
        "tenants.company.created", actor=actor, obj=company, company_id=company.pk, is_active=company.is_active
    )
    return company


def company_save(company: Company, *, field: str) -> None:
    """Insert or update a company; a taken e-mail is told under ``field`` as VALIDATION_ERROR.

    The caller's transaction; the unique index decides, so that twins cannot both pass.
    """
    try:
        with transaction.atomic():
            company.save()
    except IntegrityError as error:
        if "company_email_unique" not in str(error):
            raise
        raise invalid(**{field: email_taken_text(field)}) from None


def email_taken_text(field: str) -> str:
    """Return how a taken e-mail is told under this field."""
    return f"The {field.replace('_', ' ')} has already been taken."


def company_locked(*, company_id: int, actor: Actor) -> Company:
    """Lock a company with the users who run it until commit, and return it.

    The users first, as the proof of an address does (user, then company): so the two never wait crosswise.
    Raises NOT_FOUND out of reach.
    """
    company_for(actor, company_id)
    list(User.objects.select_for_update().filter(company_id=company_id).order_by("pk").values_list("pk"))
    return company_for(actor, company_id, lock=True)


@transaction.atomic
def company_update(*, company_id: int, actor: Actor, **changes: object) -> Company:
    """Change what is told about a company: name, email, phone, address, logo, settings; nothing else.

    Raises NOT_FOUND out of reach, VALIDATION_ERROR for a taken e-mail. Source: details 2.10.
    """
    if unknown := set(changes) - EDITABLE:
        raise TypeError(f"company_update cannot change {sorted(unknown)}")
    company = company_for(actor, company_id, lock=True)
    changed = sorted(name for name, value in changes.items() if getattr(company, name) != value)
    for name in changed:
        setattr(company, name, changes[name])
    company.email = company.email.strip()
    company.updated_at = clock.now()
    company_save(company, field="email")
    audit.record("tenants.company.updated", actor=actor, obj=company, company_id=company.pk, changed=changed)
    return company


@transaction.atomic
def company_change(*, company_id: int, data: Mapping[str, object], actor: Actor) -> Company:
    """Change what staff may change of a company in one act: `company_update`, and ``is_active`` where it is told.

    Raises as `company_update`. Source: details 2.10.
    """
    changes = dict(data)
    is_active = changes.pop("is_active", None)
    if is_active is not None:
        company_set_active(company_id=company_id, is_active=bool(is_active), actor=actor)
    return company_update(company_id=company_id, actor=actor, **changes)


@transaction.atomic
def company_toggle_active(*, company_id: int, actor: Actor) -> Company:
    """Shut an open company, open a shut one; the lock orders parallel calls. Raises NOT_FOUND. Source: details 2.10."""
    company = company_locked(company_id=company_id, actor=actor)
    return company_set_active(company_id=company_id, is_active=not company.is_active, actor=actor)


@transaction.atomic
def company_set_active(*, company_id: int, is_active: bool, actor: Actor) -> Company:
    """Open or shut a company. Shutting locks its admins out at once on every process; opening lets them back.

    What staff has shut stays shut until staff opens it: no later proof of an address does (`deactivated_at`).
    Calling again changes nothing. Raises NOT_FOUND for an unknown or deleted company.
    Source: details 2.10, 4, W-13.
    """
    company = company_locked(company_id=company_id, actor=actor)
    if company.is_active == is_active and (is_active or company.deactivated_at is not None):
        return company
    now = clock.now()
    company.is_active = is_active
    company.deactivated_at = None if is_active else now
    if is_active and company.activated_at is None:
        company.activated_at = now
    company.updated_at = now
    company.save()
    _lock_admins(company, locked=not is_active, actor=actor)
    action = "activated" if is_active else "deactivated"
    audit.record(f"tenants.company.{action}", actor=actor, obj=company, company_id=company.pk)
    return company


def _lock_admins(company: Company, *, locked: bool, actor: Actor) -> None:
    users_lock(user_ids=list(company.admins.values_list("user_id", flat=True)), locked=locked, actor=actor)
    candidates_lock(company_id=company.pk, locked=locked, now=company.updated_at)


@transaction.atomic
def company_delete(*, company_id: int, actor: Actor) -> None:
    """Take a company out of service for good: hidden, its admins locked out, its open subscription cancelled.

    The rows stay for what refers to them; the company's e-mail becomes free, those of its admins do not.
    Raises NOT_FOUND for an unknown or deleted company. Source: details 2.10 (soft delete), W-13.
    """
    company = company_locked(company_id=company_id, actor=actor)
    now = clock.now()
    company.is_active = False
    company.deactivated_at = company.deactivated_at or now
    company.deleted_at = now
    company.updated_at = now
    company.save()
    _lock_admins(company, locked=True, actor=actor)
    expire_run_out(company, now)
    _cancel_open(company, actor, now)
    audit.record("tenants.company.deleted", actor=actor, obj=company, company_id=company.pk)


def _cancel_open(company: Company, actor: Actor, now: datetime) -> None:
    for subscription in company.subscriptions.select_related("plan").filter(status__in=SUBSCRIPTION_OPEN):
        subscription_end(subscription=subscription, actor=actor, now=now)
