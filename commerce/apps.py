"""Django app of what is bought and paid."""

from django.apps import AppConfig


class CommerceConfig(AppConfig):
    """Purchases of private users, and everybody's payments."""

    name = "commerce"

    def ready(self) -> None:
        """Register mails, jobs, and what follows when an order is paid."""
        from commerce import tasks  # noqa: F401
        from commerce.services import mails, orders, payables  # noqa: F401
        from commerce.states import Purpose

        payables.register(
            Purpose.TRANSACTION,
            on_paid=orders.transaction_paid,
            on_failed=orders.transaction_failed,
            on_reopened=orders.transaction_reopened,
        )
