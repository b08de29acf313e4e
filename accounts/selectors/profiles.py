"""Reads of a private buyer's own profile."""

from dataclasses import dataclass

from accounts.models import EmailVerification, PublicProfile, User
from accounts.selectors.users import profile_of, user_of
from cbt.kernel import clock
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode


@dataclass(frozen=True, slots=True)
class FullProfile:
    """A user, what they told about themself, and the new address that waits to be proved (None: none does)."""

    user: User
    profile: PublicProfile
    pending_email: str | None


@dataclass(frozen=True, slots=True)
class Completion:
    """How much of the five fields is there; ``fields`` in the contract's order."""

    fields: dict[str, bool]

    @property
    def missing(self) -> list[str]:
        """Return the fields that are not there yet."""
        return [name for name, is_there in self.fields.items() if not is_there]

    @property
    def percentage(self) -> int:
        """Return how much is there, each field weighing the same."""
        return 100 * sum(self.fields.values()) // len(self.fields)

    @property
    def is_complete(self) -> bool:
        """Tell whether nothing is missing."""
        return all(self.fields.values())


def profile_for(actor: Actor, *, lock: bool = False) -> FullProfile:
    """Return the caller's own profile; lock: the user's row until commit.

    Raises BUSINESS_RULE ``Public user profile not found.`` Source: details 2.2.
    """
    user = user_of(actor, lock=lock)
    profile = profile_of(user.pk)
    if profile is None:
        raise DomainError(ErrorCode.BUSINESS_RULE, "Public user profile not found.")
    return FullProfile(user, profile, pending_email_of(user))


def pending_email_of(user: User) -> str | None:
    """Return the address a user wants to change to while its link can still be used, or None."""
    row = EmailVerification.objects.filter(user_id=user.pk, used_at__isnull=True, expires_at__gt=clock.now()).first()
    return row.email if row is not None and row.email.lower() != (user.email or "").lower() else None


def completion_of(user: User, profile: PublicProfile) -> Completion:
    """Return how complete a profile is: five fields of 20 %, the address only once it is verified.

    Source: details 2.2 (completion rule).
    """
    return Completion(
        {
            "name": bool(user.name.strip()),
            "email": bool(user.email) and user.is_verified,
            "phone": bool(profile.phone.strip()),
            "date_of_birth": profile.date_of_birth is not None,
            "address": bool(profile.address.strip()),
        }
    )
