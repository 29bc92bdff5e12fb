"""Posts are judged by what they give of what they promise; choice may be left to chance."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import esper
import numpy as np
import pytest

from ecs_market import Simulation
from ecs_market.components.intent import MARKET, Intent
from ecs_market.components.market_post import MarketPost
from ecs_market.components.reputation import Reputation
from ecs_market.systems.broadcast import Broadcast
from ecs_market.systems.search_markets import SearchMarkets
from ecs_market.world import World
from tests.oracles import worlds, worth
from tests.oracles.worlds import (
    COBB_DOUGLAS,
    LINEAR,
    agents_of,
    group,
    posts_of,
    scenario,
    world_of,
)
from tests.test_reproducible import everything_at_once

RICH = {"A": 6, "B": 6, "M": 30}


def markets(weight: float, seed: int = 0) -> dict[str, Any]:
    """Return an economy of posts, one of which sells at a price at which nobody sells."""
    return scenario(
        group("one", 8, [LINEAR, COBB_DOUGLAS]),
        group("two", 8, [COBB_DOUGLAS], inventories=RICH, move_budget_per_tick=2),
        market_posts=[
            {"location": [2, 4], "visibility_radius": 20},
            {
                "location": [8, 4],
                "visibility_radius": 20,
                "mechanism": "posted_price",
                "mechanism_params": {"initial_price": 0.05, "price_update_frequency": 1000},
            },
        ],
        params={"exchange_regime": "centralized", "patience_ticks": 3, "trade_cooldown_ticks": 2},
        reputation={"type": "ema", "weight": weight} if weight else "none",
        seed=seed,
    )


def gain_promised(world: World, agent: worlds.Agent) -> float:
    """Return the gain [M] at the prices that an agent hears of the post it is after."""
    (post,) = (p for p in posts_of(world) if (MARKET, p.ident) == agent.pursued)
    known = worth.known_prices(post, world.tick, world.settings)
    if not known or worlds.distance(agent, post) > post.broadcast:
        return 0.0
    price = [m / agent.weight for m in worth.marginals(agent, world.settings.lot_size)]
    for k in known:
        price[k] = post.price[k]
    return worth.gain(agent, price, post.traded, world.settings, 1)


class Promises(esper.Processor):
    """Writes down what agents are promised by the posts they have chosen."""

    def __init__(self) -> None:
        self.promised: dict[int, float] = {}

    def process(self, world: World) -> None:
        """Prices and holdings are still those of the search."""
        self.promised = {
            agent.ident: gain_promised(world, agent)
            for agent in agents_of(world)
            if agent.pursued and agent.pursued[0] == MARKET
        }


class Judge(esper.Processor):
    """Works out what each post's averages should be, by its id."""

    def __init__(self, promises: Promises) -> None:
        self.promises = promises
        self.averages = {0: (1.0, 1.0), 1: (1.0, 1.0)}

    def process(self, world: World) -> None:
        """Go through the members of each post."""
        weight = world.settings.reputation_weight
        for clearing in world.scratch.clearings:
            batch, settled = clearing.batch, clearing.settled
            for place, post in enumerate(clearing.post.tolist()):
                here = range(batch.first[place], batch.first[place + 1])
                promised = {m: self.promises.promised[int(batch.id[m])] for m in here}
                told = {m: gain for m, gain in promised.items() if gain >= 0.01}
                promise = sum(told.values())
                gained = sum(max(0, int(settled.gain[m])) for m in told) * world.settings.minor_size
                wished = sum(abs(int(lots)) for m in here for lots in settled.desired[m])
                got = sum(abs(int(lots)) for m in here for lots in settled.filled[m])
                gain, fill = self.averages[post]
                if promise > 0:
                    gain += weight * (min(1.0, gained / promise) - gain)
                if wished > 0:
                    fill += weight * (min(1.0, got / wished) - fill)
                self.averages[post] = gain, fill


def test_averages_of_what_was_given() -> None:
    """Replay: promises are gains at the prices heard, averages move by the weight."""
    with Simulation(markets(0.3), seed=1, telemetry_level="off") as simulation:
        world, promises = simulation.world, Promises()
        judge = Judge(promises)
        simulation.add_system(promises, after="match")
        simulation.add_system(judge, after="pursuits")
        for _ in range(30):
            simulation.step()
            reputation = world.posts.whole(Reputation)
            for post, (gain, fill) in judge.averages.items():
                row = world.post_rows[post]
                assert reputation.gain[row] == pytest.approx(gain, abs=1e-5)
                assert reputation.fill[row] == pytest.approx(fill, abs=1e-9)
                lower = min(reputation.gain[row], reputation.fill[row])
                assert simulation.markets[post].reputation == lower
        assert judge.averages[1][1] < 0.5
        assert judge.averages[0][0] != 1.0


def visits(weight: float) -> list[int]:
    """Return how many agents joined each post over a run."""
    joined = np.zeros(2, np.int64)
    with Simulation(markets(weight), seed=1, telemetry_level="off") as simulation:
        for _ in range(60):
            simulation.step()
            at = simulation.world.scratch.at_post
            for post in (0, 1):
                joined[post] += (at == simulation.world.post_rows[post]).sum()
    found: list[int] = joined.tolist()
    return found


def test_a_bad_name_keeps_visitors_away() -> None:
    """Cheap goods that nobody sells draw a crowd for ever, unless agents talk."""
    trusting, talking = visits(0.0), visits(0.3)
    assert trusting[1] > 40
    assert talking[1] < trusting[1] / 2


