"""The default that answers nobody."""

from typing import Any

from rest_framework.permissions import BasePermission


class DenyAll(BasePermission):
    """Default of the framework settings: a view that forgot to be a `FaceView` answers nobody."""

    def has_permission(self, request: Any, view: Any) -> bool:
        """Refuse."""
        return False
