"""Smallest valid users."""

import itertools
from typing import Any

from accounts.models import PublicProfile, User
from accounts.services.login import login_open
from accounts.states import LoginScope, Role
from cbt.kernel import clock

PASSWORD = "password123"
_number = itertools.count(1)


def make_user(role: Role = Role.PUBLIC_USER, *, is_verified: bool = True, **fields: Any) -> User:
    """Store a user whose password is PASSWORD; public users get a profile row."""
    number = next(_number)
    now = clock.now()
    user = User(
        name=fields.pop("name", f"Person {number}"),
        email=fields.pop("email", None if "participant_number" in fields else f"person{number}@example.com"),
        role=role,
        email_verified_at=now if is_verified else None,
        created_at=now,
        updated_at=now,
        **fields,
    )
    user.set_password(PASSWORD)
    user.save()
    if role == Role.PUBLIC_USER:
        PublicProfile.objects.create(user=user, created_at=now, updated_at=now)
    return user


def token_of(user: User) -> str:
    """Return a bearer token of a fresh login."""
    return login_open(user=user, scope=LoginScope.FULL, ip="127.0.0.1", user_agent="tests").token
