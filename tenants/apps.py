"""Django app of the companies."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """Companies and what they subscribe to."""

    name = "tenants"

    def ready(self) -> None:
        """Register jobs, and what follows from a proved e-mail address."""
        from cbt.kernel import events
        from tenants import tasks  # noqa: F401
        from tenants.services.activation import company_activate_first

        events.subscribe(events.UserEmailVerified, company_activate_first)
