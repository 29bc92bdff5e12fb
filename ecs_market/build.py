"""From a scenario to a world: tables, columns, posts, patches and indices."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecs_market.arena import Arena
from ecs_market.components.barred import Barred
from ecs_market.components.bilateral_trader import BilateralTrader
from ecs_market.components.forager import Forager
from ecs_market.components.gains import Gains
from ecs_market.components.identity import Identity
from ecs_market.components.intent import Intent
from ecs_market.components.inventory import Inventory
from ecs_market.components.market_memory import MarketMemory
from ecs_market.components.mobility import Mobility
from ecs_market.components.pairing import Pairing
from ecs_market.components.patch_index import PatchIndex
from ecs_market.components.position import Position
from ecs_market.components.resource_patches import ResourcePatches
from ecs_market.components.utility import Utility
from ecs_market.components.visibility import PostVisibility, Visibility
from ecs_market.kernels.spatial import TILE_SHIFT
from ecs_market.mechanisms.registered import POST_TABLES
from ecs_market.post_tables import POST_WIDTHS, add_post_tables, index_posts, write_post
from ecs_market.preferences.families import by_name
from ecs_market.preferences.modes import IN_UTILITY, MODES
from ecs_market.scenario.model import Population, Scenario
from ecs_market.scenario.start import PatchStart, PopulationStart, draw_start
from ecs_market.settings import PriceInfo, Settings
from ecs_market.totals import Totals
from ecs_market.units import Units
from ecs_market.world import Ledger, World

# A remembered post that is further away is not thought of [cell].
OUT_OF_MIND = 1_000_000
AGENT_COMPONENTS = [Position, Inventory, Utility, Visibility, Intent, Pairing, Barred, Gains]
OPTIONAL_COMPONENTS: dict[str, type] = {
    "Mobility": Mobility,
    "BilateralTrader": BilateralTrader,
    "Forager": Forager,
}


def build_world(scenario: Scenario, seed: int, threads: int) -> World:
    """Draw the start of a scenario and lay it out in arenas."""
    start = draw_start(scenario, seed)
    settings, widths = settings_of(scenario), widths_of(scenario)
    goods = len(scenario.goods)
    counts = [(p.name, p.count) for p in scenario.populations]
    # The engine's own mechanisms have a table each, those of plug-ins where they are in use.
    by_mechanism = dict.fromkeys(POST_TABLES, 0)
    for name in sorted(post.mechanism for post in scenario.market_posts):
        by_mechanism[name] = by_mechanism.get(name, 0) + 1
    world = World(
        settings=settings,
        agents=Arena(counts, dict(widths)),
        posts=Arena(list(by_mechanism.items()), dict(widths)),
        seed=seed,
        threads=threads,
        families=tuple(sorted(module.CODE for module in _modules(scenario))),
        ledger=Ledger.empty(goods),
        totals=Totals(goods),
    )
    for component in (*AGENT_COMPONENTS, *OPTIONAL_COMPONENTS.values()):
        world.agents.register(component)
    for population, drawn in zip(scenario.populations, start.populations, strict=True):
        _add_population(world, population, drawn)
    world.agent_rows = np.full(scenario.agent_count, -1, np.int64)
    for table in world.agents.tables.values():
        ids = world.agents.whole(Identity).id[table.start : table.stop]
        world.agent_rows[ids] = np.arange(table.start, table.stop)
    world.scratch.allocate(world.agents.end, goods)
    world.sort_by_place()
    _add_posts(world, scenario)
    _add_patches(world, scenario, start.patches)
    refresh_reach(world)
    inventory = world.agents.whole(Inventory)
    world.ledger.initial += world.market_accounts()
    world.ledger.initial[:-1] += inventory.goods.sum(axis=0)
    world.ledger.initial[-1] += inventory.money.sum()
    return world


def _modules(scenario: Scenario) -> set[Any]:
    """Return the modules of the utility families in use."""
    return {by_name(u.family) for p in scenario.populations for u in p.utilities}


def widths_of(scenario: Scenario) -> dict[str, int]:
    """Return the sizes of the second dimensions of columns, by name."""
    goods, params = len(scenario.goods), scenario.params
    bundle = goods + (scenario.money_mode == "in_utility")
    slots = scenario.attention.memory_slots
    return {
        "goods": goods,
        "parameters": max((module.width(bundle) for module in _modules(scenario)), default=1),
        # As many as can run at a time, and one for a post that sends its members elsewhere.
        "bars": 1 + max(1, -(-params.trade_cooldown_ticks // max(1, params.patience_ticks))),
        **POST_WIDTHS,
        "memory": slots,
        "memory_prices": slots * goods,
    }


def unit_sizes(units: Units) -> dict[str, Any]:
    """Return the settings that follow from the units."""
    return {
        "lot_size": units.lot_size,
        "step_size": units.step_size,
        "minor_size": units.minor_size,
        "step_numerator": float(units.price_step.numerator),
        "step_denominator": float(units.price_step.denominator),
        "lots_per_unit": max(1, round(1 / units.lot)),
    }


def settings_of(scenario: Scenario) -> Settings:
    """Return the settings that systems read."""
    params, info, units = scenario.params, scenario.price_info, scenario.units
    return Settings(
        width=scenario.grid.width,
        height=scenario.grid.height,
        goods=scenario.goods,
        **unit_sizes(units),
        mode=MODES.index(scenario.money_mode),
        exchange_regime=params.exchange_regime,
        centralized_weight=params.centralized_weight,
        bilateral_weight=params.bilateral_weight,
        beta=params.beta,
        min_value=params.min_value,
        patience_ticks=params.patience_ticks,
        trade_cooldown_ticks=params.trade_cooldown_ticks,
        reorder_every=params.reorder_every,
        idle=params.idle,
        forages=params.mode in ("forage", "both"),
        trades=params.mode in ("trade", "both"),
        search=scenario.protocols.search,
        matching=scenario.protocols.matching,
        bargaining=scenario.protocols.bargaining,
        bargaining_parameters=scenario.protocols.bargaining_parameters,
        torus=scenario.grid.torus,
        mode_schedule=params.mode_schedule,
        memory_slots=scenario.attention.memory_slots,
        market_choice=scenario.attention.choice,
        softmax_temperature=scenario.attention.temperature,
        reputation_weight=scenario.attention.reputation,
        price_info=PriceInfo(
            decays=info.age == "exponential",
            half_life=info.half_life,
            expire_after=info.expire_after,
            by_distance=info.distance == "linear",
            floor=info.floor,
            sigma=info.sigma,
        ),
    )


def _add_population(world: World, population: Population, drawn: PopulationStart) -> None:
    chosen = [c for name, c in OPTIONAL_COMPONENTS.items() if population.has(name)]  # type: ignore[arg-type]  # the literal's own names
    if world.settings.memory_slots:
        chosen.append(MarketMemory)
    entity = world.add_table(world.agents, population.name, [*AGENT_COMPONENTS, *chosen])
    parts: dict[type, Any] = {type(c): c for c in world.esper.components_for_entity(entity)}
    parts[Identity].id[:] = drawn.ids
    parts[Position].x[:], parts[Position].y[:] = drawn.x, drawn.y
    parts[Inventory].goods[:] = drawn.goods
    parts[Inventory].money[:] = drawn.money
    parts[Visibility].vision_radius[:] = population.vision_radius
    parts[Visibility].interaction_radius[:] = population.interaction_radius
    if Mobility in parts:
        parts[Mobility].home_x[:], parts[Mobility].home_y[:] = drawn.x, drawn.y
        parts[Mobility].budget[:] = population.move_budget_per_tick
    for group, utility in enumerate(population.utilities):
        module = by_name(utility.family)
        mine = drawn.group == group
        taste = drawn.tastes[group]
        counted = taste.money_weight if world.settings.mode == IN_UTILITY else None
        rows = module.pack(taste.parameters, world.bundle, counted)
        parts[Utility].family[mine] = module.CODE
        parts[Utility].parameters[mine, : rows.shape[1]] = rows
        parts[Utility].money_weight[mine] = taste.money_weight


def _add_posts(world: World, scenario: Scenario) -> None:
    add_post_tables(world)
    world.post_rows = np.full(1 + max((p.id for p in scenario.market_posts), default=-1), -1)
    places = {name: table.start for name, table in world.posts.tables.items()}
    for post in scenario.market_posts:
        row = places[post.mechanism]
        places[post.mechanism] += 1
        world.post_rows[post.id] = row
        write_post(world, row, post)
    world.esper.create_entity(index_posts(world))


def _add_patches(world: World, scenario: Scenario, drawn: PatchStart) -> None:
    if scenario.resources is None:
        return
    rates = [
        0 if not p.has("Forager") else scenario.params.forage_lots for p in scenario.populations
    ]
    for population, rate in zip(scenario.populations, rates, strict=True):
        table = world.agents.tables[population.name]
        world.agents.whole(Forager).rate[table.start : table.stop] = rate
    regrowth = scenario.resources.regrowth
    tiles_x = (world.settings.width >> TILE_SHIFT) + 1
    tiles_y = (world.settings.height >> TILE_SHIFT) + 1
    tile = (drawn.y.astype(np.int64) >> TILE_SHIFT) * tiles_x + (drawn.x >> TILE_SHIFT)
    order = np.argsort(tile, kind="stable")
    tile_start = np.zeros(tiles_x * tiles_y + 1, np.int32)
    np.cumsum(np.bincount(tile, minlength=tiles_x * tiles_y), out=tile_start[1:])
    world.esper.create_entity(
        ResourcePatches(
            x=drawn.x[order],
            y=drawn.y[order],
            good=drawn.good[order],
            amount=drawn.amount[order],
            touched=np.full(len(drawn.x), -1, np.int32),
            regrowth_rate=0 if regrowth is None else regrowth.rate_lots,
            cooldown=0 if regrowth is None else regrowth.cooldown,
            max_amount=0 if regrowth is None else regrowth.max_lots,
        ),
        PatchIndex(tiles_x, tiles_y, tile_start),
    )


def refresh_reach(world: World) -> None:
    """Extend the table of powers of beta to the furthest that anything is seen or heard."""
    furthest = int(world.agents.whole(Visibility).vision_radius.max(initial=0))
    reach = world.posts.whole(PostVisibility)
    furthest = max(
        furthest,
        int(reach.visibility_radius.max(initial=0)),
        int(reach.broadcast_radius.max(initial=0)),
    )
    if world.settings.memory_slots:
        furthest = OUT_OF_MIND
    furthest = min(furthest, world.settings.width + world.settings.height)
    powers = np.full(furthest + 2, world.settings.beta)
    powers[0] = 1.0
    world.beta_power = np.cumprod(powers)
