"""What one agent knows, as plain records for people and programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ecs_market.components.forager import Forager
from ecs_market.components.identity import Identity
from ecs_market.components.intent import IDLE, KINDS, MARKET, Intent
from ecs_market.components.inventory import Inventory
from ecs_market.components.market_memory import MarketMemory
from ecs_market.components.market_post import MarketPost
from ecs_market.components.mobility import Mobility
from ecs_market.components.pairing import Pairing
from ecs_market.components.position import Position
from ecs_market.components.post_index import PostIndex
from ecs_market.components.resource_patches import ResourcePatches
from ecs_market.components.utility import Utility
from ecs_market.components.visibility import Visibility
from ecs_market.host.checks import as_ids
from ecs_market.kernels.broadcast import confidence_at
from ecs_market.kernels.memory import remember
from ecs_market.kernels.patches import amount_now
from ecs_market.market_view import MarketView
from ecs_market.preferences.families import FAMILIES
from ecs_market.systems.broadcast import Broadcast
from ecs_market.systems.remember import hearing
from ecs_market.types import I32, I64
from ecs_market.world import World

if TYPE_CHECKING:
    from ecs_market.simulation import Simulation

Cell = tuple[int, int]


@dataclass(frozen=True, slots=True)
class VisibleAgent:
    """Another agent within an agent's vision; the distance is Manhattan [cell]."""

    id: int
    pos: Cell
    distance: int


@dataclass(frozen=True, slots=True)
class VisibleResource:
    """A patch within an agent's vision, and what lies there now [unit]."""

    pos: Cell
    good: str
    amount: float


@dataclass(frozen=True, slots=True)
class KnownMarket:
    """What an agent knows about a market post.

    Attributes
    ----------
    distance
        Manhattan [cell].
    commodities
        The goods traded there, and M.
    last_known_prices
        Prices it hears or remembers [M / unit]; a good without one is left out.
    price_tick
        The tick of the oldest of these prices, None without any.
    price_confidence
        0 to 1, how far it trusts them; without prices the floor, the least confidence there is.
    remembered
        Whether it hears the prices no more.
    """

    id: int
    location: Cell
    distance: int
    commodities: list[str]
    last_known_prices: dict[str, float]
    price_tick: int | None
    price_confidence: float
    remembered: bool = False


@dataclass(frozen=True, slots=True)
class AgentView:
    """One agent's view of the world between two ticks.

    Attributes
    ----------
    tick
        Number of completed ticks: the tick that comes next.
    home_pos
        The cell to return to; the present one of an agent that stays put.
    inventory
        What it owns [unit], M included.
    params
        Its utility (family, parameters in the family's own layout, weight of money) and rules.
    visible_markets
        The posts it sees, hears or remembers, by id, with the prices known in the next tick.
    nearby_markets
        Ids of the posts it could join from where it stands.
    market_prices
        The prices it hears or remembers, by post id and good [M / unit].
    target_kind, target_id
        What it went for in the last tick: idle, market, agent or resource; and which.
    pending_orders
        Its orders that rest at posts: none, as posts clear within a tick.
    """

    agent_id: int
    tick: int
    pos: Cell
    home_pos: Cell
    mode: str
    inventory: dict[str, float]
    params: dict[str, Any]
    visible_agents: list[VisibleAgent]
    visible_markets: list[KnownMarket]
    visible_resources: list[VisibleResource]
    nearby_markets: list[int]
    market_prices: dict[int, dict[str, float]]
    target_market_id: int | None
    target_kind: str
    target_id: int | None
    paired_with_id: int | None
    pending_orders: list[dict[str, Any]] = field(default_factory=list)


