"""Browsers as the cookie frontend's visitors have them: cookies, an origin, nothing else."""

from typing import Any

from django.test import Client

from accounts.tests.factories import PASSWORD
from tests.support import Api, data_of

OURS = "http://localhost:3000"
FOREIGN = "https://evil.example"


def browser(user: Any = None, *, origin: str = OURS) -> Api:
    """Return a browser at a frontend's page, signed in or not; it checks CSRF as the server does."""
    api = Api(**({"Origin": origin} if origin else {}))
    api.client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    if user is not None:
        credentials = {"username": user.username} if user.email is None else {"email": user.email}
        data_of(api.post("/api/auth/login", {**credentials, "password": PASSWORD}))
    return api
