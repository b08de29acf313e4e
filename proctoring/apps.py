"""Django app."""

from django.apps import AppConfig


class ProctoringConfig(AppConfig):
    """Registers the app."""

    name = "proctoring"
