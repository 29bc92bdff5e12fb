"""Utility families: one module of scalar functions each, and the loops built from them."""