def agent_view(simulation: Simulation, agent: int) -> AgentView:
    """Return what an agent sees now; InputError if no agent alive has the id."""
    world = simulation.world
    ident = int(as_ids([agent], "view")[0])
    row = int(world.rows_of(np.array([ident]))[0])
    position = world.agents.whole(Position)
    cell = int(position.x[row]), int(position.y[row])
    units, inventory = simulation.units, world.agents.whole(Inventory)
    goods = zip(world.settings.goods, inventory.goods[row].tolist(), strict=True)
    intent = world.agents.whole(Intent)
    kind, target = int(intent.kind[row]), int(intent.target[row])
    partner = int(world.agents.whole(Pairing).partner[row])
    known = _known_markets(simulation, row, cell)
    return AgentView(
        agent_id=ident,
        tick=simulation.tick,
        pos=cell,
        home_pos=_home(world, row, cell),
        mode=world.settings.mode_at(simulation.tick),
        inventory={
            **{good: units.from_lots(lots) for good, lots in goods},
            "M": units.from_minor(int(inventory.money[row])),
        },
        params=_params(simulation, row),
        visible_agents=_visible_agents(world, row, cell),
        visible_markets=known,
        visible_resources=_visible_resources(simulation, row, cell),
        nearby_markets=[m.id for m in simulation.markets if m.can_interact(cell)],
        market_prices={m.id: m.last_known_prices for m in known if m.last_known_prices},
        target_market_id=target if kind == MARKET else None,
        target_kind=KINDS[kind],
        target_id=target if kind != IDLE else None,
        paired_with_id=partner if partner >= 0 else None,
    )


def _table_parts(world: World, row: int) -> set[type]:
    """Return the component classes of the population that a row belongs to."""
    name = next(n for n, t in world.agents.tables.items() if t.start <= row < t.stop)
    entity = world.agents.tables[name].entity
    return {type(each) for each in world.esper.components_for_entity(entity)}


def _home(world: World, row: int, cell: Cell) -> Cell:
    if Mobility not in _table_parts(world, row):
        return cell
    mobility = world.agents.whole(Mobility)
    return int(mobility.home_x[row]), int(mobility.home_y[row])


def _params(simulation: Simulation, row: int) -> dict[str, Any]:
    """Return an agent's preferences and the rules it lives by."""
    world = simulation.world
    utility, sight = world.agents.whole(Utility), world.agents.whole(Visibility)
    parts = _table_parts(world, row)
    family = FAMILIES[int(utility.family[row])]
    rules = simulation.scenario.params
    rate = int(world.agents.whole(Forager).rate[row]) if Forager in parts else 0
    return {
        "utility": family.NAME,
        "parameters": utility.parameters[row, : family.width(world.bundle)].tolist(),
        "money_weight": float(utility.money_weight[row]),
        "vision_radius": int(sight.vision_radius[row]),
        "interaction_radius": int(sight.interaction_radius[row]),
        "move_budget_per_tick": (
            int(world.agents.whole(Mobility).budget[row]) if Mobility in parts else 0
        ),
        "forage_rate": simulation.units.from_lots(rate),
        "beta": rules.beta,
        "exchange_regime": rules.exchange_regime,
        "patience_ticks": rules.patience_ticks,
        "trade_cooldown_ticks": rules.trade_cooldown_ticks,
    }


def _visible_agents(world: World, row: int, cell: Cell) -> list[VisibleAgent]:
    position, ids = world.agents.whole(Position), world.agents.whole(Identity).id
    vision = int(world.agents.whole(Visibility).vision_radius[row])
    found: list[VisibleAgent] = []
    for table in world.agents.tables.values():
        rows = slice(table.start, table.stop)
        x, y = position.x[rows], position.y[rows]
        distance = world.settings.distances(x, y, *cell)
        for near in np.flatnonzero(distance <= vision):
            if table.start + near != row:
                place = int(x[near]), int(y[near])
                found.append(VisibleAgent(int(ids[rows][near]), place, int(distance[near])))
    return sorted(found, key=lambda each: each.id)


