"""Django admin of what is bought and paid."""

from commerce.admin.payments import PaymentPage
from commerce.admin.purchases import PurchasePage
from commerce.admin.transactions import TransactionPage

__all__ = ["PaymentPage", "PurchasePage", "TransactionPage"]
