"""Django admin of companies and subscriptions: every act goes through the service the API uses, or is audited here."""

from tenants.admin import billing, companies, subscriptions

__all__ = ["billing", "companies", "subscriptions"]
