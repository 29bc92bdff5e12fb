"""Integer arithmetic wider than 64 bits, for exact shares."""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.jit import helper

_FITS = 9.2e18  # below 2^63 by more than the error of a product of two rounded floats


@helper
def mul_div(a: int, b: int, c: int) -> tuple[int, int]:
    """Return quotient and remainder of a * b / c, with the whole product.

    Parameters
    ----------
    a, b
        Not negative.
    c
        The divisor; for 0 and below the result is (0, 0).

    Returns
    -------
    quotient, remainder : int
        floor(a b / c), which must be below 2**63 (it is if a or b is at most c), and the rest.
    """
    u = int(np.int64(a))
    v = int(np.int64(b))
    w = int(np.int64(c))
    if w <= 0:
        return 0, 0
    if float(u) * float(v) < _FITS:
        product = u * v
        return product // w, product % w
    if u > v:
        u, v = v, u
    quotient = u * (v // w)
    v = v % w
    # Schoolbook, from u's highest bit down: double the remainder, add v for a set bit.  Both
    # compare with w - rest before they add, so nothing exceeds 63 bits.
    part = 0
    rest = 0
    bit = 62
    while u >> bit == 0:
        bit -= 1
    while bit >= 0:
        part = 2 * part
        if rest >= w - rest:
            rest -= w - rest
            part += 1
        else:
            rest += rest
        if (u >> bit) & 1:
            if rest >= w - v:
                rest -= w - v
                part += 1
            else:
                rest += v
        bit -= 1
    return quotient + part, rest
