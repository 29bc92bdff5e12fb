"""One tick of three agents, system by system: python docs/worked_tick.py.

The scenario is the YAML block of architecture.md under "One worked tick"; what is printed here is
the text block below it, which renew.py renews.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import esper

from ecs_market import Simulation
from ecs_market.components.identity import Identity
from ecs_market.components.intent import KINDS, Intent
from ecs_market.components.inventory import Inventory
from ecs_market.components.market_post import STATUSES, MarketPost
from ecs_market.components.pairing import Pairing
from ecs_market.components.position import Position
from ecs_market.components.resource_patches import ResourcePatches
from ecs_market.scenario import loads
from ecs_market.world import World

PAGE = Path(__file__).with_name("architecture.md")
BLOCKS = re.compile(r"(## One worked tick.*?```yaml\n)(.*?)(```.*?```text\n)(.*?)(```)", re.DOTALL)
SEED = 1


def target(kind: int, ident: int) -> str:
    """Return a target as one reads it."""
    names = {"idle": "nothing", "market": "post", "agent": "agent", "resource": "patch"}
    name = names[KINDS[kind]]
    return name if kind == 0 else f"{name} {ident}"


def broadcast(world: World) -> Iterator[str]:
    """Tell what the post says, and how far it is trusted."""
    heard, trust = world.scratch.heard_price[0, 0], world.scratch.confidence[0]
    yield f"post 0: price {heard:.4f}, trust {trust:.4f}"


def appraise(world: World) -> Iterator[str]:
    """Tell marginal rates [M / unit] and how fast they fall."""
    search = world.scratch.search
    for i, r in enumerate(world.agent_rows):
        rate, fall = search.rate[r, 0], search.curvature[r, 0]
        yield f"agent {i}: rate {rate:.4f}, falls by {fall:.4f} a unit"


def index_traders(world: World) -> Iterator[str]:
    """Tell the index of traders."""
    ids = world.agents.whole(Identity).id[world.scratch.index.row]
    yield f"agents in the order of tiles: {ids.tolist()}"


def search_partners(world: World) -> Iterator[str]:
    """Tell candidates and the pairs' discounted gains [M]."""
    search, ids = world.scratch.search, world.agents.whole(Identity).id
    for i, r in enumerate(world.agent_rows):
        number = search.candidates[r]
        found = zip(search.candidate_row[r, :number], search.candidate_weight[r], strict=False)
        yield f"agent {i}: " + ", ".join(f"agent {ids[row]} {weight:.4f}" for row, weight in found)


def search_markets(world: World) -> Iterator[str]:
    """Tell the best post and its value [M]."""
    search = world.scratch.search
    for i, r in enumerate(world.agent_rows):
        yield f"agent {i}: {seen('post', search.best_market[r], search.market_value[r])}"


def search_resources(world: World) -> Iterator[str]:
    """Tell the best patch and its value [M]."""
    search = world.scratch.search
    for i, r in enumerate(world.agent_rows):
        yield f"agent {i}: {seen('patch', search.best_patch[r], search.patch_value[r])}"


def choose(world: World) -> Iterator[str]:
    """Tell what each agent would like best."""
    search, ids = world.scratch.search, world.agents.whole(Identity).id
    for i, r in enumerate(world.agent_rows):
        kind, number = search.choice_kind[r], search.choice_target[r]
        chosen = target(kind, ids[number] if KINDS[kind] == "agent" else number)
        yield f"agent {i}: would like {chosen}, {search.choice_value[r]:.4f}"


def match(world: World) -> Iterator[str]:
    """Tell who is paired, and what everybody goes for."""
    intent, pairing = world.agents.whole(Intent), world.agents.whole(Pairing)
    for i, r in enumerate(world.agent_rows):
        goes = target(intent.kind[r], intent.target[r])
        yield f"agent {i}: partner {pairing.partner[r]}, goes for {goes}, {intent.value[r]:.4f}"


