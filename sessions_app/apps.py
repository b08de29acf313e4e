"""Django app of participants and their sittings."""

from django.apps import AppConfig


class SessionsAppConfig(AppConfig):
    """Participants, assignments, exam sessions, results."""

    name = "sessions_app"
    verbose_name = "Participants and sessions"

    def ready(self) -> None:
        """Register mails and periodic jobs."""
        from sessions_app.services import closing, importing, mails  # noqa: F401
