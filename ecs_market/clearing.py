"""`clear`: one post, no grid, through the code path of a tick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ecs_market.build import build_world
from ecs_market.components.call_auction import CallAuction
from ecs_market.components.identity import Identity
from ecs_market.components.intent import MARKET, Intent
from ecs_market.components.inventory import Inventory
from ecs_market.components.market_post import STATUSES
from ecs_market.components.market_rules import MarketRules
from ecs_market.errors import InputError
from ecs_market.mechanisms.settlement import Clearing, Trades
from ecs_market.order_book import check_orders, orders_world
from ecs_market.scenario import Scenario, scenario_for_clear
from ecs_market.schedule import SCHEDULE
from ecs_market.systems.appraise import Appraise
from ecs_market.types import F64, I64
from ecs_market.units import Units
from ecs_market.world import World

# From best to worst: the status of several posts together is that of the worst.
SEVERITY = (
    "converged",
    "rationed",
    "marginal",
    "indicative",
    "none",
    "cycling",
    "boundary",
    "failed",
)


class Trade(NamedTuple):
    """One trade at a post [unit, M / unit]; the post itself has no id."""

    buyer: int | None
    seller: int | None
    commodity: str
    quantity: float
    price: float


@dataclass(frozen=True, slots=True)
class ClearResult:
    """What a clearing came to; rows of agents are in the order of ids.

    Attributes
    ----------
    prices
        Clearing price of each good [M / unit], 1 for M.
    status
        ``converged``, ``marginal``, ``cycling``, ``boundary``, ``failed``, ``indicative`` (no
        volume) or ``rationed`` (posted price); of several orders' commodities the worst.
    statuses
        The same for each good.
    iterations
        Price vectors tried.
    residual, residual_rounded
        Largest excess demand over gross trade, before and after rounding to steps and lots.
    rounding_lots
        Lots wished for at the rounded price by one side and not offered by the other.
    ids, goods, money, gains
        int64 (n,); float64 (n, K) [unit], (n,) [M] and (n,) [M]: holdings after trade, dU/lambda.
    goods_lots, money_minor
        int64: the same holdings in storage units.
    volume
        Units of each good traded.
    participants
        Agents or orders that took part.
    start_prices
        Where the search for prices began [M / unit].
    newton
        Whether Newton's method was called in.
    filled
        float64 (n, K): net trades [unit]; with `orders` one row an order, else one an agent.
    fees
        What buyers and sellers together paid to the post [M].
    """

    prices: dict[str, float]
    status: str
    statuses: dict[str, str]
    iterations: int
    residual: float
    residual_rounded: float
    rounding_lots: int
    ids: I64
    goods: F64
    money: F64
    gains: F64
    goods_lots: I64
    money_minor: I64
    volume: dict[str, float]
    participants: int
    start_prices: dict[str, float]
    newton: bool
    filled: F64
    fees: float
    _trades: Trades = field(repr=False)
    _ids: I64 | None = field(repr=False)
    _names: tuple[str, ...] = field(repr=False)
    _units: Units = field(repr=False)

    @property
    def trades(self) -> list[Trade]:
        """The trades, buyers and sellers paired in the order of ids."""
        units, names, found = self._units, self._names, self._trades
        return [
            Trade(
                _named(found.buyer[i], self._ids),
                _named(found.seller[i], self._ids),
                names[found.good[i]],
                units.from_lots(int(found.quantity[i])),
                units.from_steps(int(found.price[i])),
            )
            for i in range(found.size)
        ]


def _named(number: int, names: I64 | None) -> int | None:
    """Return the id of a trade's side, by which an order's agent is known; None for the post."""
    if number < 0:
        return None
    return int(number) if names is None else int(names[number])


def clear(
    groups: Sequence[Mapping[str, Any]] | Scenario | None = None,
    *,
    orders: Sequence[Mapping[str, Any]] | None = None,
    mechanism: str | None = None,
    mechanism_params: Mapping[str, Any] | None = None,
    commodities: Sequence[str] | None = None,
    units: Mapping[str, Any] | None = None,
    money: Mapping[str, Any] | None = None,
    seed: int | None = None,
    threads: int = 1,
) -> ClearResult:
    """Clear one post once, starting fresh: no grid, no previous price.

    Parameters
    ----------
    groups
        Groups of agents with the keys of a scenario's populations, all at the post; or a
        `Scenario`, whose populations are taken and, if it has just one post, that post's rules.
    orders
        Instead of groups: limit orders ``{agent, commodity, direction, quantity, limit_price}``
        [unit, M / unit]; each commodity is cleared on its own.  In a double auction they come in
        the order of the list, and each may have an ``order_type`` of its own.
    mechanism, mechanism_params
        As in a scenario's ``market_posts``; ``walrasian`` if not given.
    commodities
        The goods traded; all if not given.
    units, money
        As in a scenario.
    seed
        Key of what is drawn, such as ranges of endowments; the scenario's, or 0, if not given.
    threads
        Threads of the kernels; results do not depend on it.

    Returns
    -------
    ClearResult

    Raises
    ------
    InputError
        Something handed in is not allowed.
    """
    if (groups is None) == (orders is None):
        raise InputError("clear() takes either groups of agents or orders=[...]")
    if seed is None:
        seed = groups.seed if isinstance(groups, Scenario) else 0
    if orders is not None:
        book = check_orders(orders, units, mechanism, mechanism_params)
        world = orders_world(book)
        target = book.good
        result_ids = book.agent
        lot_units = book.units
    else:
        scenario = _one_post(groups, mechanism, mechanism_params, commodities, units, money, seed)
        world = build_world(scenario, seed, threads)
        target = np.zeros(world.agents.size, np.int64)
        result_ids = None
        lot_units = scenario.units
    try:
        return _clear(world, target, result_ids, lot_units)
    finally:
        world.close()


def _one_post(
    groups: Sequence[Mapping[str, Any]] | Scenario | None,
    mechanism: str | None,
    mechanism_params: Mapping[str, Any] | None,
    commodities: Sequence[str] | None,
    units: Mapping[str, Any] | None,
    money: Mapping[str, Any] | None,
    seed: int,
) -> Scenario:
    """Return a scenario of one post on a grid of one cell."""
    if isinstance(groups, Scenario):
        whole = groups.to_dict()
        only = whole["market_posts"][0] if len(groups.market_posts) == 1 else {}
        if mechanism is None and only:
            mechanism = only["mechanism"]
            mechanism_params = mechanism_params or only["mechanism_params"]
        commodities = commodities or only.get("commodities")
        units, money = units or whole.get("units"), money or whole.get("money")
        groups = [_without_place(group) for group in whole["populations"]]
    return scenario_for_clear(
        list(groups or ()),
        mechanism or "walrasian",
        dict(mechanism_params or {}),
        list(commodities) if commodities is not None else None,
        units=units,
        money=money,
        seed=seed,
    )


def _without_place(group: Mapping[str, Any]) -> dict[str, Any]:
    spatial = ("initial_positions", "vision_radius", "interaction_radius", "move_budget_per_tick")
    return {key: value for key, value in group.items() if key not in spatial}


def _clear(world: World, target: I64, names: I64 | None, units: Units) -> ClearResult:
    """Put everybody at the target post and run the systems that clear."""
    intent = world.agents.whole(Intent)
    rows = world.agent_rows
    intent.kind[rows] = MARKET
    intent.target[rows] = target
    # Whatever its rhythm, a post that is cleared just once is cleared now.
    world.posts.whole(MarketRules).clear_every[:] = 1
    world.posts.whole(CallAuction).interval[:] = 1
    for phase, system in SCHEDULE:
        if system is Appraise or phase in ("order collection", "clearing"):
            system().process(world)
    clearing: Clearing = world.scratch.clearings[0]
    return _result(world, clearing, names, units)


def _result(world: World, clearing: Clearing, names: I64 | None, units: Units) -> ClearResult:
    goods = world.settings.goods
    inventory = world.agents.whole(Inventory)
    rows = world.agent_rows
    lots, minor = inventory.goods[rows], inventory.money[rows]
    traded = clearing.batch.commodities
    post_of = {k: int(np.argmax(traded[:, k])) for k in range(len(goods)) if traded[:, k].any()}
    statuses = {goods[k]: STATUSES[int(clearing.status[post])] for k, post in post_of.items()}
    ids = world.agents.whole(Identity).id[rows]
    gains = np.zeros(len(rows), np.int64)
    filled = np.zeros(lots.shape, np.int64)
    gains[clearing.batch.id] = clearing.settled.gain
    filled[clearing.batch.id] = clearing.settled.filled
    if names is not None:
        ids = names
    return ClearResult(
        prices={
            **{goods[k]: units.from_steps(int(clearing.price[p, k])) for k, p in post_of.items()},
            "M": 1.0,
        },
        status=max(statuses.values(), key=SEVERITY.index),
        statuses=statuses,
        iterations=int(clearing.iterations.max()),
        residual=float(clearing.residual.max()),
        residual_rounded=float(clearing.residual_rounded.max()),
        rounding_lots=int(clearing.rounding_lots.sum()),
        ids=ids,
        goods=units.from_lots(lots),
        money=units.from_minor(minor),
        gains=units.from_minor(gains),
        goods_lots=lots,
        money_minor=minor,
        volume={
            goods[k]: units.from_lots(int(clearing.settled.volume[p, k]))
            for k, p in post_of.items()
        },
        participants=int(clearing.participants.sum()),
        start_prices={goods[k]: float(clearing.start[p, k]) for k, p in post_of.items()},
        newton=bool(clearing.newton.any()),
        filled=units.from_lots(filled),
        fees=units.from_minor(int(clearing.settled.fee.sum())),
        _trades=clearing.trades(),
        _ids=names,
        _names=goods,
        _units=units,
    )
