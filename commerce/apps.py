"""Django app."""

from django.apps import AppConfig


class CommerceConfig(AppConfig):
    """Registers the app."""

    name = "commerce"
