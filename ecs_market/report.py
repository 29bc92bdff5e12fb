"""A run's ledger and summary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecs_market.components.inventory import Inventory
from ecs_market.state_hash import state_hash
from ecs_market.subsistence import below_subsistence
from ecs_market.units import Units
from ecs_market.welfare_report import SUMMARY_AGENTS, welfare_of
from ecs_market.world import World

if TYPE_CHECKING:
    from ecs_market.simulation import Simulation


def ledger_of(world: World) -> dict[str, dict[str, int]]:
    """Return where it came from and what exists, a good each and M, in storage units.

    `initial + harvest + host` is `current`, what agents and posts hold; `markets` is the
    part of the posts.
    """
    inventory = world.agents.whole(Inventory)
    held = [*inventory.goods.sum(axis=0).tolist(), int(inventory.money.sum())]
    markets = world.market_accounts().tolist()
    ledger = world.ledger
    return {
        name: {
            "initial": int(ledger.initial[index]),
            "harvest": int(ledger.harvest[index]),
            "host": int(ledger.host[index]),
            "markets": markets[index],
            "current": held[index] + markets[index],
        }
        for index, name in enumerate((*world.settings.goods, "M"))
    }


def _ledger_in_units(world: World, units: Units) -> dict[str, dict[str, float]]:
    """Return the ledger in units and M."""
    return {
        name: {
            part: units.from_minor(value) if name == "M" else units.from_lots(value)
            for part, value in parts.items()
        }
        for name, parts in ledger_of(world).items()
    }


def _owned_by_posts(simulation: Simulation) -> dict[str, dict[str, float]]:
    """Return what all posts own, a good each and M [unit, M], and by how much that has grown."""
    world, units = simulation.world, simulation.units
    posts = simulation.scenario.market_posts
    begun = [
        sum(lots) for lots in zip(*(p.stock_goods for p in posts if p.stock_goods), strict=True)
    ]
    start = [*(begun or [0] * world.goods), sum(post.stock_money for post in posts)]
    return {
        name: {"owned": convert(now), "change": convert(now - before)}
        for name, now, before, convert in zip(
            (*world.settings.goods, "M"),
            world.market_accounts().tolist(),
            start,
            [units.from_lots] * world.goods + [units.from_minor],
            strict=True,
        )
    }


def summary_of(simulation: Simulation) -> dict[str, Any]:
    """Return what a run has come to, in people's units."""
    world, units = simulation.world, simulation.units
    totals, goods = world.totals, world.settings.goods
    seconds = totals.elapsed_ns / 1e9
    welfare = welfare_of(world, units, most_agents=SUMMARY_AGENTS)
    mine = totals.posts.grown(len(world.post_rows))
    posts = [
        {
            "id": market.id,
            "mechanism": market.mechanism_type,
            "location": list(market.location),
            "prices": market.current_prices,
            "volume": {
                good: units.from_lots(int(lots))
                for good, lots in zip(goods, mine.volume[market.id], strict=True)
                if good in market.commodities
            },
            "clears": int(mine.clears[market.id]),
            "trades": int(mine.trades[market.id]),
            "gain": units.from_minor(int(mine.gain[market.id])),
            "account": market.account,
            "last_clear_tick": market.last_clear_tick,
            "status": market.status,
        }
        for market in simulation.markets
    ]
    return {
        "scenario": simulation.scenario.name,
        "seed": simulation.seed,
        "ticks": simulation.tick,
        "agents": world.agents.size,
        "threads": simulation.threads,
        "posts": posts,
        "owned_by_posts": _owned_by_posts(simulation),
        "market_trades": totals.market_trades,
        "market_gain": units.from_minor(totals.market_gain),
        "bilateral_trades": totals.bilateral_trades,
        "bilateral_gain": units.from_minor(totals.bilateral_gain),
        "bilateral_volume": {
            good: units.from_lots(int(lots))
            for good, lots in zip(goods, totals.pairs.volume[0], strict=True)
        },
        "harvest": {
            good: units.from_lots(int(lots))
            for good, lots in zip(goods, world.ledger.harvest, strict=False)
        },
        "below_subsistence": below_subsistence(world),
        "ledger": _ledger_in_units(world, units),
        "last_trade_tick": welfare["last_trade_tick"],
        "welfare": welfare,
        "state_hash": state_hash(world, simulation.tick),
        "elapsed_s": seconds,
        "ticks_per_s": simulation.tick / seconds if seconds else 0.0,
        "agent_ticks_per_s": simulation.tick * world.agents.size / seconds if seconds else 0.0,
    }
