"""Market posts and resources: what stands on the grid besides agents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from ecs_market import registry
from ecs_market.scenario.check import Context, cell, distribution, reference, usable
from ecs_market.scenario.check_parameters import parameters
from ecs_market.scenario.document import Path
from ecs_market.scenario.model import (
    Distribution,
    Post,
    Regrowth,
    Resources,
    ResourceType,
)
from ecs_market.scenario.resolve_agents import MONEY, Size
from ecs_market.scenario.schema import PostIn, RegrowthIn, ResourcesIn

DEFAULT_MECHANISM = "walrasian_auctioneer"
# For each good an agent at a post with fees may buy, sell or hold: 3^6 cases.
MOST_WITH_FEES = 6
# The one type of orders that rests without a trade before it; the others wait for it.
RESTS = "limit"
# Behaviours of traders that draw no prices.
WITHOUT_DRAWS = ("truthful", "zip")


def posts(context: Context, specs: Sequence[PostIn], size: Size) -> tuple[Post, ...]:
    """Resolve all posts, ascending by id; faults go to the report."""
    ids = _numbers(context, specs)
    taken: dict[tuple[int, int], int] = {}
    found = []
    for spec, number in zip(specs, ids, strict=True):
        place = (
            cell(context.report, spec.at("location"), spec.location, size)
            if (spec.sound("location"))
            else None
        )
        if place is not None:
            if place in taken:
                message = f"post {taken[place]} already stands on cell [{place[0]}, {place[1]}]"
                context.report.add(spec.at("location"), message)
            taken.setdefault(place, number)
        commodities = _commodities(context, spec)
        entry = _mechanism(context, spec)
        resolved = _rules(context, spec, entry, commodities)
        x, y = place or (0, 0)
        stock = resolved.get("stock") or {}
        found.append(
            Post(
                id=number,
                x=x,
                y=y,
                visibility_radius=spec.visibility_radius,
                interaction_radius=spec.interaction_radius,
                broadcast_radius=spec.broadcast_radius,
                mechanism=entry.name if entry is not None else "",
                parameters=resolved,
                commodities=commodities,
                **_fees(context, spec, resolved.get("fees")),
                stock_goods=tuple(
                    context.exact(context.units.to_lots, stock.get(good, 0.0))
                    for good in context.goods or ()
                )
                if stock
                else (),
                stock_money=context.exact(context.units.to_minor, stock.get(MONEY, 0.0)),
            )
        )
    return tuple(sorted(found, key=lambda post: post.id))


def _numbers(context: Context, specs: Sequence[PostIn]) -> list[int]:
    """Ids of the posts; one without takes the next number that nobody declares."""
    declared = {spec.id for spec in specs if spec.id is not None}
    seen: set[int] = set()
    ids: list[int] = []
    for spec in specs:
        if spec.id is None:
            number = ids[-1] + 1 if ids else 0
            while number in declared or number in seen:
                number += 1
        else:
            number = spec.id
            if number in seen:
                context.report.add(spec.at("id"), f"post id {number} is taken")
        seen.add(number)
        ids.append(number)
    return ids


def _mechanism(context: Context, spec: PostIn) -> registry.Entry | None:
    found = [
        (key, reference(context.report, spec.at(key), "mechanism", value))
        for key, value in (
            ("mechanism", spec.mechanism),
            ("mechanism_type", spec.mechanism_type),
        )
        if value is not None
    ]
    if not found:
        if not spec.sound("mechanism", "mechanism_type"):
            return None
        return registry.find("mechanism", DEFAULT_MECHANISM)
    if len(found) == 2 and None not in (found[0][1], found[1][1]) and found[0][1] != found[1][1]:
        message = "mechanism and mechanism_type name different mechanisms"
        context.report.add(spec.at("mechanism_type"), message)
    return found[0][1]


def _rules(
    context: Context,
    spec: PostIn,
    entry: registry.Entry | None,
    commodities: tuple[str, ...],
) -> dict[str, Any]:
    """Return the parameters of a post's mechanism with every default filled in."""
    if entry is None or not spec.sound("mechanism_params"):
        return {}
    named = "mechanism" if spec.mechanism is not None else "mechanism_type"
    if not usable(context, spec.at(named), entry):
        return {}
    path = spec.at("mechanism_params")
    goods = commodities if context.goods is not None else None
    given = spec.mechanism_params or {}
    _fees_as_given(context, (*path, "fees"), given.get("fees"))
    resolved = parameters(context, path, given, entry, goods)
    _doubt_orders(context, path, resolved)
    if entry.check is not None and not context.report.has(path):
        for key, message in entry.check(resolved, commodities, context.money):
            context.report.add((*path, key), message)
    charges = resolved.get("fees") or {"type": "none"}
    if charges["type"] != "none" and len(commodities) > MOST_WITH_FEES:
        message = f"a post with fees trades at most {MOST_WITH_FEES} goods, not {len(commodities)}"
        context.report.add((*path, "fees"), message)
    return resolved