@pytest.mark.kernel
def test_reputation_scales_what_a_post_is_worth() -> None:
    world = world_of(
        group("one", 1, [COBB_DOUGLAS], cells=[[5, 4]], inventories=RICH),
        market_posts=[{"location": [5, 5]}, {"location": [5, 3]}],
        reputation="ema",
    )
    reputation, search = world.posts.whole(Reputation), world.scratch.search
    Broadcast().process(world)
    SearchMarkets().process(world)
    value = float(search.market_value[0])
    assert search.best_market[0] == 0
    reputation.fill[world.post_rows[0]] = 0.8
    SearchMarkets().process(world)
    assert search.best_market[0] == 1
    reputation.gain[world.post_rows[1]], reputation.fill[world.post_rows[1]] = 0.5, 0.9
    SearchMarkets().process(world)
    assert search.best_market[0] == 0
    assert search.market_value[0] == pytest.approx(0.8 * value)


def test_without_reputation_posts_have_none() -> None:
    made = markets(0.0)
    with Simulation(made, telemetry_level="off") as simulation:
        simulation.run(5)
        assert [market.reputation for market in simulation.markets] == [1.0, 1.0]
        assert Reputation not in simulation.world.posts.specs


def test_a_new_post_has_a_good_name() -> None:
    with Simulation(markets(0.5), seed=1, telemetry_level="off") as simulation:
        simulation.run(20)
        worst = min(market.reputation for market in simulation.markets)
        added = simulation.add_market_post((5, 8), mechanism="posted_price")
        assert added.reputation == 1.0
        assert min(market.reputation for market in simulation.markets) == worst < 0.7


@pytest.mark.parametrize("number", range(2))
def test_threads_and_rows_change_nothing(number: int) -> None:
    everything_at_once(markets(0.3, number), number, 15)


# --- choice by chance -------------------------------------------------------------------------


def choosers(temperature: float, count: int = 1500) -> World:
    """Return agents that are all alike; posts differ in distance, the last one is too far."""
    world = world_of(
        group("all", count, [COBB_DOUGLAS], cells=[[5, 4]] * count, inventories=RICH),
        market_posts=[{"location": at} for at in ([5, 5], [9, 4], [3, 4], [0, 0])],
        market_choice={"type": "softmax", "temperature": temperature},
        params={"beta": 0.8},
        seed=5,
    )
    Broadcast().process(world)
    return world


@pytest.mark.kernel
@pytest.mark.parametrize("temperature", [0.05, 0.2, 10.0])
def test_posts_are_chosen_in_proportion_to_the_exponential_of_their_value(
    temperature: float,
) -> None:
    world = choosers(temperature)
    agent = agents_of(world)[0]
    values = [worth.post_value(agent, p, 0, world.settings) for p in posts_of(world)]
    odds = [math.exp(value / temperature) if value > 0 else 0.0 for value in values]
    SearchMarkets().process(world)
    chosen = world.scratch.search.best_market[world.agent_rows]
    for post, each in enumerate(odds):
        share = each / sum(odds)
        error = math.sqrt(share * (1 - share) / len(chosen))
        assert abs(np.mean(chosen == post) - share) <= 4 * error
        found = world.scratch.search.market_value[world.agent_rows[chosen == post]]
        assert found == pytest.approx(values[post], rel=1e-6)


def test_the_choice_lasts_as_long_as_the_pursuit() -> None:
    world = choosers(1.0, 60)
    search, intent, rows = world.scratch.search, world.agents.whole(Intent), world.agent_rows

    def chosen(tick: int) -> list[int]:
        world.tick = tick
        SearchMarkets().process(world)
        found: list[int] = search.best_market[rows].tolist()
        return found

    fresh = [chosen(tick) for tick in range(6)]
    assert len({tuple(each) for each in fresh}) == 6
    intent.kind[rows], intent.target[rows], intent.since[rows] = MARKET, fresh[2], 2
    assert chosen(5) == fresh[2]
    intent.since[rows] = -1
    assert chosen(5) == fresh[5]


def test_at_a_low_temperature_the_best_post_is_chosen() -> None:
    cold, plain = choosers(1e-9, 20), choosers(1.0, 20)
    plain.settings = dataclasses.replace(plain.settings, market_choice="score")
    for world in (cold, plain):
        SearchMarkets().process(world)
    assert cold.scratch.search.best_market.tolist() == plain.scratch.search.best_market.tolist()
    market = cold.posts.whole(MarketPost)
    assert market.current_prices.sum() == 0


def test_chance_spreads_traders_over_thin_posts() -> None:
    """Two posts alike: by value all go to one of them, by chance to both."""

    def joined(choice: Any) -> list[int]:
        made = scenario(
            group("all", 24, [LINEAR, COBB_DOUGLAS], inventories=RICH, cells=[[5, 4]] * 24),
            market_posts=[{"location": at} for at in ([4, 4], [6, 4])],
            params={"exchange_regime": "centralized"},
            market_choice=choice,
        )
        with Simulation(made, telemetry_level="off") as simulation:
            simulation.step()
            at = simulation.world.scratch.at_post
            return [int((at == simulation.world.post_rows[post]).sum()) for post in (0, 1)]

    assert joined("score") == [24, 0]
    assert min(joined({"type": "softmax", "temperature": 1.0})) > 5
