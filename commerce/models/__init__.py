"""Rows about what private users have bought."""

from commerce.models.purchase import Purchase

__all__ = ["Purchase"]
