"""Signing in, prolonging and signing out. Source: v1 contract, auth."""

from accounts.services.login import logout
from accounts.services.refresh import tokens_open, tokens_refresh
from cbt.faces.v1.serializers import V1LoginIn, V1MessageOut, V1PairOut, V1RefreshIn, V1TokensOut
from cbt.faces.v1.views.base import V1View
from cbt.http.face import Ok
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Access, Scope
from cbt.kernel.errors import ErrorCode as E

_NOT_KEPT = {"Cache-Control": "no-store"}


class SignIn(V1View):
    """Signing in by username."""

    permission = Access.PUBLIC
    rate = Rate.LOGIN
    scope = Scope.NONE

    @documented(
        "Sign in",
        request=V1LoginIn,
        bare=V1TokensOut,
        errors=(E.INVALID_CREDENTIALS, E.VALIDATION_ERROR, E.RATE_LIMITED),
        example={"username": "student", "password": "DemoPass123!"},
    )
    def post(self, request: Request) -> Ok:
        """Open a login; the access token is good for minutes, the refresh token fetches the next pair."""
        data = V1LoginIn.parse(request)
        agent = str(request.META.get("HTTP_USER_AGENT", ""))[:300]
        pair = tokens_open(**data, ip=request.actor.ip, user_agent=agent)
        return Ok(V1TokensOut(pair).data, headers=_NOT_KEPT)


class Renew(V1View):
    """The next pair of tokens."""

    permission = Access.PUBLIC
    rate = Rate.REFRESH
    scope = Scope.NONE
    authentication_classes = ()  # clients send their old access token along, which may have run out

    @documented(
        "Fetch the next pair of tokens; the refresh token is spent by it",
        request=V1RefreshIn,
        bare=V1PairOut,
        errors=(E.UNAUTHENTICATED, E.VALIDATION_ERROR),
    )
    def post(self, request: Request) -> Ok:
        """Rotate: a repeated request gets the same successor for 20 seconds, a late one ends the login."""
        token = V1RefreshIn.parse(request)["refresh_token"]
        return Ok(V1PairOut(tokens_refresh(token=token, ip=request.actor.ip)).data, headers=_NOT_KEPT)


class SignOut(V1View):
    """Signing out."""

    scope = Scope.SELF

    @documented("Sign out: this login ends with its refresh token", bare=V1MessageOut, errors=(E.UNAUTHENTICATED,))
    def post(self, request: Request) -> Ok:
        """End the login the access token names; there is no body."""
        login_id = request.actor.login_id
        if login_id:
            logout(login_id=login_id)
        return Ok({"message": "Logged out"})
