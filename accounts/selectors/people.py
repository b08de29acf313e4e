"""Reads of all accounts, for staff of the house."""

from django.db.models import Q, QuerySet

from accounts.models import User
from accounts.states import CONTRACT_ROLES, V1_ROLES, Role
from cbt.kernel.actor import Actor
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
    proved = Q(email__isnull=True) | Q(email_verified_at__isnull=False)
    return User.objects.filter(proved, role=Role.SUPER_ADMIN, is_active=True, is_locked=False)


def named_people() -> QuerySet[User]:
    """Return the accounts of the v1 dialect that may sign in; a removed one is none of them."""
    return User.objects.filter(role__in=V1_ROLES, is_active=True)


def named_people_for(actor: Actor) -> QuerySet[User]:
    """Return those of `named_people` the actor may see, oldest first.

    Admin: all. Instructor: students, whose attendance they record by id, and oneself. Student: oneself, because a
    check-in names the own id. Source: v1 contract, users; decisions "v1 roles".
    """
    rows = named_people().order_by("pk")
    if actor.is_super_admin:
        return rows
    own = Q(pk=actor.id or 0)
    return rows.filter(own | Q(role=Role.STUDENT) if actor.role == Role.INSTRUCTOR else own)


def named_find(actor: Actor, user_id: int) -> User:
    """Return one account as `named_people_for`. Raises NOT_FOUND, alike for absent and hidden ones."""
    user = named_people_for(actor).filter(pk=user_id).first()
    if user is None:
        raise not_found()
    return user
