"""Bearer tokens: a signed JWT that names a login row; the row decides."""

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import User
from accounts.selectors.logins import actor_of_token
from cbt.http.client import client_ip
from cbt.kernel.actor import Actor


class BearerAuthentication(BaseAuthentication):
    """Reads ``Authorization: Bearer <token>``. A bad token is 401 even where none is needed."""

    def authenticate(self, request: Request) -> tuple[User, Actor] | None:
        """Return (user, actor), None without a token; raise AuthenticationFailed for a bad one."""
        header = str(request.META.get("HTTP_AUTHORIZATION", ""))
        kind, _, token = header.partition(" ")
        if kind.lower() != "bearer":
            return None
        found = actor_of_token(
            token.strip(),
            ip=client_ip(request._request),
            user_agent=str(request.META.get("HTTP_USER_AGENT", ""))[:300],
        )
        if found is None:
            raise AuthenticationFailed
        return found

    def authenticate_header(self, request: Any) -> str:
        """Return the challenge that makes DRF answer 401."""
        return "Bearer"
