"""What the pages of this app share."""

from typing import Any, cast

from django.http import HttpRequest

from accounts.models import User
from accounts.selectors.users import actor_of_user
from cbt.http.client import client_ip
from cbt.kernel.actor import Actor


def actor_of(request: HttpRequest) -> Actor:
    """Return the signed-in super admin as services see one; nobody else gets in here."""
    return actor_of_user(cast(User, request.user), ip=client_ip(request))


class ReadOnly:
    """Rows to look at."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no."""
        return False
