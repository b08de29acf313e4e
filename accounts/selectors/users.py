"""Reads of users."""

from django.db.models import Value
from django.db.models.functions import Lower

from accounts.models import PublicProfile, User
from cbt.kernel.actor import Actor, ActorKind
from cbt.kernel.errors import not_found


def user_by_email(email: str) -> User | None:
    """Return the user with this address whatever its case, or None.

    The database folds both sides as the unique index does: the index answers, and no two ways of folding can
    disagree about who is meant.
    """
    return User.objects.alias(folded=Lower("email")).filter(folded=Lower(Value(email.strip()))).first()


def user_by_username(username: str) -> User | None:
    """Return the user with this username whatever its case, or None; see `user_by_email`."""
    return User.objects.alias(folded=Lower("username")).filter(folded=Lower(Value(username.strip()))).first()


def user_by_number(participant_number: str) -> User | None:
    """Return the candidate with this participant number whatever its case, or None; see `user_by_email`."""
    rows = User.objects.alias(folded=Lower("participant_number"))
    return rows.filter(folded=Lower(Value(participant_number.strip()))).first()


def user_of(actor: Actor, *, lock: bool = False) -> User:
    """Return the row of the signed-in user, locked on demand. Raises NOT_FOUND when there is none (any more)."""
    rows = User.objects.select_for_update() if lock else User.objects.all()
    user = rows.filter(pk=actor.id).first() if actor.id is not None and actor.kind is ActorKind.USER else None
    if user is None:
        raise not_found()
    return user


def profile_of(user_id: int) -> PublicProfile | None:
    """Return the profile of a private buyer; None for everybody else."""
    return PublicProfile.objects.filter(user_id=user_id).first()


def actor_of_user(user: User, *, ip: str = "", user_agent: str = "") -> Actor:
    """Return the actor a user is with all that the role allows, for doors without a bearer token (the Django admin)."""
    return Actor(
        kind=ActorKind.USER,
        id=user.pk,
        role=user.role,
        permissions=user.permission_set(),
        company_id=user.company_id,
        email=user.email or "",
        ip=ip,
        user_agent=user_agent,
    )
