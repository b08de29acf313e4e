"""Django admin of companies and subscriptions: every act goes through the service the API uses, or is audited here."""

from tenants.admin import companies, subscriptions

__all__ = ["companies", "subscriptions"]
