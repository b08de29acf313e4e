"""Rows about what private users buy, and about everybody's payments."""

from commerce.models.cart import Cart, CartItem
from commerce.models.order import PublicTransaction, PublicTransactionItem
from commerce.models.payment import Payment
from commerce.models.purchase import Purchase

__all__ = ["Cart", "CartItem", "Payment", "PublicTransaction", "PublicTransactionItem", "Purchase"]
