"""Normal random numbers from uniform ones, the same bits on every platform.

The quantile function is algorithm AS 241 (PPND16): M. J. Wichura, "The percentage points of the
normal distribution", Applied Statistics 37, 1988; its relative error is about 1e-16.
"""

from __future__ import annotations

import math

import numpy as np

from ecs_market.kernels.elementary import exp, log
from ecs_market.kernels.jit import inlined, kernel
from ecs_market.kernels.philox import uniform
from ecs_market.types import F64, I64

_HALF_UNIT = 2.0**-54


@inlined
def quantile(tail: float) -> float:
    """Return the point that a standard normal falls below with probability `tail`.

    Parameters
    ----------
    tail
        Above 0, at most 0.5.

    Returns
    -------
    float
        At most 0.
    """
    q = tail - 0.5
    if q >= -0.425:
        r = 0.180625 - q * q
        top = 2509.0809287301226727
        top = top * r + 33430.575583588128105
        top = top * r + 67265.770927008700853
        top = top * r + 45921.953931549871457
        top = top * r + 13731.693765509461125
        top = top * r + 1971.5909503065514427
        top = top * r + 133.14166789178437745
        top = top * r + 3.387132872796366608
        bottom = 5226.495278852545925
        bottom = bottom * r + 28729.085735721942674
        bottom = bottom * r + 39307.89580009271061
        bottom = bottom * r + 21213.794301586595867
        bottom = bottom * r + 5394.1960214247511077
        bottom = bottom * r + 687.1870074920579083
        bottom = bottom * r + 42.313330701600911252
        bottom = bottom * r + 1.0
        return q * top / bottom
    r = math.sqrt(-log(tail))
    if r <= 5.0:
        r = r - 1.6
        top = 7.7454501427834140764e-4
        top = top * r + 0.0227238449892691845833
        top = top * r + 0.24178072517745061177
        top = top * r + 1.27045825245236838258
        top = top * r + 3.64784832476320460504
        top = top * r + 5.7694972214606914055
        top = top * r + 4.6303378461565452959
        top = top * r + 1.42343711074968357734
        bottom = 1.05075007164441684324e-9
        bottom = bottom * r + 5.475938084995344946e-4
        bottom = bottom * r + 0.0151986665636164571966
        bottom = bottom * r + 0.14810397642748007459
        bottom = bottom * r + 0.68976733498510000455
        bottom = bottom * r + 1.6763848301838038494
        bottom = bottom * r + 2.05319162663775882187
        bottom = bottom * r + 1.0
        return -(top / bottom)
    r = r - 5.0
    top = 2.01033439929228813265e-7
    top = top * r + 2.71155556874348757815e-5
    top = top * r + 0.0012426609473880784386
    top = top * r + 0.026532189526576123093
    top = top * r + 0.29656057182850489123
    top = top * r + 1.7848265399172913358
    top = top * r + 5.4637849111641143699
    top = top * r + 6.6579046435011037772
    bottom = 2.04426310338993978564e-15
    bottom = bottom * r + 1.4215117583164458887e-7
    bottom = bottom * r + 1.8463183175100546818e-5
    bottom = bottom * r + 7.868691311456132591e-4
    bottom = bottom * r + 0.0148753612908506148525
    bottom = bottom * r + 0.13692988092273580531
    bottom = bottom * r + 0.59983220655588793769
    bottom = bottom * r + 1.0
    return -(top / bottom)


@kernel
def fill_normal(seed: int, tick: int, stream: int, draw: int, idents: I64, out: F64) -> None:
    """Write a standard normal number for each identity into `out`.

    The parameters are those of `philox.fill_uniform`. No number lies beyond 8.3: a uniform number
    stands for the middle of its interval of 2^-53.
    """
    for i in range(idents.shape[0]):
        drawn = np.float64(uniform(seed, draw, tick, idents[i], stream))
        if drawn < 0.5:
            out[i] = quantile(drawn + _HALF_UNIT)
        else:
            out[i] = -quantile((1.0 - drawn) - _HALF_UNIT)


@kernel
def raise_e(exponents: F64, out: F64) -> None:
    """Write e to the power of each number into `out`."""
    for i in range(exponents.shape[0]):
        out[i] = exp(exponents[i])
