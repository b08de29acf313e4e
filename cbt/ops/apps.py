"""Django app of operations: commands and server pages that span all rooms."""

from django.apps import AppConfig
from django.conf import settings


class OpsConfig(AppConfig):
    """Commands: serve, load_demo, run_jobs, ... ; health; the admin of jobs and mails."""

    name = "cbt.ops"
    label = "ops"

    def ready(self) -> None:
        """Configure Celery in every process that may wake it; without this it would look for a broker of its own."""
        if settings.JOB_EXECUTOR == "celery":
            from cbt import celery  # noqa: F401
        if settings.SENTRY_DSN:
            from cbt.ops import sentry

            sentry.start(settings.SENTRY_DSN, environment=settings.SENTRY_ENVIRONMENT)
