"""What the stages of a settlement read and write; see `mechanisms.settlement`."""

from __future__ import annotations

from typing import NamedTuple

from ecs_market.types import F64, I64, Bool

# What a post offers next: everything that is left, nothing more, else the good of that number.
ALL, NONE = -1, -2


class Members(NamedTuple):
    """The members of a batch, one entry each; goods and money as before the clearing."""

    ids: I64
    family: I64
    lots: I64
    minor: I64
    parameters: F64
    weight: F64


class Terms(NamedTuple):
    """What each post trades at, and what it sells and buys itself (nothing: 0)."""

    first: I64
    price: I64
    fee_ppb: I64
    fee_per_lot: I64
    stock: I64
    cash: I64


class Chunks(NamedTuple):
    """Runs of members of one post each, and (posts + 1,) the first run of each post."""

    post: I64
    start: I64
    stop: I64
    first: I64


class Scale(NamedTuple):
    """The money mode, and the sizes of a lot [unit] and a minor unit [M]."""

    mode: int
    lot: float
    minor: float


class Sides(NamedTuple):
    """Sums of a settlement.

    Attributes
    ----------
    wished
        int64 (chunks, 2 K): lots that members offer to buy and to sell of each good.
    given
        int64 (chunks, K): lots handed out to the rationed side, rounded down.
    harmed
        int64 (chunks,): members that a round would harm.
    left
        int64 (chunks, 4 K): lots still wanted, still offered, settled net, moved by this offer.
    plan
        int64 (posts, 3 K): which side of each good is rationed, what it wants, what it gets.
    """

    wished: I64
    given: I64
    harmed: I64
    left: I64
    plan: I64


class Progress(NamedTuple):
    """How far each post is: whether a round is to be made, the good offered, offers made."""

    busy: Bool
    good: I64
    offers: I64
    moved: I64


class Book(NamedTuple):
    """Working arrays of a settlement, a row a member.

    Attributes
    ----------
    desired
        int64 (m, K): net trades wished for [lot].
    wish, fresh, part
        int64 (m, K): what is offered in a round, what the round gives, what was last checked.
    filled
        int64 (m, K): what is settled.
    remainder
        int64 (K, m), scratch of sharing.
    gain, reached
        float64 (m,): gain in utility from `filled`, and from `filled` + `part`.
    sound
        bool (m,): whether the last check found the member able to pay and no worse off.
    asked, over
        bool and int64 (m,): whose gain from a round is to be found, and what the round costs beyond
        the cash there is [minor unit].
    trial, noise
        float64 (m,): the gain in utility from a round, and the noise of comparing it.
    """

    desired: I64
    wish: I64
    fresh: I64
    part: I64
    filled: I64
    remainder: I64
    gain: F64
    reached: F64
    sound: Bool
    asked: Bool
    over: I64
    trial: F64
    noise: F64
