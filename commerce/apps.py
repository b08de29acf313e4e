"""Django app of what is bought."""

from django.apps import AppConfig


class CommerceConfig(AppConfig):
    """Purchases of private users."""

    name = "commerce"
