"""What a private buyer changes about themself."""

from collections.abc import Mapping
from datetime import date, datetime

from django.db import transaction

from accounts.models import PublicProfile, User
from accounts.selectors.profiles import FullProfile, pending_email_of, profile_for
from accounts.selectors.users import user_by_email
from accounts.services.notices import notice_change_asked
from accounts.services.users import EMAIL_TAKEN
from accounts.services.verification import verification_brake, verification_send
from cbt.kernel import audit, clock
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode, invalid

Biodata = dict[str, object]


@transaction.atomic
def profile_complete(
    *, actor: Actor, phone: str, date_of_birth: date, address: str, biodata: Biodata | None = None
) -> FullProfile:
    """Fill in a profile for the first time; the user's row lock lets one of two parallel calls through.

    Raises BUSINESS_RULE ``Profile is already complete`` when phone, birth date and address are all there, and
    ``Public user profile not found.`` Source: primary contract 2.1, details 2.2.
    """
    full = profile_for(actor, lock=True)
    profile = full.profile
    if profile.phone and profile.date_of_birth and profile.address:
        raise DomainError(ErrorCode.BUSINESS_RULE, "Profile is already complete")
    told = {"phone": phone, "date_of_birth": date_of_birth, "address": address, "biodata": biodata}
    profile_write(profile, told, clock.now())
    audit.record("accounts.profile.completed", actor=actor, obj=full.user)
    return full


@transaction.atomic
def profile_update(
    *,
    actor: Actor,
    name: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    date_of_birth: date | None = None,
    address: str | None = None,
    biodata: Biodata | None = None,
) -> FullProfile:
    """Change what is given; None never clears a field. A new e-mail counts once it is proved (`email_change`).

    Raises VALIDATION_ERROR for an address that another account has, RATE_LIMITED after five links within an
    hour, BUSINESS_RULE ``Public user profile not found.`` Source: primary contract 2.1, details 2.2.
    """
    full = profile_for(actor, lock=True)
    now = clock.now()
    told = {"phone": phone, "date_of_birth": date_of_birth, "address": address, "biodata": biodata}
    changed = profile_write(full.profile, told, now)
    if name is not None and name != full.user.name:
        full.user.name = name
        full.user.updated_at = now
        full.user.save(update_fields=["name", "updated_at"])
        changed.append("name")
    if email is not None:
        email_change(user=full.user, email=email, actor=actor)
    if changed:
        audit.record("accounts.profile.updated", actor=actor, obj=full.user, fields=sorted(changed))
    return FullProfile(full.user, full.profile, pending_email_of(full.user))


def profile_write(profile: PublicProfile, told: Mapping[str, object | None], now: datetime) -> list[str]:
    """Store what is told and differs, and return its names; None is "not told"."""
    changed = [name for name, value in told.items() if value is not None and value != getattr(profile, name)]
    for name in changed:
        setattr(profile, name, told[name])
    if changed:
        profile.updated_at = now
        profile.save(update_fields=[*changed, "updated_at"])
    return changed


def email_change(*, user: User, email: str, actor: Actor) -> None:
    """Let a user want another address: a link goes to the new one, a warning to the one that counts.

    user: locked by the caller's transaction. The address changes when the link is used (`email_verify`); until
    then sign-in, mails and the profile keep the old one. Asking again for the address that waits changes
    nothing, so that a form may be sent as a whole (`verification_resend` mails again); asking for another
    replaces it. The same address in other letters is no change of address: it is stored as written.
    Raises VALIDATION_ERROR, RATE_LIMITED. Source: decisions "changing one's e-mail".
    """
    email = email.strip()
    old = user.email
    if old is not None and email.lower() == old.lower():
        if email != old:
            user.email, user.updated_at = email, clock.now()
            user.save(update_fields=["email", "updated_at"])
        return
    pending = pending_email_of(user)
    if pending is not None and pending.lower() == email.lower():
        return
    if user_by_email(email) is not None:  # told early; the unique index decides when the link is used
        raise invalid(email=EMAIL_TAKEN)
    verification_brake(user)
    verification = verification_send(user=user, email=email)
    if old is not None:
        notice_change_asked(user=user, old_email=old, verification=verification)
    audit.record("accounts.user.email_change_asked", actor=actor, obj=user, company_id=user.company_id)
