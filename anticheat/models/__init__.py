"""Rows about suspicious acts."""

from anticheat.models.detection import CheatDetection

__all__ = ["CheatDetection"]
