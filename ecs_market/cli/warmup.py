"""`ecs-market warmup`."""

from __future__ import annotations

import sys
import time
from argparse import Namespace

from ecs_market.cli.compile_ahead import Helpers
from ecs_market.cli.parser import FAILED
from ecs_market.cli.progress import Line
from ecs_market.errors import InputError


def warmup(options: Namespace) -> int:
    """Compile what scenarios need, or say whether all of it is cached."""
    from ecs_market.kernels.jit import cache_folder
    from ecs_market.scenario import load_scenario, scenario_names
    from ecs_market.warmup import needed, together

    folder = cache_folder()
    if folder is None:
        raise InputError(
            "compiled kernels can't be kept: their folder can't be used (`ecs-market info`)"
        )
    names = options.scenarios or list(scenario_names())
    scenarios = [load_scenario(name) for name in names]
    count = options.jobs - 1 if options.jobs else None
    with Line() as line, Helpers(names, count=0 if options.check else count) as helpers:
        start, kept = time.monotonic(), {path.name for path in folder.iterdir()}
        # Helpers look up what is needed by themselves, at the same time, and begin sooner.
        helpers.start()
        lists = []
        for number, (name, scenario) in enumerate(zip(names, scenarios, strict=True), 1):
            line.passing(f"looking up {number}/{len(names)} {name}")
            lists.append(needed(scenario))
        needs = together(lists)
        missing = [each for each in needs if not each.cached]
        if options.check:
            for each in missing:
                print(f"not cached: {each.name}")
            print(f"{len(needs) - len(missing)} of {len(needs)} kernels are cached in {folder}")
            return FAILED if missing else 0
        for number, each in enumerate(missing, 1):
            if not each.cached:
                line.lasting(f"compiling {number}/{len(missing)} {each.name}")
                each.compile()
    took, made = time.monotonic() - start, sum(each.entry not in kept for each in needs)
    by = f" by {helpers.started + 1} processes" if helpers.started else ""
    print(f"{len(needs)} kernels, {made} compiled in {took:.1f} s{by}, kept in {folder}")
    left = sum(not each.cached for each in missing)
    if left:
        print(f"ecs-market: {left} could not be kept; is the disk full?", file=sys.stderr)
    return FAILED if left else 0
