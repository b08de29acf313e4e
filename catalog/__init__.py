"""Tests on offer, their questions, and the rules that read and score them."""
