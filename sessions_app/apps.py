"""Django app."""

from django.apps import AppConfig


class SessionsAppConfig(AppConfig):
    """Registers the app."""

    name = "sessions_app"
