"""Django app."""

from django.apps import AppConfig


class ProctoringConfig(AppConfig):
    """Registers the app and its periodic work."""

    name = "proctoring"

    def ready(self) -> None:
        """Put the retention of photos in the periodic table."""
        from proctoring import tasks  # noqa: F401
