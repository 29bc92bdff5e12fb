"""Counter-based random numbers: Philox4x32-10.

Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.  A number is
a pure function of the seed (the key) and of a counter that says what it is for: which draw, tick,
agent or post, and stream.  There is no state, so neither the order of rows nor the number of
threads can change what anyone draws.

Streams keep purposes apart.  The list is part of the meaning of a seed: an entry is never given
another number, and a change of the scheme raises `RNG_VERSION`.

==================  ==================================================
`POSITION`          first cells of agents
`INVENTORY`         first goods and money of agents
`PATCH`             whether a cell holds a resource patch
`PATCH_KIND`        which resource a patch holds
`PATCH_AMOUNT`      how much it holds at the start
`REGIME`            market or partner, in the mixed regime
`IDLE_WALK`         the direction of an agent without a target
`PARAMETER`         numbers of utilities that differ from agent to agent
`PAIR`              which pairs go first, where matching is random
`POST_CHOICE`       which post, where chance has a say in it
`CALL_SIDE`         whether a zero-intelligence trader buys or sells at a call
`CALL_LIMIT`        at what limit
`DOUBLE_AUCTION`    who hands in an order next, and what zero-intelligence traders do
`ZIP_TRADER`        constants of a zip trader, and where it aims after a shout
`PROPOSER`          who of a pair makes the offer
`ORDER_TYPE`        the type of an order, where a double auction has several
==================  ==================================================
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ecs_market.kernels.jit import inlined, kernel
from ecs_market.types import F64, I64

RNG_VERSION: Final = 1

POSITION: Final = 1
INVENTORY: Final = 2
PATCH: Final = 3
PATCH_KIND: Final = 4
PATCH_AMOUNT: Final = 5
REGIME: Final = 6
IDLE_WALK: Final = 7
PARAMETER: Final = 8
PAIR: Final = 9
POST_CHOICE: Final = 10
CALL_SIDE: Final = 11
CALL_LIMIT: Final = 12
DOUBLE_AUCTION: Final = 13
ZIP_TRADER: Final = 14
PROPOSER: Final = 15
ORDER_TYPE: Final = 16

# Words of 32 bits live in uint64, where neither their products nor their sums can wrap.
_WORD = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_M0 = np.uint64(0xD2511F53)
_M1 = np.uint64(0xCD9E8D57)
_W0 = np.uint64(0x9E3779B9)
_W1 = np.uint64(0xBB67AE85)
_TO_53 = np.uint64(11)
_UNIT = 2.0**-53


@inlined
def _word(value: int) -> np.uint64:
    """Return the low 32 bits of an int64."""
    return np.uint64(np.int64(value) & np.int64(0xFFFFFFFF))


@inlined
def philox(
    seed: int, draw: int, tick: int, ident: int, stream: int
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Return the four random words of one counter.

    Parameters
    ----------
    seed
        The key, all 64 bits of an int64: the low word is the first.
    draw, tick, ident, stream
        The counter, each reduced to its low 32 bits.

    Returns
    -------
    tuple of four uint64
        Words of 32 bits.
    """
    k0 = _word(seed)
    k1 = np.uint64(np.int64(seed) >> np.int64(32) & np.int64(0xFFFFFFFF))
    c0 = _word(draw)
    c1 = _word(tick)
    c2 = _word(ident)
    c3 = _word(stream)
    for _ in range(10):
        p0 = _M0 * c0
        p1 = _M1 * c2
        c0 = (p1 >> _HALF) ^ c1 ^ k0
        c1 = p1 & _WORD
        c2 = (p0 >> _HALF) ^ c3 ^ k1
        c3 = p0 & _WORD
        k0 = (k0 + _W0) & _WORD
        k1 = (k1 + _W1) & _WORD
    return c0, c1, c2, c3


@inlined
def uniform(seed: int, draw: int, tick: int, ident: int, stream: int) -> float:
    """Return a number in [0, 1), a multiple of 2**-53.

    The parameters are those of `philox`.
    """
    high, low, _, _ = philox(seed, draw, tick, ident, stream)
    return float(np.int64(((high << _HALF) | low) >> _TO_53)) * _UNIT


@inlined
def below(seed: int, draw: int, tick: int, ident: int, stream: int, bound: int) -> int:
    """Return an integer in [0, bound): the high half of a 64-bit random number times `bound`.

    Parameters
    ----------
    seed, draw, tick, ident, stream
        As for `philox`.
    bound
        At most 2**63 - 1; for 0 and below the result is 0.

    Returns
    -------
    int
        A value's probability differs from 1/bound by less than 2**-64.
    """
    high, low, _, _ = philox(seed, draw, tick, ident, stream)
    positive = max(np.int64(bound), np.int64(0))
    bound_low = np.uint64(positive & np.int64(0xFFFFFFFF))
    bound_high = np.uint64(positive >> np.int64(32))
    middle = high * bound_low + ((low * bound_low) >> _HALF)
    other = low * bound_high + (middle & _WORD)
    return int(np.int64(high * bound_high + (middle >> _HALF) + (other >> _HALF)))


@kernel
def fill_uniform(seed: int, tick: int, stream: int, draw: int, idents: I64, out: F64) -> None:
    """Write `uniform` of each identity into `out`.

    Parameters
    ----------
    seed, tick, stream, draw
        As for `philox`, the same for all.
    idents
        Shape (n,).
    out
        Shape (n,), overwritten.
    """
    for i in range(idents.shape[0]):
        out[i] = uniform(seed, draw, tick, idents[i], stream)


@kernel
def fill_below(
    seed: int, tick: int, stream: int, draw: int, idents: I64, bound: int, out: I64
) -> None:
    """Write `below` of each identity into `out`; the parameters are those of `fill_uniform`."""
    for i in range(idents.shape[0]):
        out[i] = below(seed, draw, tick, idents[i], stream, bound)