def move(world: World) -> Iterator[str]:
    """Tell where everybody was and is."""
    position, scratch = world.agents.whole(Position), world.scratch
    for i, r in enumerate(world.agent_rows):
        before = f"({scratch.before_x[r]}, {scratch.before_y[r]})"
        yield f"agent {i}: {before} to ({position.x[r]}, {position.y[r]})"


def collect_orders(world: World) -> Iterator[str]:
    """Tell who has joined the post."""
    yield f"post 0: members {world.scratch.orders.id.tolist()}"


def clear_walrasian(world: World) -> Iterator[str]:
    """Tell the price, and what each member got."""
    (clearing,) = world.scratch.clearings
    start, rounds = clearing.start[0, 0], clearing.iterations[0]
    steps = world.posts.whole(MarketPost).current_prices[0, 0]
    status = STATUSES[clearing.status[0]]
    yield f"post 0: from {start:.4f} in {rounds} rounds to {steps} steps, {status}"
    for member, ident in enumerate(clearing.batch.id):
        yield f"agent {ident}: {clearing.settled.filled[member, 0]:+d} lots"


def bargain(world: World) -> Iterator[str]:
    """Tell how many pairs have met."""
    yield f"pairs that met: {world.scratch.bargains.pairs}"


def forage(world: World) -> Iterator[str]:
    """Tell what was harvested."""
    row = world.agent_rows[2]
    patch = world.agents.whole(Intent).target[row]
    for _, patches in world.esper.get_component(ResourcePatches):
        left = patches.amount[patch]
        yield f"agent 2: takes {world.scratch.harvested[0]} lots, {left} are left"


def conclude(world: World) -> Iterator[str]:
    """Tell which pursuits go on, and what everybody owns."""
    intent, inventory = world.agents.whole(Intent), world.agents.whole(Inventory)
    for i, r in enumerate(world.agent_rows):
        holds = f"{inventory.goods[r, 0]} lots, {inventory.money[r]} minor units"
        yield f"agent {i}: pursuit since {intent.since[r]}; {holds}"


NOTES = (
    broadcast,
    appraise,
    index_traders,
    search_partners,
    search_markets,
    search_resources,
    choose,
    match,
    move,
    collect_orders,
    clear_walrasian,
    bargain,
    forage,
    conclude,
)


def seen(noun: str, ident: int, value: float) -> str:
    """Return what a search has found."""
    return f"no {noun}" if ident < 0 else f"{noun} {ident}, {value:.4f}"


def watcher(note: Callable[[World], Iterator[str]], lines: list[str]) -> esper.Processor:
    """Return a system that notes what the engine's system of the note's name has written."""

    class Watch(esper.Processor):
        def process(self, world: World) -> None:
            name = note.__name__
            for line in note(world):
                lines.append(f"{name:<17}{line}")
                name = ""

    Watch.__name__ = f"After_{note.__name__}"
    return Watch()


def trace(page: str) -> str:
    """Run the page's scenario for a tick and return the lines of its trace."""
    found = BLOCKS.search(page)
    if found is None:
        raise ValueError("the page has no worked tick")
    lines: list[str] = []
    with Simulation(loads(found[2]), seed=SEED, threads=1) as sim:
        for note in NOTES:
            sim.add_system(watcher(note, lines), after=note.__name__)
        sim.step()
        query = "SELECT buyer_id, seller_id, commodity, quantity, price FROM trades"
        for row in sim.telemetry.query(query):
            told = "trade: agent {} buys from agent {}: {}, {} lots at {} steps".format(*row)
            lines.append(f"{'observe':<17}{told}")
        lines.append(f"{'':<17}state hash {sim.state_hash()[:16]}...")
    return "\n".join(line.rstrip() for line in lines) + "\n"


if __name__ == "__main__":
    print(trace(PAGE.read_text("utf-8")), end="")
