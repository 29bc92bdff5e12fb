"""Bargaining between disjoint pairs: the rule's kernel, its numbers, and the report."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecs_market.components.identity import Identity
from ecs_market.components.inventory import Inventory
from ecs_market.components.utility import Utility
from ecs_market.errors import MarketError
from ecs_market.kernels import (
    bargaining,
    bargaining_blocks,
    bargaining_deal,
    bargaining_joint,
    bargaining_meetings,
    bargaining_offers,
    bargaining_sides,
)
from ecs_market.kernels.jit import absorbed, borrowing, kernel, specialise
from ecs_market.kernels.philox import PROPOSER, fill_below
from ecs_market.mechanisms.settlement import Trades
from ecs_market.preferences import families
from ecs_market.settings import Settings
from ecs_market.totals import Prices
from ecs_market.types import F64, I8, I32, I64
from ecs_market.world import World

# One pair's work in rows of the thread threshold.
PAIR_COST = 16
# In how many blocks the pairs of a large world bargain where their trades are kept.
BLOCKS = 8
# Rules that settle all goods at once; the others go in rounds.
JOINT = ("nash", "kalai_smorodinsky", "take_it_or_leave_it")
PROPOSERS = {
    "lower_id": bargaining_sides.LOWER,
    "higher_id": bargaining_sides.HIGHER,
    "buyer": bargaining_sides.BUYER,
    "seller": bargaining_sides.SELLER,
}


@dataclass(slots=True)
class Bargains:
    """What the pairs of a tick agreed on.

    Attributes
    ----------
    pairs
        How many pairs bargained.
    agreements
        int32 (pairs,): trades of each pair; a deal over several goods is one.
    row
        int64 (pairs, 2): rows of the two agents, the lower id first.
    side_gain
        int64 (pairs, 2): what each of the two gained from trade [minor unit].
    order
        int64 (pairs,): the pairs by their lower ids.
    prices
        Moments of the prices of each pair.
    rows
        int32 (pairs,): rows of the records that are each pair's.
    records
        int64, or int32 where that does, (m, 5) each, in the order of pairs: buyer id, seller id,
        good, lots, price [step]; None where trades are not itemised.
    """

    pairs: int
    agreements: I32
    row: I64
    side_gain: I64
    order: I64
    prices: Prices
    rows: I32
    records: list[I32 | I64] | None

    @property
    def gain(self) -> I64:
        """int64 (pairs,): gains from trade of each pair [minor unit]."""
        gain: I64 = self.side_gain.sum(axis=1)
        return gain

    @property
    def trades(self) -> Trades:
        """Every trade, by the pairs' lower ids.

        Raises
        ------
        MarketError
            They are not itemised: telemetry is below level `trades`.
        """
        if self.records is None:
            raise MarketError(
                "trades face to face are not itemised at this level of telemetry; "
                "set world.itemise = True before the tick, or record trades"
            )
        none = np.empty((0, bargaining_sides.FIELDS), np.int64)
        made = np.concatenate([none, *self.records])
        many = self.rows[self.order]
        # Each pair's rows lie together, from where those of the pairs before it end.
        start = (np.cumsum(self.rows) - self.rows)[self.order]
        within = np.arange(len(made)) - np.repeat(np.cumsum(many) - many, many)
        made = made[np.repeat(start, many) + within]
        market = np.full(len(made), -1, np.int64)
        return Trades(market, *np.ascontiguousarray(made.T))


# What is put where it is called, and so need not be handed its many arguments.
IN_PLACE = {
    bargaining.meet,
    bargaining.carry_out,
    bargaining_blocks.agree_on_block,
    bargaining_blocks.find_block,
    bargaining_blocks.block_gains,
    bargaining_blocks.side_gains,
    bargaining_blocks.slope_after,
    bargaining_blocks.marginal_after,
    bargaining_blocks.sloped_after,
    bargaining.book,
    bargaining.repeats,
    bargaining.count_worth,
    bargaining_sides.both_gain,
    bargaining_sides.gain,
    bargaining_sides.write_rates,
}


def _joint(made: Callable[..., Any], common: dict[str, Any], chosen: Any) -> Any:
    """Return the kernel of the rules that settle all goods at once."""
    joint, deal = bargaining_joint, bargaining_deal
    utility, marginal = chosen.utility, chosen.marginal
    look = made(joint.look, utility=utility)
    after_deal = made(deal.after_deal, utility=utility)
    support = made(deal.support, marginal=marginal)
    weigh = made(deal.weigh, after_deal=after_deal)
    uphill = made(joint.turn_uphill, marginal=marginal)
    solve = made(joint.solve, look=look, turn_uphill=uphill)
    find_deal = made(
        bargaining_meetings.find_deal,
        improve=made(deal.improve, weigh=weigh),
        pay_right=made(deal.pay_right, after_deal=after_deal, marginal=marginal),
        price=made(deal.price, after_deal=after_deal, support=support),
    )
    return made(
        bargaining_meetings.settle_jointly,
        find_solution=made(bargaining_meetings.find_solution, solve=solve),
        find_deal=find_deal,
        worth=common["worth"],
        write_rates=common["write_rates"],
    )


def _terms(made: Callable[..., Any], rule: str, common: dict[str, Any], chosen: Any) -> Any:
    """Return how much two agree on in a round, and at what price."""
    blocks, offers = bargaining_blocks, bargaining_offers
    gain, both_gain = common["gain"], common["both_gain"]
    if rule == "compensating_block":
        after = made(blocks.marginal_after, marginal=chosen.marginal)
        slope = made(blocks.slope_after, marginal_after=after)
        sides = made(blocks.side_gains, slope_after=slope)
        gains = made(blocks.block_gains, gain=gain, side_gains=sides)
        return made(
            blocks.agree_on_block,
            marginal_after=after,
            sloped_after=made(blocks.sloped_after, sloped=chosen.sloped),
            find_block=made(blocks.find_block, block_gains=gains),
            scan_blocks=made(blocks.scan_blocks, both_gain=both_gain),
        )
    if rule == "split_difference":
        wanted = made(blocks.wanted, demand=chosen.demand)
        return made(blocks.agree_on_wish, wanted=wanted, both_gain=both_gain)
    reserves = made(offers.reserves, least_price=made(offers.least_price, gain=gain))
    named = offers.agree_on_bids if rule == "sealed_bid" else offers.agree_on_offer
    return made(named, reserves=reserves)


@functools.cache
def _kernel(rule: str, codes: tuple[int, ...]) -> Any:
    """Return the compiled loop over pairs for a rule and the families in use."""
    chosen = families.dispatch(codes)

    def made(template: Any, ending: str = chosen.name, /, **names: Any) -> Any:
        loops = {bargaining.trade_in_rounds, bargaining_meetings.settle_jointly}
        compiler = borrowing
        if template in loops:
            compiler = kernel
        elif template in IN_PLACE:
            compiler = absorbed
        return specialise(template, f"{template.__name__}_{ending}", compiler, **names)

    sides = bargaining_sides
    worth = made(sides.worth, utility=chosen.utility)
    gain = made(sides.gain, worth=worth, utility=chosen.utility)
    common = {
        "worth": worth,
        "gain": gain,
        "both_gain": made(sides.both_gain, gain=gain),
        "write_rates": made(sides.write_rates, marginal=chosen.marginal),
    }
    if rule in JOINT:
        return _joint(made, common, chosen)
    ending = f"{rule}_{chosen.name}"
    carry_out = made(
        bargaining.carry_out,
        ending,
        REPEATS=rule == "compensating_block",
        gain=gain,
        repeats=made(bargaining.repeats, both_gain=common["both_gain"]),
        book=made(bargaining.book, write_rates=common["write_rates"]),
    )
    agree = _terms(made, rule, common, chosen)
    count = made(bargaining.count_worth, worth=worth)
    meet = made(bargaining.meet, ending, agree=agree, carry_out=carry_out, count_worth=count)
    write_rates = common["write_rates"]
    return made(
        bargaining.trade_in_rounds, ending, meet=meet, shape=chosen.shape, write_rates=write_rates
    )


def _rule(settings: Settings) -> tuple[str, F64]:
    """Return the name of the rule's kernel, and its own numbers."""
    name, options = settings.bargaining, settings.bargaining_parameters
    low, high = options.get("low") or 0.0, options.get("high") or 0.0
    numbers = [0.0, 0.0, 0.0, 0.0]
    if name == "nash":
        numbers[:2] = [bargaining_joint.NASH, options.get("power", 0.5)]
    elif name == "kalai_smorodinsky":
        numbers[0] = bargaining_joint.SHARES
    elif name == "sealed_bid":
        numbers[:3] = [options.get("strategy") == "equilibrium", low, high]
    elif name == "take_it_or_leave_it" and options.get("information") == "prior":
        name = "offer_in_the_dark"
        numbers[:3] = [0.0, low, high]
    elif name == "take_it_or_leave_it":
        numbers[0] = bargaining_joint.FIRST
    return name, np.array(numbers, np.float64)


