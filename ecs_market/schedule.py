"""The tick, in order: read this first.

Each line is a phase and the system that carries it out; each system reads what the one before it
left.  A host program's own systems are put after a phase or a system by name.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import esper

from ecs_market.errors import InputError
from ecs_market.systems.appraise import Appraise
from ecs_market.systems.bargain import Bargain
from ecs_market.systems.broadcast import Broadcast
from ecs_market.systems.choose import Choose
from ecs_market.systems.clear_call_auction import ClearCallAuction
from ecs_market.systems.clear_double_auction import ClearDoubleAuction
from ecs_market.systems.clear_plugins import ClearPlugins
from ecs_market.systems.clear_posted_price import ClearPostedPrice
from ecs_market.systems.clear_walrasian import ClearWalrasian
from ecs_market.systems.collect_orders import CollectOrders
from ecs_market.systems.conclude import Conclude
from ecs_market.systems.forage import Forage
from ecs_market.systems.index_traders import IndexTraders
from ecs_market.systems.match import Match
from ecs_market.systems.move import Move
from ecs_market.systems.observe import Observe
from ecs_market.systems.rate_posts import RatePosts
from ecs_market.systems.remember import Remember
from ecs_market.systems.search_markets import SearchMarkets
from ecs_market.systems.search_partners import SearchPartners
from ecs_market.systems.search_resources import SearchResources
from ecs_market.world import World

SCHEDULE: tuple[tuple[str, type[esper.Processor]], ...] = (
    ("broadcast", Broadcast),  # posts say their prices
    ("broadcast", Remember),  # agents with a memory write them down
    ("search", Appraise),  # what is a unit more of each good worth to me?
    ("search", IndexTraders),  # who is where?
    ("search", SearchPartners),  # with whom would a trade pay?
    ("search", SearchMarkets),  # at which post?
    ("search", SearchResources),  # or shall I harvest?
    ("search", Choose),  # the best of these becomes the intent
    ("matching", Match),  # those who want a partner are paired
    ("movement", Move),  # everybody walks
    ("order collection", CollectOrders),  # those within reach of their post join it
    ("clearing", ClearWalrasian),  # tatonnement
    ("clearing", ClearPostedPrice),  # trade at the posted price
    ("clearing", ClearDoubleAuction),  # one order after the other
    ("clearing", ClearCallAuction),  # all orders at one price
    ("clearing", ClearPlugins),  # mechanisms of other packages
    ("bargaining", Bargain),  # pairs that have met trade
    ("foraging", Forage),  # foragers harvest
    ("pursuits", RatePosts),  # did posts keep what they promised?
    ("pursuits", Conclude),  # what was filled, or waited for too long, is over
    ("telemetry", Observe),  # write it down
)


@dataclass(slots=True)
class Entry:
    """One system of a simulation's schedule."""

    phase: str
    name: str
    system: esper.Processor


def system_name(system: type[esper.Processor]) -> str:
    """Return the name of a system: ``ClearWalrasian`` is ``clear_walrasian``."""
    name = system.__name__
    return "".join(
        ("_" + letter.lower()) if letter.isupper() and index else letter.lower()
        for index, letter in enumerate(name)
    )


class Schedule:
    """The systems of one simulation, in the order in which they run."""

    def __init__(self, world: World) -> None:
        self.entries: list[Entry] = []
        for phase, system in SCHEDULE:
            self._insert(len(self.entries), Entry(phase, system_name(system), system()), world)

    def add(self, system: esper.Processor, after: str, world: World) -> str:
        """Put a system after a phase (its last system) or a system; return its name."""
        name = system_name(type(system))
        if not callable(getattr(system, "process", None)):
            raise InputError(f"add_system: {name} has no process(world) method")
        if any(entry.name == name for entry in self.entries):
            raise InputError(f"add_system: there is a system named {name!r} already")
        known = [e.phase for e in self.entries] + [e.name for e in self.entries]
        if after not in known or after in ("telemetry", "observe"):
            names = ", ".join(dict.fromkeys(n for n in known if n not in ("telemetry", "observe")))
            raise InputError(f"add_system: after={after!r} is not one of: {names}")
        place = max(i for i, e in enumerate(self.entries) if after in (e.phase, e.name))
        self._insert(place + 1, Entry(self.entries[place].phase, name, system), world)
        return name

    def _insert(self, place: int, entry: Entry, world: World) -> None:
        self.entries.insert(place, entry)
        world.esper.add_processor(entry.system)

    def run(self, world: World) -> None:
        """Run one tick; `world.timings` gets the nanoseconds each system took."""
        if world.watch is None:
            self._run(world, lambda entry: entry.system.process(world))
            return
        watch = world.watch
        with watch.tick(world):
            self._run(world, lambda entry: watch.process(entry.name, entry.system, world))

    def _run(self, world: World, process: Callable[[Entry], object]) -> None:
        world.timings.clear()
        for entry in self.entries:
            before = time.perf_counter_ns()
            process(entry)
            world.timings[entry.name] = time.perf_counter_ns() - before
