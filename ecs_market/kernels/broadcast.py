"""How far a price is trusted by its age."""

from __future__ import annotations

from ecs_market.kernels.elementary import exp
from ecs_market.kernels.jit import helper, kernel
from ecs_market.types import F64, I64, Bool, float64

LN_2 = 0.6931471805599453


@helper
def confidence_at(age: int, decays: bool, half_life: float, floor: float) -> float:
    """Return the confidence in a price of that age: halved every half-life, the floor at least."""
    if not decays:
        return 1.0
    return max(floor, exp(-LN_2 * float64(age) / half_life))


@kernel
def write_confidence(
    priced: Bool, age: I64, decays: bool, half_life: float, floor: float, confidence: F64
) -> None:
    """Write confidence in each post's prices; a post without a price has none."""
    for post in range(priced.shape[0]):
        confidence[post] = 0.0
        if priced[post]:
            confidence[post] = confidence_at(age[post], decays, half_life, floor)


@kernel
def tilts(sigma: float) -> tuple[float, float]:
    """Return by what a price may be off: up and down by `sigma` in logarithms."""
    return exp(sigma), exp(-sigma)
