"""Members who are indifferent at the clearing prices: which prices these are, who takes what."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ecs_market.kernels import steps
from ecs_market.kernels.flows import place_indifferent
from ecs_market.kernels.jit import specialise
from ecs_market.kernels.ties import tie_prices
from ecs_market.mechanisms.batch import Batch
from ecs_market.preferences import families, linear
from ecs_market.preferences.modes import IN_UTILITY, QUASILINEAR
from ecs_market.types import F64, I64, Bool


@dataclass(slots=True)
class Placement:
    """What indifferent members can and cannot take up [M], and their options as bits."""

    unplaced: F64
    gross: F64
    options: I64

    def short(self, tolerance: F64, least: F64) -> Bool:
        """Return the posts where more is left over than tolerated; trade below `least` is none."""
        left: Bool = (self.unplaced > tolerance * self.gross) & (
            np.maximum(self.gross, self.unplaced) > least
        )
        return left


def linear_members(batch: Batch) -> tuple[I64, I64]:
    """Return where the linear members of each post begin and end, int64 (posts,)."""
    first, last = batch.first[:-1].copy(), batch.first[:-1].copy()
    for run in batch.runs:
        if run.family == linear.CODE:
            # Segments follow one another, so that the last one written counts.
            first[run.post[::-1]] = run.start[::-1]
            last[run.post] = run.stop
    return first, last


def _money(batch: Batch) -> tuple[F64, int]:
    """Return what money is worth to each member, and the money mode, as the kernels take them.

    To linear utility it is the same whether money is outside of the bundle or its last entry.
    """
    mode = batch.world.settings.mode
    if mode == IN_UTILITY:
        return batch.parameters[:, batch.world.goods].copy(), QUASILINEAR
    return batch.weight, mode


def nearly_tied(batch: Batch, price: F64, wanted: Bool, near: float) -> I64:
    """Move prices (posts, K), in place, to where nearly indifferent members are so exactly.

    Returns the first good that each one is tied to, int64 (posts, K); -1 where the price is known.
    """
    group = np.full(price.shape, -1, np.int64)
    first, last = linear_members(batch)
    batch.world.over(
        0,
        batch.posts,
        tie_prices,
        wanted,
        first,
        last,
        batch.commodities,
        batch.numeraire,
        batch.goods,
        batch.money,
        batch.parameters,
        *_money(batch),
        near,
        price,
        group,
        cost=batch.members_a_post,
    )
    return group


def place(
    batch: Batch,
    price: F64,
    pinned: F64,
    wanted: Bool,
    holdings: F64,
    indifferent: Bool,
    *,
    write: bool,
) -> Placement:
    """Match what indifferent linear members may do with what the others leave.

    Parameters
    ----------
    price, pinned
        float64 (posts, K): what is paid, and where indifference is judged [M / unit].
    holdings, indifferent
        (m, K): what members want [unit], and who does not mind; with `write` those of indifferent
        linear members are replaced, unless the numeraire is all that they would give or take.
    """
    found = Placement(np.zeros(batch.posts), np.zeros(batch.posts), np.zeros(batch.size, np.int64))
    batch.world.over(
        0,
        batch.posts,
        place_indifferent,
        wanted,
        batch.first,
        *linear_members(batch),
        batch.commodities,
        batch.numeraire,
        price,
        pinned,
        batch.goods,
        batch.money,
        batch.parameters,
        *_money(batch),
        batch.shading,
        _loose(batch, pinned, wanted, holdings),
        batch.world.settings.lot_size,
        write,
        found.options,
        holdings,
        indifferent,
        found.unplaced,
        found.gross,
        cost=batch.members_a_post,
    )
    return found


def _loose(batch: Batch, price: F64, wanted: Bool, holdings: F64) -> F64:
    """Return what indifferent members of other families can buy and sell, float64 (2, posts, G)."""
    loose = np.zeros((2, *price.shape))
    others = [
        run
        for run in batch.runs
        if run.family != linear.CODE and families.FAMILIES[run.family].KINKED
    ]
    if others:
        batch.excess(price, wanted)
        total = np.zeros((batch.size + 1, price.shape[1]))
        np.cumsum(holdings, axis=0, out=total[1:])
    for run in others:
        held = total[run.stop] - total[run.start]
        goods = held.shape[1]
        np.add.at(loose[0], run.post, np.maximum(0.0, run.high[:, :goods] - held))
        np.add.at(loose[1], run.post, np.maximum(0.0, held - run.low[:, :goods]))
    return loose


@functools.cache
def _trade_steps(codes: tuple[int, ...]) -> Callable[..., None]:
    chosen = families.dispatch(codes)
    rooms = specialise(steps.write_rooms, f"write_rooms_{chosen.name}", demand=chosen.demand)
    return specialise(steps.trade_steps, f"trade_steps_{chosen.name}", write_rooms=rooms)


def trade_steps(batch: Batch, pinned: F64, wanted: Bool, holdings: F64, indifferent: Bool) -> None:
    """Let indifferent members of stepped families serve the others, then one another, in place.

    Parameters
    ----------
    pinned
        float64 (posts, K): where indifference is judged [M / unit].
    holdings, indifferent
        (m, K): what members want [unit], and who does not mind.
    """
    codes = [run.family for run in batch.runs if _stepped(run.family)]
    # What is indifferent with a fee is so between buying and not, or selling and not.
    if not codes or batch.fees or batch.world.settings.mode == IN_UTILITY:
        return
    stepped = np.zeros(max(batch.world.families) + 1, np.bool_)
    stepped[codes] = True
    batch.world.over(
        0,
        batch.posts,
        _trade_steps(batch.world.families),
        wanted,
        batch.first,
        batch.commodities,
        batch.numeraire,
        pinned,
        batch.goods,
        batch.money,
        batch.parameters,
        batch.weight,
        batch.world.settings.mode,
        batch.floor,
        batch.shading,
        batch.family,
        stepped,
        batch.id,
        holdings,
        indifferent,
        cost=batch.members_a_post,
    )


def _stepped(family: int) -> bool:
    return bool(getattr(families.FAMILIES[family], "STEPPED", False))