def _doubt_orders(context: Context, path: Path, resolved: Mapping[str, Any]) -> None:
    """Warn of rules of an auction that have no effect, or keep everybody from trading."""
    kinds = resolved.get("order_type") or RESTS
    drawn = [kinds] if isinstance(kinds, str) else [kind for kind in kinds if kinds[kind] > 0.0]
    if RESTS not in drawn:
        message = f"{' and '.join(drawn)} orders alone never trade: none rests in the book"
        context.report.doubt((*path, "order_type"), message)
    for key in ("price_low", "price_high"):
        if resolved.get(key) is not None and resolved.get("behaviour") in WITHOUT_DRAWS:
            message = f"is not used: behaviour {resolved['behaviour']} draws no prices"
            context.report.doubt((*path, key), message)


def _fees_as_given(context: Context, path: Path, fees: object) -> None:
    """Report a fee without a rate."""
    kind = fees.get("type") if isinstance(fees, Mapping) else fees
    if kind not in ("ad_valorem", "per_lot"):
        return
    if not isinstance(fees, Mapping) or set(fees) == {"type"}:
        context.report.add(path, f"{kind} needs a rate, as in {{type: {kind}, rate: 0.01}}")


def _fees(context: Context, spec: PostIn, fees: Mapping[str, Any] | None) -> dict[str, int]:
    """Return the fees in storage units."""
    if fees is None or context.report.has(spec.at("mechanism_params", "fees")):
        return {}
    if fees["type"] == "ad_valorem":
        return {"fee_ppb": int(Fraction(repr(fees["rate"])) * 10**9)}
    if fees["type"] == "per_lot":
        path = spec.at("mechanism_params", "fees", "rate")
        return {"fee_per_lot": context.storage(path, fees["rate"], context.units.to_minor)}
    return {}


def _commodities(context: Context, spec: PostIn) -> tuple[str, ...]:
    goods, money = context.goods, context.money
    if goods is None:
        return ()
    wanted = spec.commodities if spec.commodities is not None else list(goods)
    path = spec.at("commodities")
    if not spec.sound("commodities"):
        return goods
    for index, name in enumerate(wanted):
        if name not in (*goods, MONEY):
            context.report.unknown((*path, index), (*goods, MONEY), name=name, what="good")
        elif name in wanted[:index]:
            context.report.add((*path, index), f"{name} is named twice")
    traded = tuple(good for good in goods if good in wanted)
    least = 2 if money == "unit_of_account" else 1
    if len(traded) < least and not context.report.has(path):
        need = "two goods" if least == 2 else "a good"
        mode = f" in money mode {money}" if least == 2 else ""
        context.report.add(path, f"a post needs {need} besides {MONEY}{mode}")
    return traded


def resources(context: Context, spec: ResourcesIn) -> Resources:
    """Resolve the patches; faults go to the report."""
    types = []
    for entry in spec.types or ():
        good = entry.good or ""
        if entry.sound("good") and context.goods is not None and good not in context.goods:
            context.report.unknown(entry.at("good"), context.goods, name=good, what="good")
        quantity = None
        if entry.sound("quantity"):
            path = entry.at("quantity")
            quantity = distribution(context, path, entry.quantity, context.units.to_lots, 0)
        types.append(ResourceType(good, quantity or Distribution(0, 0, 1)))
    regrowth = None
    if spec.regrowth is not None:
        largest = max((each.quantity.high for each in types), default=0)
        regrowth = _regrowth(context, spec.regrowth, largest)
    return Resources(spec.spawn_rate or 0.0, tuple(types), regrowth)


def _regrowth(context: Context, spec: RegrowthIn, largest: int) -> Regrowth:
    def lots(path: Path, value: float) -> int:
        return context.storage(path, value, context.units.to_lots)

    rate = spec.rate or 0.0
    if spec.max_amount is None:
        maximum, most = context.units.from_lots(largest), largest
    else:
        maximum, most = spec.max_amount, lots(spec.at("max_amount"), spec.max_amount)
    return Regrowth(
        rate=rate,
        rate_lots=lots(spec.at("rate"), rate),
        cooldown=spec.cooldown,
        max_amount=maximum,
        max_lots=most,
    )
