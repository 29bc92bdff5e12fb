"""What a family can say of its marginal utilities, so that fewer of them have to be worked out."""

from __future__ import annotations

from ecs_market.kernels.jit import borrowing
from ecs_market.types import F64

# Bits: the marginal utility of a good depends on that good alone; where utility is `sloped` and it
# falls, it falls ever less as the good grows, or evenly.
SEPARABLE, CONVEX = 1, 2


@borrowing
def no_shape(goods: F64, parameters: F64) -> int:
    """Return the bits that hold for a family that does not say: none."""
    return 0
