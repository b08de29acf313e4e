"""Django app."""

from django.apps import AppConfig


class AnticheatConfig(AppConfig):
    """Registers the app and listens to what sessions tell."""

    name = "anticheat"
    verbose_name = "Anti-cheat"

    def ready(self) -> None:
        """Subscribe to submits."""
        from anticheat.services.anomalies import on_session_completed
        from cbt.kernel.events import SessionCompleted, subscribe

        subscribe(SessionCompleted, on_session_completed)
