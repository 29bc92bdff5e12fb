"""Domains."""
LONGEST_CURVE = 64
