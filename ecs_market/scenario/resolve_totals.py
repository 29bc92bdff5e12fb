"""What a scenario holds in all: posts must have something to trade, and sums must stay exact."""

from __future__ import annotations

from collections.abc import Sequence

from ecs_market.scenario.check import Context
from ecs_market.scenario.document import Path
from ecs_market.scenario.model import Post, Resources, Scenario, largest_total
from ecs_market.scenario.schema import AgentsIn, ScenarioIn
from ecs_market.units import MAX_LOTS, MAX_MINOR

MAX_CELLS = 2**31


def check_supply(
    made: Scenario, spec: ScenarioIn, context: Context, groups: Sequence[AgentsIn]
) -> None:
    """Refuse posts for goods that nobody owns and nothing yields."""
    report = context.report
    held = [group.at(key) for group in groups for key in ("count", "inventories")]
    if context.goods is None or not context.units_sound or any(map(report.has, held)):
        return
    if spec.resources is not None and report.has(spec.resources.at()):
        return
    yielded = {each.good for each in made.resources.types} if made.resources else set()
    dry = {
        good
        for index, good in enumerate(context.goods)
        if good not in yielded and largest_total(made.populations, index, made.market_posts) == 0
    }
    if not dry:
        return
    for post in made.market_posts:
        missing = [good for good in post.commodities if good in dry]
        path = _place(spec, post, "commodities")
        if missing and path:
            report.add(path, f"nobody has {', '.join(missing)} and no resource yields it")


def _place(spec: ScenarioIn, post: Post, *keys: str) -> Path:
    """Return the path of something at a post, which is found by its cell; empty if it is not."""
    for index, each in enumerate(spec.market_posts or ()):
        if each.location == [post.x, post.y]:
            return spec.at("market_posts", index, *keys)
    return ()


def check_totals(
    made: Scenario, spec: ScenarioIn, context: Context, groups: Sequence[AgentsIn]
) -> None:
    """Keep every sum and product of the run inside 64-bit integers."""
    if not context.units_sound or not groups:
        return
    path = groups[0].at("inventories") if len(groups) == 1 else ("populations",)
    agents = sum(each.count for each in made.populations)
    if agents > MAX_CELLS:
        context.report.add(groups[0].at("count"), f"more than {MAX_CELLS:,} agents in all")
    cells = made.grid.width * made.grid.height
    patches = _patches(made.resources, cells)
    most = 0
    for index, good in enumerate(made.goods):
        total = largest_total(made.populations, index, made.market_posts) + patches.get(good, 0)
        most = max(most, total)
        if total > MAX_LOTS:
            message = f"{good}: up to {total:.3g} lots in all, more than 2^53; choose a larger lot"
            context.report.add(path, message, key=True)
    money = sum(each.money.total(each.count) for each in made.populations)
    money += sum(each.stock_money for each in made.market_posts)
    if money > MAX_MINOR:
        message = f"M: up to {money:.3g} minor units in all, more than 2^61; choose coarser units"
        context.report.add(path, message, key=True)
    for post in made.market_posts:
        path = _place(spec, post, "mechanism_params", "fees", "rate")
        if path and post.fee_per_lot * most > MAX_MINOR:
            context.report.add(
                path, "on all lots that there are, fees would come to more than 2^61"
            )


def _patches(found: Resources | None, cells: int) -> dict[str, int]:
    """Most lots of each good that the ground can hold at the start."""
    most: dict[str, int] = {}
    for each in found.types if found is not None and found.spawn_rate > 0 else ():
        most[each.good] = max(most.get(each.good, 0), cells * each.quantity.high)
    return most
