"""Django app."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """Registers the app."""

    name = "catalog"
