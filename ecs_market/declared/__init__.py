"""Declarations of what the engine brings along: data for the scenario reader, no kernels."""
