"""Sign-in to the Django admin by e-mail."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.models import User
from accounts.services.login import password_matches
from cbt.http.client import client_ip
from cbt.kernel.errors import DomainError


class EmailBackend(ModelBackend):
    """Checks the password as the API does, with the same brake on guessing; verified and unlocked users only."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """Return the user, or None."""
        if not username or password is None:
            return None
        try:
            user = password_matches(email=username, password=password, ip=client_ip(request) if request else "")
        except DomainError:
            return None
        if user is None or not self.user_can_authenticate(user):
            return None
        return user

    def user_can_authenticate(self, user: Any) -> bool:
        """Tell whether the account may come in, at sign-in and again at every request of its session."""
        return bool(user.is_verified and not user.is_shut)
