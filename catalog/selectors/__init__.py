"""Reads of the catalogue, each named for its screen."""
