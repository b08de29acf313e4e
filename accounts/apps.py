"""Django app of the accounts."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users and their logins."""

    name = "accounts"

    def ready(self) -> None:
        """Register mails and jobs."""
        from accounts import tasks  # noqa: F401
        from accounts.services import mails, notices  # noqa: F401
