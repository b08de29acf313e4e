"""Rows about watching."""

from proctoring.models.photo import Photo

__all__ = ["Photo"]
