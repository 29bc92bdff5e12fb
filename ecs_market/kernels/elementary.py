"""exp, log and power from + - x / and integer operations alone.

The platform's mathematical library gives other last bits on other platforms, and numba may replace
its functions by vector versions with yet others.  These kernels give the same bits everywhere, with
and without compilation, raise nothing and warn of nothing; the error is at most 2 units in the last
place (1 for exp and log).

Method: exp splits off a power of two, x = k ln 2 + r with |r| <= ln(2)/2, and uses
e^r = 1 + r + r^2 P(r).  log splits x = 2^k m with m in [sqrt(1/2), sqrt(2)) and sums the series of
2 artanh(s), s = (m - 1)/(m + 1).  power keeps the logarithm as an unevaluated sum of two floats
(Dekker's and Knuth's exact sum and product; T. J. Dekker, Numer. Math. 18, 1971), good to about 70
bits, so that the product with the exponent still has all its bits.  The polynomials interpolate the
exact functions at Chebyshev nodes on the reduced interval, solved with 60 digits and rounded to
float64; their own errors are below 2^-59.
"""

from __future__ import annotations

import math

import numpy as np

from ecs_market.kernels.jit import inlined

_INF = float("inf")
_NAN = float("nan")
_MIN_NORMAL = 2.2250738585072014e-308
_TWO54 = 18014398509481984.0
_ONE_BITS = 1023
_FIELD = 1 << 52  # one step of the exponent field
_SQRT_HALF_BITS = 0x3FE6A09E667F3BCD

_INV_LN2 = 1.4426950408889634
_LN2_HI = 0.6931471805598903  # 42 bits: a product with an exponent is exact
_LN2_LO = 5.497923018708371e-14
_ROUND = 6755399441055744.0  # 1.5 x 2^52: adding it rounds to an integer, held in the low bits
_ROUND_BITS = 0x4338000000000000
_EXP_MAX = 709.782712893384  # the largest argument with a finite result
_EXP_MIN = -746.0  # the result rounds to 0 from -745.14 on
_SPLIT = 134217729.0  # 2^27 + 1
_POWER_MAX = 18446744073709551616.0  # beyond 2^64 every base but 1 is out of range

_THIRD = 0.3333333333333333
_THIRD_LO = 1.850371707708594e-17
_FIFTH = 0.2
_FIFTH_LO = -1.1102230246251566e-17


@inlined
def _bits(x: float) -> int:
    """Return the bits of a float64 as an int64."""
    return int(np.float64(x).view(np.int64))


@inlined
def _from_bits(bits: int) -> float:
    """Return the float64 with these bits."""
    return float(np.int64(bits).view(np.float64))


