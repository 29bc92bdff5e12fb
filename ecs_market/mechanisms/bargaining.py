"""Bargaining between disjoint pairs, and its report."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecs_market.components.identity import Identity
from ecs_market.components.inventory import Inventory
from ecs_market.components.utility import Utility
from ecs_market.kernels import bargaining, bargaining_blocks, bargaining_sides
from ecs_market.kernels.jit import specialise
from ecs_market.mechanisms.settlement import Trades
from ecs_market.preferences import families
from ecs_market.preferences.modes import IN_UTILITY
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
def _kernel(rule: str, codes: tuple[int, ...]) -> Any:
    chosen = families.dispatch(codes)

    def made(template: Any, ending: str = chosen.name, /, **names: Any) -> Any:
        return specialise(template, f"{template.__name__}_{ending}", **names)

    sides, blocks = bargaining_sides, bargaining_blocks
    worth = made(sides.worth, utility=chosen.utility)
    worth_after = made(sides.worth_after, utility=chosen.utility)
    gain = made(sides.gain, worth=worth, worth_after=worth_after)
    both_gain = made(sides.both_gain, gain=gain)
    write_rates = made(sides.write_rates, marginal=chosen.marginal)
    if rule == "compensating_block":
        after = made(sides.marginal_after, marginal=chosen.marginal)
        gains = made(blocks.block_gains, gain=gain, marginal_after=after)
        agree = made(
            blocks.agree_on_block,
            marginal_after=after,
            find_block=made(blocks.find_block, block_gains=gains),
            scan_blocks=made(blocks.scan_blocks, both_gain=both_gain),
        )
    else:
        wanted = made(blocks.wanted, demand=chosen.demand)
        agree = made(blocks.agree_on_wish, wanted=wanted, both_gain=both_gain)
    ending = f"{rule}_{chosen.name}"
    carry_out = made(
        bargaining.carry_out,
        ending,
        REPEATS=rule == "compensating_block",
        gain=gain,
        repeats=made(bargaining.repeats, both_gain=both_gain),
        write_rates=write_rates,
    )
    return made(
        bargaining.trade_in_rounds,
        ending,
        agree=agree,
        carry_out=carry_out,
        worth=worth,
        write_rates=write_rates,
    )


def _halves(lots: int) -> I64:
    """Return a unit in lots, half of that, and so on down to one lot."""
    found = []
    while lots > 0:
        found.append(lots)
        lots //= 2
    return np.array(found, np.int64)


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
        _kernel(settings.bargaining, world.families),
        first,
        second,
        world.agents.whole(Identity).id,
        inventory.goods,
        inventory.money,
        utility.family,
        utility.parameters,
        utility.money_weight,
        settings.mode,
        False,
        world.goods + (settings.mode == IN_UTILITY),
        np.zeros(4),
        np.zeros(len(first), np.int8),
        settings.lot_size,
        settings.step_size,
        settings.minor_size,
        _halves(settings.lots_per_unit),
        int(1.0 / settings.step_size + 0.5),
        world.scratch.filled,
        gain,
        agreements,
        cost=PAIR_COST,
    )
    rows = np.concatenate(records) if records else np.empty((0, bargaining_sides.FIELDS), np.int64)
    buyer, seller, good, quantity, price = (rows[:, column] for column in range(5))
    market = np.full(len(rows), -1, np.int64)
    trades = Trades(market, buyer, seller, good, quantity, price)
    return Bargains(len(first), agreements, gain, trades)