def _visible_resources(simulation: Simulation, row: int, cell: Cell) -> list[VisibleResource]:
    world = simulation.world
    patches = world.only(ResourcePatches)
    if patches is None:
        return []
    vision = int(world.agents.whole(Visibility).vision_radius[row])
    x, y = patches.x, patches.y
    found: list[VisibleResource] = []
    for patch in np.flatnonzero(world.settings.distances(x, y, *cell) <= vision):
        lots = amount_now(
            patches.amount[patch],
            patches.touched[patch],
            simulation.tick,
            patches.regrowth_rate,
            patches.cooldown,
            patches.max_amount,
        )
        if lots > 0:
            good = world.settings.goods[int(patches.good[patch])]
            amount = simulation.units.from_lots(int(lots))
            found.append(VisibleResource((int(x[patch]), int(y[patch])), good, amount))
    return found


def _known_markets(simulation: Simulation, row: int, cell: Cell) -> list[KnownMarket]:
    """Return the posts the next tick's search will find: in sight, in hearing or remembered."""
    world = simulation.world
    _broadcast(simulation)
    memory = _memory(simulation, row)
    found: list[KnownMarket] = []
    for market in simulation.markets:
        post = int(world.post_rows[market.id])
        hears = market.can_receive_broadcast(cell) and world.scratch.confidence[post] > 0.0
        if hears:
            heard = world.posts.whole(MarketPost)
            priced = world.scratch.heard_price[post] > 0.0
            steps = np.where(priced, heard.current_prices[post], 0)
            found.append(_known(simulation, market, cell, steps, heard.price_formed_at[post]))
        elif market.id in memory:
            found.append(_known(simulation, market, cell, *memory[market.id], remembered=True))
        elif market.can_see(cell):
            nothing = np.zeros(world.goods, np.int64)
            found.append(_known(simulation, market, cell, nothing, nothing.astype(np.int32)))
    return found


def _broadcast(simulation: Simulation) -> None:
    """Let posts say their prices for the tick to come, which will say the same."""
    world = simulation.world
    last, world.tick = world.tick, simulation.tick
    Broadcast().process(world)
    world.tick = last


def _memory(simulation: Simulation, row: int) -> dict[int, tuple[I64, I32]]:
    """Return the prices and their ticks that an agent will remember in the next tick, by post."""
    world, index = simulation.world, simulation.world.only(PostIndex)
    if not world.settings.memory_slots or index is None:
        return {}
    one = slice(row, row + 1)
    position, memory = world.agents.whole(Position), world.agents.whole(MarketMemory)
    copy = memory.post[one].copy(), memory.price[one].copy(), memory.formed_at[one].copy()
    place = position.x[one], position.y[one]
    given = (*hearing(world, index, simulation.tick, *place), *copy)
    remember(0, 1, *given)
    prices, formed = (each.reshape(-1, world.goods) for each in copy[1:])
    return {int(post): (prices[s], formed[s]) for s, post in enumerate(copy[0][0]) if post >= 0}


def _known(
    simulation: Simulation,
    market: MarketView,
    cell: Cell,
    steps: I64,
    formed_at: I32,
    *,
    remembered: bool = False,
) -> KnownMarket:
    """Describe a post whose prices are `steps`, 0 where a good has none."""
    goods, info = simulation.world.settings.goods, simulation.world.settings.price_info
    distance, priced = market.distance(cell), np.flatnonzero(steps > 0)
    oldest = int(formed_at[priced].min()) if len(priced) else None
    confidence = info.floor
    if oldest is not None:
        age = simulation.tick - oldest
        confidence = float(confidence_at(age, info.decays, info.half_life, info.floor))
        radius = market.broadcast_radius
        if info.by_distance and radius > 0:
            confidence *= 1.0 - (1.0 - info.floor) * min(distance, radius) / radius
    return KnownMarket(
        id=market.id,
        location=market.location,
        distance=distance,
        commodities=market.commodities,
        last_known_prices={
            goods[good]: simulation.units.from_steps(int(steps[good])) for good in priced
        },
        price_tick=oldest,
        price_confidence=confidence,
        remembered=remembered,
    )