@inlined
def _two_sum(a: float, b: float) -> tuple[float, float]:
    """Return the rounded sum and its exact error."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


@inlined
def _two_product(a: float, b: float) -> tuple[float, float]:
    """Return the rounded product and its error, exact unless it underflows."""
    p = a * b
    t = _SPLIT * a
    ah = t - (t - a)
    al = a - ah
    t = _SPLIT * b
    bh = t - (t - b)
    bl = b - bh
    return p, ((ah * bh - p) + ah * bl + al * bh) + al * bl


@inlined
def _exp_sum(hi: float, lo: float) -> float:
    """Return exp(hi + lo) for hi in [_EXP_MIN, _EXP_MAX] and |lo| far below 1."""
    t = hi * _INV_LN2 + _ROUND
    kd = t - _ROUND
    k = _bits(t) - _ROUND_BITS
    rh = hi - kd * _LN2_HI
    rl = lo - kd * _LN2_LO
    r = rh + rl
    c = (rh - r) + rl
    r2 = r * r
    r4 = r2 * r2
    p0 = 0.5 + r * 0.1666666666666667
    p1 = 0.04166666666666667 + r * 0.008333333333326084
    p2 = 0.0013888888888883711 + r * 0.0001984126987500228
    p3 = 2.480158732567746e-05 + r * 2.755725517000089e-06
    p4 = 2.755727347871858e-07 + r * (2.5105312729622103e-08 + r * 2.09147553258932e-09)
    p = (p0 + r2 * p1) + r4 * ((p2 + r2 * p3) + r4 * p4)
    m = 1.0 + (r + (r2 * p + c))
    # Two factors: one alone would overflow, or lose the subnormal results.
    half = k >> 1
    return m * _from_bits((half + _ONE_BITS) * _FIELD) * _from_bits((k - half + _ONE_BITS) * _FIELD)


@inlined
def _reduce(x: float) -> tuple[float, float]:
    """Return m in [sqrt(1/2), sqrt(2)) and k, as a float, with x = m 2^k, for finite x > 0."""
    small = x < _MIN_NORMAL
    bits = _bits(x * _TWO54 if small else x)
    k = (bits - _SQRT_HALF_BITS) >> 52
    m = _from_bits(bits - k * _FIELD)
    return m, float(k - 54 if small else k)


@inlined
def exp(x: float) -> float:
    """Return e**x.

    Parameters
    ----------
    x
        Any number; taken as float64.

    Returns
    -------
    float
        Within 1 ulp; inf above 709.78, 0 below -745.13, subnormal in between as it should be.
    """
    v = float(np.float64(x))
    # Comparisons, as min and max need not agree between Python and numba about a nan.
    c = v if v > _EXP_MIN else _EXP_MIN  # noqa: FURB136
    c = c if c < _EXP_MAX else _EXP_MAX  # noqa: FURB136
    y = _exp_sum(c, 0.0)
    y = _INF if v > _EXP_MAX else y
    return v if math.isnan(v) else y


@inlined
def log(x: float) -> float:
    """Return the natural logarithm of x.

    Parameters
    ----------
    x
        Any number; taken as float64.

    Returns
    -------
    float
        Within 1 ulp; -inf for 0 of either sign, nan below 0.
    """
    v = float(np.float64(x))
    m, k = _reduce(v if 0.0 < v < _INF else 1.0)
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    q0 = 0.6666666666666666 + z * 0.40000000000000885
    q1 = 0.28571428570799784 + z * 0.22222222392581045
    q2 = 0.18181795547521137 + z * 0.15386244737621665
    q3 = 0.13268638369266825 + z * 0.13088034850927555
    q = z * ((q0 + w * q1) + (w * w) * (q2 + w * q3))
    # log(1 + f) = f - f^2/2 + s (f^2/2 + q): the leading terms are exact or nearly so.
    h = 0.5 * f * f
    y = k * _LN2_HI - ((h - (s * (h + q) + k * _LN2_LO)) - f)
    y = v if v == _INF else y
    y = -_INF if v == 0.0 else y
    return y if v >= 0.0 else _NAN


@inlined
def _log_sum(x: float) -> tuple[float, float]:
    """Return log(x) as a sum of two floats, good to about 70 bits, for finite x > 0."""
    m, k = _reduce(x)
    f = m - 1.0
    dh, dl = _two_sum(m, 1.0)
    s = f / dh
    ph, pl = _two_product(s, dh)
    sl = (((f - ph) - pl) - s * dl) / dh
    zh, zl = _two_product(s, s)
    zl += 2.0 * s * sl
    w = zh * zh
    q0 = 0.14285714285714285 + zh * 0.11111111111111477
    q1 = 0.09090909090648908 + zh * 0.07692307762797279
    q2 = 0.06666657301781058 + zh * 0.05883027018294802
    q3 = 0.05236397497723725 + zh * 0.05309096972949301
    q = zh * ((q0 + w * q1) + (w * w) * (q2 + w * q3))
    # artanh(s) = s (1 + z (1/3 + z (1/5 + q))), the three outer sums in two floats
    ah = _FIFTH + q
    al = (_FIFTH - ah) + q + _FIFTH_LO
    th, tl = _two_product(zh, ah)
    tl += zh * al + zl * ah
    ah = _THIRD + th
    al = (_THIRD - ah) + th + (tl + _THIRD_LO)
    th, tl = _two_product(zh, ah)
    tl += zh * al + zl * ah
    vh, vl = _two_product(2.0 * s, th)
    vl += 2.0 * (s * tl + sl * th)
    lh, ll = _two_sum(2.0 * s, vh)
    ll += vl + 2.0 * sl
    yh, yl = _two_sum(k * _LN2_HI, lh)
    yl += ll + k * _LN2_LO
    return yh, yl


@inlined
def power(x: float, y: float) -> float:
    """Return x**y for x >= 0.

    Parameters
    ----------
    x
        The base, taken as float64.
    y
        The exponent, taken as float64.

    Returns
    -------
    float
        Within 2 ulp.  0**y is 0, 1 or inf for y above, at or below 0, and inf**y the reverse;
        x**0 and 1**y are 1 for every x and y, nan included; below 0 it is nan.
    """
    u = float(np.float64(x))
    v = float(np.float64(y))
    e = v if v > -_POWER_MAX else -_POWER_MAX  # noqa: FURB136
    e = e if e < _POWER_MAX else _POWER_MAX  # noqa: FURB136
    lh, ll = _log_sum(u if 0.0 < u < _INF else 1.0)
    ph, pl = _two_product(e, lh)
    pl += e * ll
    hi = ph + pl
    lo = (ph - hi) + pl
    inside = _EXP_MIN < hi <= _EXP_MAX
    r = _exp_sum(hi if inside else 0.0, lo if inside else 0.0)
    r = _INF if hi > _EXP_MAX else r
    r = 0.0 if hi <= _EXP_MIN else r
    r = (_INF if v < 0.0 else 0.0) if u == 0.0 else r
    r = (_INF if v > 0.0 else 0.0) if u == _INF else r
    r = r if u >= 0.0 and not math.isnan(v) else _NAN
    return 1.0 if u == 1.0 or v == 0.0 else r
