"""Django app."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """Registers the app."""

    name = "catalog"

    def ready(self) -> None:
        """Register periodic work."""
        from catalog import tasks  # noqa: F401
