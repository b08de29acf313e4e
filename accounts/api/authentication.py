"""Who calls: a bearer token, else a cookie. Both name a login row; the row decides."""

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.api.cookies import AUTH_COOKIE, SESSION_LOGIN
from accounts.models import User
from accounts.selectors.logins import actor_of_login, actor_of_token
from cbt.http.client import client_ip
from cbt.http.origins import SAFE_METHODS, refuse_forged, require_csrf_token
from cbt.kernel.actor import Actor


class BearerAuthentication(BaseAuthentication):
    """Reads ``Authorization: Bearer <token>``.

    A bad token is 401 where a user is needed. Elsewhere it counts as none: clients send what they have kept with every
    request, and a login that has ended must not shut its owner out of signing in again or of a mailed link.
    """

    def authenticate(self, request: Request) -> tuple[User, Actor] | None:
        """Return (user, actor), None without a token; raise AuthenticationFailed for a bad one that matters."""
        header = str(request.META.get("HTTP_AUTHORIZATION", ""))
        kind, _, token = header.partition(" ")
        if kind.lower() != "bearer":
            return None
        found = actor_of_token(token.strip(), **seen_of(request))
        if found is None and _needs_user(request):
            raise AuthenticationFailed
        return found

    def authenticate_header(self, request: Any) -> str:
        """Return the challenge that makes DRF answer 401."""
        return "Bearer"


class CookieAuthentication(BaseAuthentication):
    """Reads the cookie ``auth-token`` where there is no ``Authorization``.

    A cookie whose login has ended counts as none: a browser cannot take it back, and must be able to sign in again.
    A cookie is no order: unsafe requests must also show that no other site made them (`refuse_forged`). Where a
    route needs no user, an unsafe request's cookie is not looked at, so that it can neither help nor harm.
    """

    def authenticate(self, request: Request) -> tuple[User, Actor] | None:
        """Return (user, actor) or None; raise CSRF_FAILED for what another site may have sent."""
        if request.META.get("HTTP_AUTHORIZATION") or _is_of_no_use(request):
            return None
        found = self.find(request)
        if found is not None:
            self.check_origin(request)
        return found

    def find(self, request: Request) -> tuple[User, Actor] | None:
        """Return whose cookie it is."""
        return actor_of_token(request.COOKIES.get(AUTH_COOKIE, ""), **seen_of(request))

    def check_origin(self, request: Request) -> None:
        """Raise CSRF_FAILED unless the request is the user's own."""
        refuse_forged(request)


class SessionAuthentication(CookieAuthentication):
    """Reads Django's session cookie; unsafe requests need Django's CSRF token.

    Source: exam-files contract, "Security".
    """

    def find(self, request: Request) -> tuple[User, Actor] | None:
        """Return whose session it is; a session of the admin alone opens nothing here."""
        login_id = request.session.get(SESSION_LOGIN)
        return actor_of_login(login_id, **seen_of(request)) if login_id else None

    def check_origin(self, request: Request) -> None:
        """Raise CSRF_FAILED without the token."""
        require_csrf_token(request)


def seen_of(request: Request) -> dict[str, str]:
    """Return what is known of the caller's machine: ``ip`` and ``user_agent``."""
    return {
        "ip": client_ip(request._request),
        "user_agent": str(request.META.get("HTTP_USER_AGENT", ""))[:300],
    }


def _is_of_no_use(request: Request) -> bool:
    """Tell whether this is an unsafe request to a route that needs no signed-in user."""
    return str(request.method) not in SAFE_METHODS and not _needs_user(request)


def _needs_user(request: Request) -> bool:
    """Tell whether the route is for signed-in users; what a view does not declare counts as if it were."""
    from cbt.http.views import Access, FaceView  # the framework imports this module while that one is being imported

    view, verb = request.parser_context.get("view"), str(request.method).lower()
    if not isinstance(view, FaceView) or verb not in view.verbs():
        return True
    declared = view.declared("permission", verb)
    return not isinstance(declared, Access) or declared is Access.SIGNED_IN