def _leads(world: World, lower: I64) -> I8:
    """Return who proposes in each pair, given the lower ids."""
    options = world.settings.bargaining_parameters
    proposer = options.get("proposer", "random")
    if world.settings.bargaining != "take_it_or_leave_it":
        return np.zeros(len(lower), np.int8)
    if proposer != "random":
        return np.full(len(lower), PROPOSERS[proposer], np.int8)
    drawn = np.zeros(len(lower), np.int64)
    fill_below(world.seed, world.tick, PROPOSER, 0, lower, 2, drawn)
    return drawn.astype(np.int8)


def _halves(lots: int) -> I64:
    """Return a unit in lots, half of that, and so on down to one lot."""
    found = []
    while lots > 0:
        found.append(lots)
        lots //= 2
    return np.array(found, np.int64)


def bargain(world: World, first: I64, second: I64) -> Bargains:
    """Let the agents in rows `first` and `second` bargain, pair by pair.

    Pairs are disjoint, and `first` holds the rows of their lower ids.
    """
    settings = world.settings
    inventory = world.agents.whole(Inventory)
    utility = world.agents.whole(Utility)
    ids = world.agents.whole(Identity).id
    gain = np.zeros((len(first), 2), np.int64)
    prices = Prices.none(len(first), world.goods)
    agreements, many = np.zeros(len(first), np.int32), np.zeros(len(first), np.int32)
    rule, numbers = _rule(settings)
    records = _over(
        world,
        len(first),
        _kernel(rule, world.families),
        first,
        second,
        ids,
        inventory.goods,
        inventory.money,
        utility.family,
        utility.parameters,
        utility.money_weight,
        bargaining_sides.Scale(
            settings.mode,
            bool(settings.bargaining_parameters.get("barter", False)),
            settings.lot_size,
            settings.step_size,
            settings.minor_size,
            int(1.0 / settings.step_size + 0.5),
        ),
        world.bundle,
        numbers,
        _leads(world, ids[first]),
        _halves(settings.lots_per_unit),
        world.scratch.filled,
        gain,
        agreements,
        prices.origin,
        prices.sums,
        world.itemise,
        many,
    )
    sides, order = np.column_stack([first, second]), _by_id(world, ids[first])
    kept = records if world.itemise else None
    return Bargains(len(first), agreements, sides, gain, order, prices, many, kept)


def _over(world: World, pairs: int, kernel: Any, *args: Any) -> list[I32 | I64]:
    """Call a kernel over all pairs; return its records.

    In a large world that keeps trades it goes block by block, and the records of each are halved
    where they can be.
    """
    if not (world.large and world.itemise):
        return world.over(0, pairs, kernel, *args, cost=PAIR_COST)
    edges = [pairs * i // BLOCKS for i in range(BLOCKS + 1)]
    return [
        _halved(record)
        for first, last in itertools.pairwise(edges)
        for record in world.over(first, last, kernel, *args, cost=PAIR_COST)
    ]


def _halved(record: I64) -> I32 | I64:
    """Return the same numbers in 32 bits if they are small enough: none is negative."""
    small = record.max(initial=0) <= np.iinfo(np.int32).max
    return record.astype(np.int32) if small else record


def _by_id(world: World, lower: I64) -> I64:
    """Return the order of pairs by their lower ids, which are all different."""
    place = np.full(len(world.agent_rows), -1, np.int32)
    place[lower] = np.arange(len(lower), dtype=np.int32)
    return place[place >= 0].astype(np.int64)
