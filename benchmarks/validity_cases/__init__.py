"""The cases that `benchmarks/validity.py` runs, by subject."""
