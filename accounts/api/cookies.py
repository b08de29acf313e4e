"""The two cookies of a login: ``auth-token``, and Django's session.

Source: cookie frontend contract, "Required Implementation"; exam-files contract, "Security".
"""

from typing import Any

from django.middleware.csrf import rotate_token

from accounts.selectors.logins import login_id_of_token
from cbt.http.face import Cookie
from cbt.http.request import Request

AUTH_COOKIE = "auth-token"
COOKIE_SECONDS = 86_400
#: What the session holds: the user's id as the exam-files contract names it, and the login that answers for it.
SESSION_USER, SESSION_LOGIN = "userId", "login"


def cookies_set(request: Request, *, user_id: int, token: str) -> tuple[Cookie, ...]:
    """Begin a browser's login: put it into a fresh session and return the cookie that holds its token.

    Nothing of an earlier visitor's session stays, and its key is not used again. The session names the login's
    row, so whatever ends that row ends the session too. Every door by which people sign in calls this.
    """
    session: Any = request.session
    if session.get("_auth_user_id") == str(user_id):
        session.cycle_key()  # the same person is in the admin; signing in here is no reason to be thrown out there
    elif session.session_key:
        session.flush()
    session[SESSION_USER], session[SESSION_LOGIN] = user_id, login_id_of_token(token)
    session.set_expiry(COOKIE_SECONDS)
    rotate_token(request._request)
    return (Cookie(AUTH_COOKIE, token, COOKIE_SECONDS),)


def cookies_clear(request: Request) -> tuple[Cookie, ...]:
    """End a browser's login: forget its session and return the cookie's removal."""
    session: Any = request.session
    session.flush()
    return (Cookie(AUTH_COOKIE, "", 0),)
