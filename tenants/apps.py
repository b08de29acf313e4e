"""Django app of the companies."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """Companies and what they subscribe to."""

    name = "tenants"

    def ready(self) -> None:
        """Register jobs and mails, what follows from a proved e-mail address, and what follows from a payment."""
        from cbt.kernel import events
        from commerce.services import payables
        from commerce.states import Purpose
        from tenants import tasks  # noqa: F401
        from tenants.services import mails, settlement  # noqa: F401
        from tenants.services.activation import company_activate_first
        from tenants.services.appointment import company_admin_appoint

        events.subscribe(events.UserEmailVerified, company_activate_first)
        events.subscribe(events.CompanyAdminAppointed, company_admin_appoint)
        payables.register(
            Purpose.SUBSCRIPTION_TRANSACTION,
            on_paid=settlement.transaction_paid,
            on_failed=settlement.transaction_failed,
            on_reopened=settlement.transaction_reopened,
        )
        payables.register(
            Purpose.INVOICE,
            on_paid=settlement.invoice_paid,
            on_failed=settlement.invoice_failed,
            on_reopened=settlement.invoice_reopened,
        )
