"""Bargaining between disjoint pairs, and its report."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecs_market.components.identity import Identity
from ecs_market.components.inventory import Inventory
from ecs_market.components.utility import Utility
from ecs_market.kernels import bargaining
from ecs_market.kernels.bargaining import RULES
from ecs_market.kernels.jit import specialise
from ecs_market.mechanisms.settlement import Trades
from ecs_market.preferences import families
from ecs_market.types import I32, I64
from ecs_market.world import World

# One pair's work in rows of the thread threshold.
PAIR_COST = 16


@dataclass(slots=True)
class Bargains:
    """What the pairs of a tick agreed on.

    Attributes
    ----------
    pairs
        How many pairs bargained.
    agreements
        int32 (pairs,): trades of each pair.
    gain
        int64 (pairs,): gains from trade of each pair [minor unit].
    trades
        Every trade, in the order of pairs.
    """

    pairs: int
    agreements: I32
    gain: I64
    trades: Trades


@functools.cache
def _kernel(codes: tuple[int, ...]) -> Any:
    chosen = families.dispatch(codes)

    def made(template: Any, **names: Any) -> Any:
        return specialise(template, f"{template.__name__}_{chosen.name}", **names)

    gain = made(bargaining.gain, utility=chosen.utility)
    wanted = made(bargaining.wanted, demand=chosen.demand)
    both_gain = made(bargaining.both_gain, gain=gain)
    return made(
        bargaining.bargain_pairs,
        gain=gain,
        agree=made(bargaining.agree, wanted=wanted, both_gain=both_gain),
        repeats=made(bargaining.repeats, both_gain=both_gain),
        write_rates=made(bargaining.write_rates, marginal=chosen.marginal, utility=chosen.utility),
    )


def bargain(world: World, first: I64, second: I64) -> Bargains:
    """Let the agents in rows `first` and `second` bargain, pair by pair.

    Pairs are disjoint and sorted by their lower id, which `first` holds.
    """
    settings = world.settings
    inventory = world.agents.whole(Inventory)
    utility = world.agents.whole(Utility)
    gain = np.zeros(len(first), np.int64)
    agreements = np.zeros(len(first), np.int32)
    records = world.over(
        0,
        len(first),
        _kernel(world.families),
        first,
        second,
        world.agents.whole(Identity).id,
        inventory.goods,
        inventory.money,
        utility.family,
        utility.parameters,
        utility.money_weight,
        RULES.index(settings.bargaining),
        settings.mode,
        settings.lot_size,
        settings.step_size,
        settings.minor_size,
        settings.lots_per_unit,
        world.scratch.filled,
        gain,
        agreements,
        cost=PAIR_COST,
    )
    rows = np.concatenate(records) if records else np.empty((0, bargaining.FIELDS), np.int64)
    buyer, seller, good, quantity, price = (rows[:, column] for column in range(5))
    market = np.full(len(rows), -1, np.int64)
    trades = Trades(market, buyer, seller, good, quantity, price)
    return Bargains(len(first), agreements, gain, trades)
