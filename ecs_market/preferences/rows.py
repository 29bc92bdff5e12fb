"""What the families' parameter rows have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ecs_market.types import F64

# Codes of `scale`: U = kappa ln u, or U = u.
LOG = 0.0
LEVEL = 1.0
# A level beyond exp(600), about 4e260, counts as that much, so that no difference is inf - inf.
MOST_LOGARITHM = 600.0


def per_bundle(per_good: Any, money_weight: F64 | None) -> F64:
    """Return a parameter of each entry of the bundle, (n, bundle).

    Parameters
    ----------
    per_good
        Numbers (n, K), one a good.
    money_weight
        (n,): what stands for money, which is then the last good; None if it is not in the bundle.
    """
    numbers = np.asarray(per_good, np.float64)
    if money_weight is None:
        return numbers
    return np.column_stack([numbers, np.asarray(money_weight, np.float64)])


def scale_and_kappa(parameters: Mapping[str, Any]) -> F64:
    """Return the columns kappa and scale, (n, 2)."""
    kappa = np.asarray(parameters["kappa"], np.float64)
    scale = LEVEL if parameters["scale"] == "level" else LOG
    return np.column_stack([kappa, np.full(kappa.shape, scale)])
