"""Rows of accounts that are locked together."""

import uuid
from collections.abc import Iterable

from django.db.models import Q

from accounts.models import Login, User
from accounts.selectors.people import super_admins_able
from accounts.states import CONTRACT_ROLES, Role
from cbt.kernel.actor import Actor, ActorKind
from cbt.kernel.errors import DomainError, ErrorCode

LAST_SUPER_ADMIN = "The last super admin cannot be removed, deactivated or given another role."


def login_locked(login_id: uuid.UUID) -> Login | None:
    """Lock a login until commit and return it with its user; None when there is no such login."""
    return Login.objects.select_for_update(of=("self",)).select_related("user").filter(pk=login_id).first()


def users_locked(
    user_ids: Iterable[int], *, with_super_admins: bool, roles: Iterable[Role] = CONTRACT_ROLES
) -> dict[int, User]:
    """Lock users until commit and return those that exist; in one order, so that two calls never wait crosswise.

    Accounts of other dialects are not found: a contract does not know them. roles: which ones it knows.
    with_super_admins: all of them too, where one may be lost, so that twins see each other.
    """
    wanted = Q(pk__in=list(user_ids), role__in=list(roles))
    if with_super_admins:
        wanted |= Q(role=Role.SUPER_ADMIN)
    return {row.pk: row for row in User.objects.select_for_update().filter(wanted).order_by("pk")}


def super_admins_guard(lost_ids: Iterable[int], actor: Actor) -> None:
    """Refuse to lose the last super admin who can sign in; call under `users_locked` with all of them.

    Raises BUSINESS_RULE; FORBIDDEN where the actor was lost a moment ago and decides nothing any more.
    """
    able = set(super_admins_able().values_list("pk", flat=True))
    if able <= set(lost_ids):
        raise DomainError(ErrorCode.BUSINESS_RULE, LAST_SUPER_ADMIN)
    if actor.kind is ActorKind.USER and actor.is_super_admin and actor.id not in able:
        raise DomainError(ErrorCode.FORBIDDEN, "Unauthorized")
