"""Reads of all accounts, for staff of the house."""

from django.db.models import QuerySet

from accounts.models import User
from accounts.states import CONTRACT_ROLES, Role
from cbt.kernel.errors import not_found


def people() -> QuerySet[User]:
    """Return every account of the contract's roles, deactivated ones too, with the profile of private buyers.

    Candidates are looked after as participants of their company, and the roles of other dialects by these.
    """
    return User.objects.filter(role__in=CONTRACT_ROLES).select_related("profile")


def person_find(user_id: int) -> User:
    """Return one account with its profile. Raises NOT_FOUND."""
    user = people().filter(pk=user_id).first()
    if user is None:
        raise not_found()
    return user


def super_admins_able() -> QuerySet[User]:
    """Return the super admins who can sign in now."""
    return User.objects.filter(role=Role.SUPER_ADMIN, is_active=True, is_locked=False, email_verified_at__isnull=False)
