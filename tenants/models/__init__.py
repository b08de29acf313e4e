"""Rows about companies and what they have subscribed to."""

from tenants.models.billing import Invoice, SubscriptionTransaction
from tenants.models.company import Company, CompanyAdmin
from tenants.models.plan import SubscriptionPlan, SubscriptionPrice
from tenants.models.subscription import CompanySubscription

__all__ = [
    "Company",
    "CompanyAdmin",
    "CompanySubscription",
    "Invoice",
    "SubscriptionPlan",
    "SubscriptionPrice",
    "SubscriptionTransaction",
]
