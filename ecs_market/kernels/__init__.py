"""Compiled kernels: the numeric ground every other part of the engine stands on."""
