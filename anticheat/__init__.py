"""Suspicious acts during a sitting: what is reported or noticed, what counts, and what follows."""
