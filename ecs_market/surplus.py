"""The most that trade could gain: what efficiency is measured against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ecs_market.arena import Arena
from ecs_market.build import AGENT_COMPONENTS
from ecs_market.components.identity import Identity
from ecs_market.components.intent import MARKET, Intent
from ecs_market.components.inventory import Inventory
from ecs_market.components.market_post import STATUSES
from ecs_market.components.utility import Utility
from ecs_market.kernels.surplus import worth_of_first, worth_owned
from ecs_market.mechanisms.registered import POST_TABLES
from ecs_market.mechanisms.settlement import Clearing
from ecs_market.mechanisms.walrasian import NAME as WALRASIAN
from ecs_market.mechanisms.walrasian import search_prices
from ecs_market.post_tables import POST_WIDTHS, add_post_tables, write_post
from ecs_market.preferences import families
from ecs_market.preferences.modes import QUASILINEAR, UNIT_OF_ACCOUNT
from ecs_market.scenario import Post, scenario_for_clear
from ecs_market.systems.appraise import Appraise
from ecs_market.systems.clear_walrasian import ClearWalrasian
from ecs_market.systems.collect_orders import CollectOrders
from ecs_market.totals import Totals
from ecs_market.types import F64, I64, Bool
from ecs_market.units import MAX_MINOR
from ecs_market.world import Ledger, World

# Statuses with which the joint market has found the optimum.
SOLVED = ("converged", "marginal", "indicative")
ROUNDS = 1000
ROUNDING = 1e-9
Slots = tuple[F64, I64]


@dataclass(frozen=True, slots=True)
class Attainable:
    """The most that trade among all agents could gain.

    Attributes
    ----------
    surplus
        Sum over agents of dU / lambda [M].
    largest
        The most that one agent would gain, all trading at `prices` [M].
    prices
        float64 (K,): prices at which it is reached [M / unit], 0 for goods that are not traded.
    exact
        Whether it is the maximum, up to lots and the tolerance of prices, and each agent's own
        money is enough for what it would then buy at `prices`.
    slack
        Whether moreover all who keep or buy a good could pay for a lot more.  Else budgets may have
        bound, and who holds what may owe to them rather than to these prices.
    status
        ``sorted`` if found by sorting units by what they are worth, else the status of the market
        in which all agents met.
    """

    surplus: float
    largest: float
    prices: F64
    exact: bool
    slack: bool
    status: str


def attainable_surplus(world: World, traded: Bool | None = None) -> Attainable:
    """Return the most that trade among all agents could gain from what they own now.

    With quasi-linear money and money never scarce, the sum of U / lambda + money is largest where
    units go to those who value them most.  If every family values units one by one (`linear`,
    `limit_order`, `induced_value`) they are sorted: exact, as an assignment of units to places is.
    Else all agents meet at one Walrasian market, each with money enough for everything: at its
    prices the convex potential, the sum of indirect utilities, is least and the surplus largest
    (the first welfare theorem with quasi-linear money).  It is not exact when that market finds no
    clearing price, or somebody would spend all the money that fits.  Where an agent's own money is
    less than its purchases cost, the maximum is a bound that trade may not reach: not exact either.

    In the other money modes there is no sum over agents to maximise; the surplus is then that of
    the joint Walrasian allocation with the money that there is, and never `exact`.

    Parameters
    ----------
    world
        The world; it is not changed.
    traded
        bool (K,), the goods that may change hands; all if not given.

    Returns
    -------
    Attainable
    """
    rows = world.agent_rows[world.agent_rows >= 0]
    goods: Bool = np.asarray(world.agents.whole(Inventory).goods[rows].any(axis=0))
    if traded is not None:
        goods &= traded
    if goods.sum() < (2 if world.settings.mode == UNIT_OF_ACCOUNT else 1):
        return Attainable(0.0, 0.0, np.zeros(world.goods), exact=True, slack=True, status="none")
    names = [families.FAMILIES[code].NAME for code in world.families]
    if world.settings.mode == QUASILINEAR and all(name in SLOTS for name in names):
        return _sorted_units(world, goods)
    return _joint_market(world, goods)


def _linear_slots(world: World, rows: I64, k: int, supply: int) -> Slots:
    utility = world.agents.whole(Utility)
    worth = utility.parameters[rows, k] / utility.money_weight[rows]
    return worth[:, np.newaxis], np.full((len(rows), 1), supply)


def _order_slots(world: World, rows: I64, k: int, supply: int) -> Slots:
    del supply
    utility = world.agents.whole(Utility)
    worth = utility.parameters[rows, k] / utility.money_weight[rows]
    caps = utility.parameters[rows, world.goods + k] / world.settings.lot_size
    return worth[:, np.newaxis], np.rint(caps).astype(np.int64)[:, np.newaxis]


def _induced_slots(world: World, rows: I64, k: int, supply: int) -> Slots:
    del supply
    utility = world.agents.whole(Utility)
    pitch = families.by_name("induced_value").PITCH
    at = 1 + k * pitch
    parameters, weight = utility.parameters[rows], utility.money_weight[rows]
    worth = parameters[:, at + 2 : at + pitch] / weight[:, np.newaxis]
    steps = np.rint(parameters[:, 0]).astype(np.int64)[:, np.newaxis]
    there = np.arange(pitch - 2) < parameters[:, at + 1, np.newaxis]
    return worth, np.where(there, steps, 0)


# Where units of a good can go, by family: worth [M / unit] and lots of each agent's places.
SLOTS: dict[str, Callable[[World, I64, int, int], Slots]] = {
    "linear": _linear_slots,
    "limit_order": _order_slots,
    "induced_value": _induced_slots,
}


def _sorted_units(world: World, traded: Bool) -> Attainable:
    """Place every lot where it is worth most; the gain is against where the lots are now."""
    rows = world.agent_rows[world.agent_rows >= 0]
    held = world.agents.whole(Inventory).goods[rows]
    family = world.agents.whole(Utility).family[rows]
    prices = np.zeros(world.goods)
    total = 0.0
    gains = np.zeros(len(rows))
    purse = _Purse.of(world, rows)
    for k in np.flatnonzero(traded).tolist():
        supply = int(held[:, k].sum())
        places = []
        for code in world.families:
            mine = np.flatnonzero(family == code)
            worth, lots = SLOTS[families.FAMILIES[code].NAME](world, rows[mine], k, supply)
            member = np.repeat(mine, worth.shape[1])
            places.append((member, worth.ravel(), lots.ravel()))
        member, worth, lots = (np.concatenate(part) for part in zip(*places, strict=True))
        own = np.lexsort((-worth, member))
        before = np.empty(len(rows))
        worth_owned(member[own], worth[own], lots[own], held[:, k].copy(), before)
        best = np.lexsort((member, -worth))
        after, last, following = worth_of_first(worth[best], lots[best], supply)
        total += after - float(before.sum())
        prices[k] = 0.5 * (last + following)
        # At that price nobody wants to move any lot elsewhere.
        wanted = np.bincount(member, np.maximum(worth - prices[k], 0.0) * lots, len(rows))
        gains += wanted + prices[k] * held[:, k] - before
        sure, most = (
            np.bincount(member, np.where(wants, lots, 0), len(rows)).astype(np.float64)
            for wants in (worth > prices[k], worth >= prices[k])
        )
        purse.keep(prices[k] * world.settings.lot_size, held[:, k], sure, most)
    surplus = max(0.0, total) * world.settings.lot_size
    largest = max(0.0, float(gains.max())) * world.settings.lot_size
    enough, slack = purse.suffices()
    return Attainable(
        surplus,
        min(largest, surplus),
        prices,
        exact=enough,
        slack=enough and slack,
        status="sorted",
    )


@dataclass(slots=True)
class _Purse:
    """Whether agents can pay for the allocation that is worth most, good by good.

    Attributes
    ----------
    money, needed
        float64 (n,): what is left after the purchases so far, and the most that one lot more of a
        good that an agent values above its price would cost [M].
    offers
        Of each good: its price [M / lot], the lots that agents indifferent to it could take up, and
        how many of these somebody has to take.
    """

    money: F64
    needed: F64
    offers: list[tuple[float, F64, float]]

    @classmethod
    def of(cls, world: World, rows: I64) -> _Purse:
        """Return what agents own now."""
        minor = world.agents.whole(Inventory).money[rows]
        money = minor.astype(np.float64) * world.settings.minor_size
        return cls(money, np.zeros(len(rows)), [])

    def keep(self, price: float, held: I64, sure: F64, most: F64) -> None:
        """Let agents hold what they value above the price, and else, if they can, what they have.

        `sure` and `most` are the lots that each values above the price, and not below it.
        """
        kept = np.clip(held, sure, most)
        self.money -= price * (kept - held)
        self.needed = np.where(sure > 0.0, np.maximum(self.needed, price), self.needed)
        self.offers.append((price, most - kept, float(held.sum() - kept.sum())))

    def suffices(self) -> tuple[bool, bool]:
        """Return whether all can pay, and whether all who want a good could pay for a lot more."""
        blur = ROUNDING * (1.0 + np.abs(self.money))
        enough = bool((self.money >= -blur).all())
        for price, room, left in self.offers:
            if left <= 0.0 or price <= 0.0:
                continue
            can = np.minimum(room, np.floor(np.maximum(self.money, 0.0) / price + ROUNDING))
            before = np.cumsum(can) - can
            enough &= bool(can.sum() >= left)
            self.money -= price * np.clip(left - before, 0.0, can)
        return enough, bool((self.money + blur >= self.needed).all())


def _joint_market(world: World, traded: Bool) -> Attainable:
    """Let all agents meet at one Walrasian market, in a world of its own."""
    meeting = _meeting(world, traded)
    rows = world.agent_rows[world.agent_rows >= 0]
    money = world.agents.whole(Inventory).money[rows]
    try:
        CollectOrders().process(meeting)
        if world.settings.mode == QUASILINEAR:
            return _at_clearing_prices(meeting, traded, money)
        ClearWalrasian().process(meeting)
        clearing: Clearing = meeting.scratch.clearings[0]
        status = STATUSES[int(clearing.status[0])]
        prices = np.where(traded, world.settings.price(clearing.price[0]), 0.0)
        surplus = float(clearing.gain.sum()) * world.settings.minor_size
        largest = float(clearing.settled.gain.max()) * world.settings.minor_size
        return Attainable(surplus, largest, prices, exact=False, slack=False, status=status)
    finally:
        meeting.close()


def _at_clearing_prices(meeting: World, traded: Bool, money: I64) -> Attainable:
    """Return what agents gain in all at the prices at which demand is what there is.

    At any prices at all these gains add up to as much as trade can gain, or more; at clearing
    prices the trades exist, so that it is just as much.  `money` int64 (n,) is what agents own in
    truth [minor unit].
    """
    status, prices = search_prices(meeting)
    inventory, utility = meeting.agents.whole(Inventory), meeting.agents.whole(Utility)
    everybody = meeting.agents.size
    gain, left = np.empty(everybody), np.empty(everybody)
    meeting.over(
        0,
        everybody,
        families.own_gains(meeting.families),
        utility.family,
        inventory.goods,
        inventory.money,
        utility.parameters,
        utility.money_weight,
        meeting.settings.lot_size,
        meeting.settings.minor_size,
        prices,
        traded,
        gain,
        left,
    )
    # What agents want is a real number, what they own whole lots: one of each is no difference.
    lot = np.where(traded, prices, 0.0) * meeting.settings.lot_size
    rest = left + (money - inventory.money[:everybody]) * meeting.settings.minor_size
    exact = bool((left > 0.0).all() and (rest >= -lot.sum()).all()) and status in SOLVED
    return Attainable(
        float(gain.sum()),
        float(gain.max()),
        np.where(traded, prices, 0.0),
        exact=exact,
        slack=exact and bool((rest >= lot.max()).all()),
        status=status,
    )


def _meeting(world: World, traded: Bool) -> World:
    """Return a world of the same agents at one post, quasi-linear ones with money enough."""
    settings, widths = world.settings, world.agents.widths | POST_WIDTHS
    rows = world.agent_rows[world.agent_rows >= 0]
    count = len(rows)
    counts = dict.fromkeys(POST_TABLES, 0) | {WALRASIAN: 1}
    meeting = World(
        settings=replace(settings, width=1, height=1),
        agents=Arena([("all", count)], widths),
        posts=Arena(list(counts.items()), dict(widths)),
        threads=world.threads,
        families=world.families,
        ledger=Ledger.empty(world.goods),
        totals=Totals(world.goods),
    )
    meeting.add_table(meeting.agents, "all", AGENT_COMPONENTS)
    places = np.arange(count)
    meeting.agents.whole(Identity).id[places] = places
    meeting.agent_rows = places
    meeting.scratch.allocate(meeting.agents.end, world.goods)
    for component in (Inventory, Utility):
        here, there = world.agents.whole(component), meeting.agents.whole(component)
        for name in world.agents.specs[component]:
            getattr(there, name)[places] = getattr(here, name)[rows]
    intent = meeting.agents.whole(Intent)
    intent.kind[places] = MARKET
    intent.target[places] = 0
    inventory = meeting.agents.whole(Inventory)
    meeting.ledger.initial[:-1] = inventory.goods.sum(axis=0)
    add_post_tables(meeting)
    first = meeting.posts.tables[WALRASIAN].start
    meeting.post_rows = np.array([first])
    write_post(meeting, first, _post(world, traded))
    Appraise().process(meeting)
    if settings.mode == QUASILINEAR:
        _endow(meeting, places)
    return meeting


def _endow(meeting: World, places: I64) -> None:
    """Give each agent what all goods cost at the highest marginal rates, as far as that fits."""
    inventory = meeting.agents.whole(Inventory)
    settings = meeting.settings
    rates = meeting.scratch.search.rate[places].astype(np.float64).max(axis=0, initial=0.0)
    held = inventory.goods[places].sum(axis=0) * settings.lot_size
    needed = float((rates * held).sum()) / settings.minor_size
    most = float(MAX_MINOR // (4 * max(1, len(places))))
    inventory.money[places] = max(1, int(min(needed, most)))
    meeting.ledger.initial[-1] = inventory.money[places].sum()


def _post(world: World, traded: Bool) -> Post:
    """Return a Walrasian post with default rules, for these goods."""
    names = world.settings.goods
    stand_in = [{"type": "linear", "weights": [1] * len(names), "count": 1}]
    held = dict.fromkeys([*names, "M"], 1)
    example = scenario_for_clear(
        [{"name": "all", "count": 1, "inventories": held, "utilities": stand_in}],
        "walrasian",
        {"max_iterations": ROUNDS, "on_failure": ["newton", "no_trade"]},
    )
    chosen = tuple(good for good, here in zip(names, traded, strict=True) if here)
    return replace(example.market_posts[0], commodities=chosen)
