"""Economies in which nobody can ever trade are allowed, but hardly meant."""

from __future__ import annotations

from collections.abc import Sequence

from ecs_market.scenario.check import Context
from ecs_market.scenario.document import Path
from ecs_market.scenario.model import Scenario
from ecs_market.scenario.schema import AgentsIn, ParamsIn, ScenarioIn

# In their books each order stands for itself, and a buyer has to have the money.
ONE_BY_ONE = ("continuous_double_auction", "call_auction")
_NEVER = "nobody can ever trade"


def doubt_trade(
    made: Scenario, spec: ScenarioIn, context: Context, groups: Sequence[AgentsIn]
) -> None:
    """Warn where trade is asked for and cannot come about, whatever agents do.

    A host program may yet add what is missing.
    """
    modes = [mode for mode, _ in made.params.mode_schedule] or [made.params.mode]
    if not groups or all(mode == "forage" for mode in modes):
        return
    regime = made.params.exchange_regime
    posts = len(made.market_posts) if regime != "bilateral" else 0
    pairs = sum(each.count for each in made.populations if each.has("BilateralTrader")) > 1
    pairs &= regime != "centralized"
    if not posts and not pairs:
        path, why = _without_place(made, spec, groups)
        context.report.doubt(path, f"{why}: {_NEVER}")
        return
    barters = bool(made.protocols.bargaining_parameters.get("barter"))
    goods_pay = made.money_mode == "unit_of_account" or (
        pairs and (made.money_mode == "in_utility" or barters)
    )
    # Where wishes for several goods are settled at once, what is sold pays for what is bought.
    goods_pay |= regime != "bilateral" and any(
        len(set(post.commodities) - {"M"}) > 1 and post.mechanism not in ONE_BY_ONE
        for post in made.market_posts
    )
    money = sum(each.money.total(each.count) for each in made.populations)
    money += sum(each.stock_money for each in made.market_posts)
    if not money and not goods_pay:
        group = groups[0]
        named = "M" in (group.inventories or {})
        path = group.at("inventories", "M") if named else group.at("inventories")
        ways = "give somebody some, or let goods pay: money {mode: unit_of_account}"
        if pairs:
            ways += " or bargaining with barter: true"
        context.report.doubt(path, f"nobody has any M, and nothing else pays: {_NEVER}; {ways}")


def _without_place(
    made: Scenario, spec: ScenarioIn, groups: Sequence[AgentsIn]
) -> tuple[Path, str]:
    """Return what keeps agents from trading anywhere, and where it stands."""
    params = spec.params or ParamsIn()
    regime = made.params.exchange_regime
    if regime == "centralized":
        where = params if params.exchange_regime is not None else spec
        return where.at("exchange_regime"), "centralized, but there are no market_posts"
    alone = "market_posts are left aside" if made.market_posts else "there are no market_posts"
    if sum(each.count for each in made.populations) < 2:
        return groups[0].at("count"), f"there is one agent, and {alone}"
    return groups[0].at("components"), f"at most one agent has BilateralTrader, and {alone}"
