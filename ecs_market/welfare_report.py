"""How well a run's trade has done: its gains, and those that were to be had."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ecs_market.components.gains import Gains
from ecs_market.components.market_post import MarketPost
from ecs_market.mechanisms.prices_paid import good_that_pays, prices_paid
from ecs_market.preferences.modes import QUASILINEAR, UNIT_OF_ACCOUNT
from ecs_market.settings import CENTRALIZED
from ecs_market.subsistence import below_subsistence
from ecs_market.surplus import SOLVED, Attainable, attainable_surplus
from ecs_market.types import Bool
from ecs_market.units import Units
from ecs_market.welfare import gini
from ecs_market.world import World

SUMMARY_AGENTS = 1_000_000
"""With more agents a summary leaves out what takes a meeting of all; `welfare()` never does."""

MIXED = "gains are counted in different goods, which do not add up"
NOT_QUASILINEAR = "money is not quasi-linear: there is no one maximum of gains"

BELOW = "agents are or began below subsistence: what gains are worth in M there is not defined"


def welfare_of(world: World, units: Units, most_agents: int | None = None) -> dict[str, Any]:
    """Return what `Simulation.welfare` documents.

    Parameters
    ----------
    most_agents
        With more agents than this the meeting of all is left out.
    """
    totals, reasons = world.totals, dict[str, str]()
    last = totals.last_trade_tick
    welfare: dict[str, Any] = {
        "unit": _unit(world),
        "market_gain": units.from_minor(totals.market_gain),
        "bilateral_gain": units.from_minor(totals.bilateral_gain),
        "fees": units.from_minor(int(totals.posts.fee.sum())),
        "gain": None,
        "attainable_now": None,
        "largest_now": None,
        "attainable": None,
        "efficiency": None,
        "exact": None,
        "gini": None,
        "prices": {},
        "last_trade_tick": None if last < 0 else last,
        "exhausted": None,
        "threshold": world.settings.min_value,
        "reasons": reasons,
    }
    if last < 0:
        reasons["last_trade_tick"] = "there was no trade"
    _add_gains(world, welfare, units)
    found = _meet(world, welfare, most_agents)
    _add_efficiency(world, welfare)
    _add_prices(world, welfare, units, found)
    return welfare


def _unit(world: World) -> str | None:
    """Return what gains are counted in, None where that differs from trade to trade."""
    if world.settings.mode != UNIT_OF_ACCOUNT:
        return "M"
    # Of two goods the second one always pays.
    if world.goods > 2 and world.totals.bilateral_trades:
        return None
    pays = good_that_pays(world)
    return None if pays is None else world.settings.goods[pays]


def _add_gains(world: World, welfare: dict[str, Any], units: Units) -> None:
    """Write the sum of gains, and how they are spread over agents."""
    reasons = welfare["reasons"]
    if welfare["unit"] is None:
        reasons |= dict.fromkeys(("unit", "gain", "gini"), MIXED)
        return
    totals = world.totals
    paid = int(totals.posts.fee.sum())
    welfare["gain"] = units.from_minor(totals.market_gain + totals.bilateral_gain + paid)
    rows = world.agent_rows[world.agent_rows >= 0]
    realised = world.agents.whole(Gains).realised[rows].astype(np.float64)
    spread = gini(realised) if realised.any() else math.nan
    if math.isnan(spread):
        reasons["gini"] = "agents have gained nothing in all"
    else:
        welfare["gini"] = spread


def _meet(world: World, welfare: dict[str, Any], most_agents: int | None) -> Attainable | None:
    """Let all agents meet and write what they would gain; None where that cannot be said."""
    reasons, threshold = welfare["reasons"], welfare["threshold"]
    wanted = ("attainable_now", "largest_now", "exhausted")
    if most_agents is not None and world.agents.size > most_agents:
        skipped = f"left out with more than {most_agents:,} agents; sim.welfare() works it out"
        reasons |= dict.fromkeys(wanted, skipped)
        return None
    found = attainable_surplus(world, _traded(world))
    if found.status not in (*SOLVED, "sorted", "none"):
        failed = f"no price was found at which all would trade at one post ({found.status})"
        reasons |= dict.fromkeys(wanted, failed)
        return None
    welfare["attainable_now"] = found.surplus
    welfare["largest_now"] = found.largest
    welfare["exact"] = found.exact
    welfare["exhausted"] = found.largest < threshold or found.largest == 0.0
    return found


def _traded(world: World) -> Bool:
    """Return which goods may change hands: all face to face, at posts those of the posts."""
    if world.settings.exchange_regime != CENTRALIZED:
        return np.ones(world.goods, np.bool_)
    rows = world.post_rows[world.post_rows >= 0]
    return np.asarray(world.posts.whole(MarketPost).commodities[rows].any(axis=0))


def _add_efficiency(world: World, welfare: dict[str, Any]) -> None:
    """Write the share of the attainable gains that has been realised."""
    reasons, wanted = welfare["reasons"], ("attainable", "efficiency")
    if world.settings.mode != QUASILINEAR:
        reasons |= dict.fromkeys(wanted, NOT_QUASILINEAR)
    elif world.totals.began_below or below_subsistence(world):
        reasons |= dict.fromkeys(wanted, BELOW)
    elif welfare["attainable_now"] is None:
        reasons |= dict.fromkeys(wanted, reasons["attainable_now"])
    else:
        welfare["attainable"] = welfare["gain"] + welfare["attainable_now"]
        if welfare["attainable"] > 0.0:
            welfare["efficiency"] = welfare["gain"] / welfare["attainable"]
        else:
            reasons["efficiency"] = "there was nothing to gain"


def _add_prices(
    world: World, welfare: dict[str, Any], units: Units, found: Attainable | None
) -> None:
    """Write a good's volume and prices, how far they spread, and how far from equilibrium."""
    reasons, goods = welfare["reasons"], world.settings.goods
    paid, left_out = prices_paid(world)
    if left_out is not None:
        reasons["prices"] = left_out
    why = _no_equilibrium(world, found, reasons)
    if why:
        reasons |= dict.fromkeys(("equilibrium", "smith_alpha"), why)
    price = np.zeros(len(goods)) if found is None or why else found.prices
    step = units.price_step
    counted = price * float(step.denominator) / float(step.numerator)
    mean, deviation = paid.mean[0], paid.deviation[0]
    apart = paid.deviation_from(counted[np.newaxis])[0]
    for k, good in enumerate(goods):
        traded, known = bool(paid.lots[0, k] > 0.0), bool(price[k] > 0.0)
        welfare["prices"][good] = {
            "volume": units.from_lots(int(paid.lots[0, k])),
            "mean": float(mean[k] * step.numerator / step.denominator) if traded else None,
            "dispersion": float(deviation[k] / mean[k]) if traded else None,
            "equilibrium": float(price[k]) if known else None,
            "smith_alpha": 100.0 * float(apart[k] / counted[k]) if traded and known else None,
        }


def _no_equilibrium(world: World, found: Attainable | None, reasons: dict[str, str]) -> str:
    """Return why there is no equilibrium price to compare with, nothing if there is one."""
    if found is None:
        return reasons["attainable_now"]
    if world.settings.mode != QUASILINEAR:
        return "money is not quasi-linear: the equilibrium moves as goods change hands"
    if not found.exact:
        return "some agents have less money than they would spend: it may bind"
    if not found.slack:
        return "some agents have no money left: it may have bound"
    return ""
