"""References in plain Python, written from the formulas, that the engine is compared with."""
