"""Measurements behind the figures in docs/; each file tells how to run it."""
