"""A host's own components, systems, posts and views."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import esper
import numpy as np
import pytest

from ecs_market import Simulation, load_scenario
from ecs_market.components.intent import MARKET, Intent
from ecs_market.components.inventory import Inventory
from ecs_market.errors import InputError, SimulationError
from ecs_market.types import F64, I8
from ecs_market.world import World

GROUP: dict[str, Any] = {
    "inventories": {"A": [5, 20], "B": [5, 20], "M": [50, 100]},
    "utilities": [{"type": "cobb_douglas", "exponents": [0.5, 0.5]}],
}
SCENARIO: dict[str, Any] = {
    "grid": {"width": 12, "height": 10},
    "goods": ["A", "B"],
    "market_posts": [
        {"location": [5, 5], "mechanism": "walrasian", "broadcast_radius": 12},
        {"location": [11, 9], "mechanism": "posted_price", "visibility_radius": 0},
    ],
    "populations": [
        {"name": "traders", "count": 10, **GROUP},
        {"name": "sitters", "count": 6, "components": ["BilateralTrader"], **GROUP},
    ],
    "resources": {"spawn_rate": 0.1, "types": [{"good": "A", "quantity": [1, 3]}]},
}


@dataclass(slots=True)
class Mood:
    level: F64
    habits: I8


@dataclass(slots=True)
class Odd:
    thing: Any


class Cheer(esper.Processor):
    def process(self, world: World) -> None:
        for _, (mood, _inventory) in world.esper.get_components(Mood, Inventory):
            mood.level[:] += 1.0


class Break(esper.Processor):
    def process(self, _world: World) -> None:
        raise RuntimeError("out of order")


class Linger(esper.Processor):
    def __init__(self) -> None:
        self.inside, self.leave = threading.Event(), threading.Event()

    def process(self, _world: World) -> None:
        self.inside.set()
        assert self.leave.wait(60)


@pytest.fixture
def sim() -> Iterator[Simulation]:
    with Simulation(SCENARIO, seed=3, threads=1) as made:
        yield made


def mood(count: int) -> Mood:
    return Mood(np.arange(float(count)), np.ones((count, 3), np.int8))


def test_a_host_component_lives_with_the_population(sim: Simulation) -> None:
    sim.world.restructure(reorder={"traders": np.arange(10)[::-1].copy()})
    before = sim.state_hash()
    sim.add_component("traders", mood(10))
    assert sim.state_hash() != before
    traders = sim.population("traders")
    assert traders.get("mood.level").tolist() == list(range(10))
    with sim.edit() as edit:
        edit.set("mood.level", [2, 3], [-5.5, 7])
        edit.set("mood.habits", [2], [[1, 2, 3]])
    new = sim.spawn("traders", 60, mood={"level": np.arange(60)})
    assert traders.get("mood.level", new).tolist() == list(range(60))
    assert traders.get("mood.habits", new[:2]).tolist() == [[1, 1, 1]] * 2
    sim.despawn([0, 1])
    assert traders.get("mood.level", [2, 3, 4]).tolist() == [-5.5, 7, 4]
    with sim.columns("traders") as c:
        c.mood.level[c.id == 4] = 44.0
    assert traders.get("mood.level", [4]).tolist() == [44]
    sim.add_system(Cheer(), after="clearing")
    sim.run(2)
    assert traders.get("mood.level", [2, 3, 4]).tolist() == [-3.5, 9, 46]
    assert "cheer" in sim.timings()
    sim.add_component("sitters", mood(6))
    sim.step()
    assert sim.population("sitters").get("mood.level").tolist() == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("component", "says"),
    [
        (Mood(np.zeros(9), np.zeros((10, 3), np.int8)), r"mood.level must have shape \(10,\)"),
        (Mood(np.zeros(10), np.zeros((10, 3, 1), np.int8)), "mood.habits must have shape"),
        (Odd([0] * 10), "odd.thing must be a numpy array"),
        (Odd(np.array(["a"] * 10)), "booleans, integers or floats"),
        (Odd(np.zeros(10, complex)), "booleans, integers or floats"),
        (Odd(np.full(10, np.nan)), "odd.thing must be finite"),
        (Mood, "not an instance of a dataclass"),
        (3, "not an instance of a dataclass"),
        (type("Inventory", (Mood,), {})(np.zeros(10), np.zeros((10, 1), np.int8)), "already"),
        (type("Forager", (Odd,), {})(np.zeros(10)), "already"),
    ],
)
def test_wrong_components_are_explained(sim: Simulation, component: Any, says: str) -> None:
    before = sim.state_hash()
    with pytest.raises(InputError, match=says):
        sim.add_component("traders", component)
    assert sim.state_hash() == before


def test_a_component_is_added_once_and_alike(sim: Simulation) -> None:
    sim.add_component("traders", mood(10))
    with pytest.raises(InputError, match="has a component mood already"):
        sim.add_component("traders", mood(10))
    with pytest.raises(InputError, match="other columns in another population"):
        sim.add_component("sitters", Mood(np.zeros(6), np.zeros((6, 2), np.int8)))
    other = type("Mood", (Odd,), {})(np.zeros(6))
    with pytest.raises(InputError, match="name of another component"):
        sim.add_component("sitters", other)
    with pytest.raises(InputError, match="name of another component"):
        sim.add_component("sitters", type("Forager", (Odd,), {})(np.zeros(6)))


def test_a_system_that_raises_ends_the_run() -> None:
    sim = Simulation(SCENARIO, seed=3, threads=1)
    sim.add_system(Break(), after="movement")
    with pytest.raises(RuntimeError, match="out of order"):
        sim.step()
    calls: list[Callable[[], object]] = [
        sim.step,
        sim.state_hash,
        sim.ledger,
        sim.population("traders").ids,
        lambda: sim.view(0),
        lambda: sim.spawn("traders", 1),
        lambda: sim.population("traders").get("inventory.money"),
    ]
    for call in calls:
        with pytest.raises(SimulationError, match=r"out of order.*only close\(\) works"):
            call()
    sim.close()
    with pytest.raises(SimulationError, match="is closed"):
        sim.step()


def test_a_second_thread_is_refused(sim: Simulation) -> None:
    linger = Linger()
    sim.add_system(linger, after="search")
    with ThreadPoolExecutor(1) as pool:
        stepping = pool.submit(sim.step)
        assert linger.inside.wait(60)
        for call in (sim.step, sim.population("traders").ids, sim.state_hash):
            with pytest.raises(SimulationError, match="in use by another thread"):
                call()
        linger.leave.set()
        stepping.result(60)
    assert sim.tick == 1


def test_the_hosts_own_esper_is_untouched(sim: Simulation) -> None:
    entity = esper.create_entity(Odd(1))
    sim.run(2)
    assert sim.esper is not esper
    assert [found for found, _ in esper.get_component(Odd)] == [entity]
    assert not esper.get_component(Inventory)
    esper.clear_database()
    esper.switch_world("another")
    sim.step()
    assert len(sim.population("traders")) == 10
    esper.switch_world("default")
    esper.delete_world("another")


def test_simulations_side_by_side_do_not_meet() -> None:
    def hashes(seed: int) -> list[str]:
        with Simulation(SCENARIO, seed=seed, threads=1, telemetry_level="off") as sim:
            found = []
            for _ in range(12):
                sim.step()
                found.append(sim.state_hash())
            return found

    alone = [hashes(1), hashes(2)]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(hashes, [1, 2])) == alone


def test_a_post_can_be_added(sim: Simulation) -> None:
    sim.run(4)
    prices = [market.current_prices for market in sim.markets]
    post = sim.add_market_post((0, 9), mechanism="walrasian", visibility_radius=30, id=7)
    assert (post.id, post.location, post.current_prices) == (7, (0, 9), {"M": 1.0})
    assert [market.id for market in sim.markets] == [0, 1, 7]
    assert [market.current_prices for market in sim.markets[:2]] == prices
    for _ in range(3):
        sim.add_market_post((sim.tick, 0), mechanism="walrasian", visibility_radius=30)
        sim.step()
    assert [market.id for market in sim.markets] == [0, 1, 7, 8, 9, 10]
    sim.run(10)
    assert len(sim.scenario.market_posts) == 6
    rows = sim.telemetry.query("SELECT market_id FROM market_posts ORDER BY market_id")
    assert rows == [(0,), (1,), (7,), (8,), (9,), (10,)]
    assert sim.summary()["posts"][2]["id"] == 7


@pytest.mark.parametrize(
    ("location", "settings", "says"),
    [
        ((5, 5), {}, "5, 5"),
        ((50, 5), {}, "50"),
        (5, {}, "must be a cell"),
        ((1, 1), {"id": 0}, "id"),
        ((1, 1), {"mechanism": "walras"}, "walrasian"),
        ((1, 1), {"visibility": 3}, "visibility_radius"),
        ((1, 1), {"broadcast_radius": -1}, "broadcast_radius"),
    ],
)
def test_wrong_posts_are_explained(
    sim: Simulation, location: Any, settings: dict[str, Any], says: str
) -> None:
    before = sim.state_hash()
    with pytest.raises(ValueError, match=says):
        sim.add_market_post(location, **{"mechanism": "walrasian", **settings})
    assert sim.state_hash() == before
    assert len(sim.markets) == 2


def test_the_order_of_adding_posts_does_not_matter() -> None:
    later = {**SCENARIO, "market_posts": SCENARIO["market_posts"][:1]}
    with (
        Simulation(SCENARIO, seed=3, threads=1) as one,
        Simulation(later, seed=3, threads=1) as two,
    ):
        two.add_market_post((11, 9), mechanism="posted_price", visibility_radius=0)
        assert one.state_hash() == two.state_hash()
        one.run(8)
        two.run(8)
        assert one.state_hash() == two.state_hash()


def test_a_post_can_be_removed(sim: Simulation) -> None:
    sim.run(6)
    gone = sim.markets[0]
    sim.remove_market_post(0)
    assert [market.id for market in sim.markets] == [1]
    with pytest.raises(ValueError, match="market post 0 has been removed"):
        _ = gone.current_prices
    after_it = sim.world.agents.whole(Intent)
    assert not ((after_it.kind == MARKET) & (after_it.target == 0)).any()
    again = sim.add_market_post((5, 5), mechanism="walrasian", broadcast_radius=12)
    assert again.id == 2
    with pytest.raises(ValueError, match="id 0 was a post that has been removed"):
        sim.add_market_post((1, 1), mechanism="walrasian", id=0)
    sim.run(6)
    assert sim.telemetry.query("SELECT max(tick) FROM market_clears WHERE market_id = 2")[0][0] > 5
    for entry in sim.ledger().values():
        assert entry["initial"] + entry["harvest"] + entry["host"] == entry["current"]


@pytest.mark.parametrize("ident", [2, -1, "0", True, 1.0])
def test_a_post_that_is_not_there_cannot_be_removed(sim: Simulation, ident: Any) -> None:
    before = sim.state_hash()
    with pytest.raises(ValueError, match=r"there is no market post .* there is: 0, 1"):
        sim.remove_market_post(ident)
    assert sim.state_hash() == before


def test_removing_every_post_leaves_an_economy_that_runs(sim: Simulation) -> None:
    sim.run(3)
    for market in sim.markets:
        sim.remove_market_post(market.id)
    sim.run(5)
    assert sim.markets == []


def test_a_view_says_what_the_agent_knows(sim: Simulation) -> None:
    sim.run(12)
    traders = sim.population("traders")
    for ident in traders.ids().tolist():
        view = sim.view(ident)
        x, y = (int(traders.get(f"position.{axis}", [ident])[0]) for axis in "xy")
        at = x, y
        assert (view.agent_id, view.tick, view.pos, view.mode) == (ident, 12, at, "both")
        money = int(traders.get("inventory.money", [ident])[0])
        assert view.inventory["M"] == sim.units.from_minor(money)
        assert view.params["vision_radius"] == 5
        for other in view.visible_agents:
            gap = abs(other.pos[0] - at[0]) + abs(other.pos[1] - at[1])
            assert other.distance == gap <= 5
        seen = {m.id for m in sim.markets if m.can_see(at)}
        heard = {
            m.id for m in sim.markets if m.can_receive_broadcast(at) and len(m.current_prices) > 1
        }
        assert [m.id for m in view.visible_markets] == sorted(seen | heard)
        assert set(view.market_prices) == heard
        assert view.nearby_markets == [m.id for m in sim.markets if m.can_interact(at)]
        assert view.pending_orders == []
        for known in view.visible_markets:
            post = sim.markets[known.id]
            assert known.distance == post.distance(at)
            assert known.commodities == ["A", "B", "M"]
            if known.id in heard:
                prices = {k: v for k, v in post.current_prices.items() if k != "M"}
                assert known.last_known_prices == prices == view.market_prices[known.id]
                assert known.price_tick == min(post.price_formed_at.values())
                age = 12 - known.price_tick
                assert known.price_confidence == pytest.approx(max(0.5, 2.0 ** (-age / 50.0)))
            else:
                assert known.price_tick is None
                assert known.price_confidence == 0.5
        assert (view.target_market_id is not None) == (view.target_kind == "market")
    assert any(view.market_prices for view in map(sim.view, traders.ids().tolist()))
    with pytest.raises(InputError, match="no agent has id 99"):
        sim.view(99)


def test_looking_changes_nothing() -> None:
    with (
        Simulation(load_scenario("bilateral_only"), seed=1, threads=1) as one,
        Simulation(load_scenario("bilateral_only"), seed=1, threads=1) as two,
    ):
        for _ in range(6):
            one.step()
            two.step()
            views = [one.view(ident) for ident in range(5)]
            for view in views:
                if view.paired_with_id is not None:
                    assert one.view(view.paired_with_id).paired_with_id == view.agent_id
            assert one.state_hash() == two.state_hash()


def test_confidence_may_fall_with_the_distance() -> None:
    fading = {**SCENARIO, "price_info": {"distance": "linear", "age": "none", "floor": 0.2}}
    with Simulation(fading, seed=3, threads=1) as sim:
        sim.run(12)
        for ident in range(10):
            for known in sim.view(ident).visible_markets:
                if known.last_known_prices:
                    radius = sim.markets[known.id].broadcast_radius
                    expected = 1.0 - 0.8 * known.distance / radius
                    assert known.price_confidence == pytest.approx(expected)
