"""Accounts: looked after by admins; instructors find students, and all find themselves.

Source: v1 contract, users; decisions "v1 roles".
"""

from rest_framework.response import Response

from accounts.selectors.people import named_find, named_people_for
from accounts.services.named import named_create, named_remove, named_update
from accounts.states import V1_ROLES
from cbt.faces.v1.serializers import ROLES, V1NewUserIn, V1UserChangeIn, V1UserOut
from cbt.faces.v1.views.base import (
    ADMIN,
    LIST_HEADERS,
    ONE_ERRORS,
    PAGES,
    READ_ERRORS,
    ROLES_BY_NAME,
    V1View,
    listed,
    rows_of,
)  # fmt: skip
from cbt.http.face import Ok
from cbt.http.pages import choice_of, search_of
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Scope
from cbt.kernel.errors import ErrorCode as E

_EXAMPLE = {"username": "siti.aminah", "password": "password123", "role": "student"}


class Users(V1View):
    """All accounts the caller may see."""

    roles = {"get": V1_ROLES, "post": ADMIN}
    scope = {"get": Scope.SELF, "post": Scope.ALL}

    @documented(
        "List users: all for an admin, students and oneself for an instructor, oneself for a student",
        bare=rows_of(V1UserOut),
        is_tagged=True,
        headers=LIST_HEADERS,
        errors=(*READ_ERRORS, E.VALIDATION_ERROR),
        query=[("role", ", ".join(ROLES)), ("search", "in the username"), *PAGES],
    )
    def get(self, request: Request) -> Ok:
        """Return them oldest first."""
        rows = named_people_for(request.actor).filter(search_of(request, "username"))
        role = choice_of(request, "role", set(ROLES))
        if role is not None:
            rows = rows.filter(role=ROLES_BY_NAME[role])
        return listed(rows, request, lambda row: V1UserOut(row).data)

    @documented(
        "Create a user", request=V1NewUserIn, bare=V1UserOut, status=201, errors=(*READ_ERRORS, E.VALIDATION_ERROR),
        example=_EXAMPLE,
    )  # fmt: skip
    def post(self, request: Request) -> Ok:
        """Store an account."""
        made = named_create(**V1NewUserIn.parse(request), actor=request.actor)
        return Ok(V1UserOut(made).data, status=201)


class OneUser(V1View):
    """One account."""

    roles = {"get": V1_ROLES, "put": ADMIN, "delete": ADMIN}
    scope = {"get": Scope.SELF, "put": Scope.ALL, "delete": Scope.ALL}

    @documented("Show a user", bare=V1UserOut, is_tagged=True, errors=ONE_ERRORS)
    def get(self, request: Request, user: int) -> Ok:
        """Show it."""
        return Ok(V1UserOut(named_find(request.actor, user)).data)

    @documented(
        "Change a user; what is missing stays (a password or another role ends the user's logins)",
        request=V1UserChangeIn, bare=V1UserOut, errors=(*ONE_ERRORS, E.VALIDATION_ERROR, E.BUSINESS_RULE),
        example=_EXAMPLE,
    )  # fmt: skip
    def put(self, request: Request, user: int) -> Ok:
        """Change the given fields."""
        changed = named_update(user_id=user, **V1UserChangeIn.parse(request), actor=request.actor)
        return Ok(V1UserOut(changed).data)

    @documented("Remove a user; the records that refer to it stay", status=204, errors=(*ONE_ERRORS, E.BUSINESS_RULE))
    def delete(self, request: Request, user: int) -> Response:
        """Remove it; the username is free again."""
        named_remove(user_id=user, actor=request.actor)
        return Response(status=204)
