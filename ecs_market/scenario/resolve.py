"""From checked keys to a `Scenario`: defaults, canonical names, whatever needs two keys."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from ecs_market import registry
from ecs_market.declared.options import OPTIONS
from ecs_market.scenario.check import Context, reference, usable
from ecs_market.scenario.check_parameters import one_parameter, parameters
from ecs_market.scenario.document import Document, Report, shown
from ecs_market.scenario.hopeless import doubt_trade
from ecs_market.scenario.model import (
    Attention,
    Grid,
    Mode,
    Params,
    PriceInfo,
    Protocols,
    Scenario,
)
from ecs_market.scenario.resolve_agents import MONEY, Size, population
from ecs_market.scenario.resolve_posts import posts, resources
from ecs_market.scenario.resolve_totals import MAX_CELLS, check_supply, check_totals
from ecs_market.scenario.schema import (
    AgentsIn,
    ParamsIn,
    PriceInfoIn,
    ProtocolsIn,
    ScenarioIn,
    UnitsIn,
)
from ecs_market.units import Units

MAX_BARRED = 32

_GOOD = re.compile(r"[^\W\d]\w{0,31}")


def resolve(document: Document, report: Report, default_name: str) -> Scenario:
    """Check a document and build its scenario.

    Parameters
    ----------
    report
        May hold faults found while reading; everything found here is added.
    default_name
        Name of a scenario that gives none.

    Raises
    ------
    ScenarioError
        With every fault, in file order.

    Notes
    -----
    What is allowed but hardly meant is logged as a warning.
    """
    registry.every_entry()  # a broken plug-in is its own error, not a fault of the file
    if not isinstance(document.data, dict):
        message = f"expected a mapping of scenario keys, got {shown(document.data)}"
        if isinstance(document.data, str):
            message += "; load_scenario reads a scenario by its name or path"
        report.add((), message)
        report.raise_if_any()
    spec = ScenarioIn.model_validate(document.data, context=report)
    made = _build(spec, report, default_name)
    report.raise_if_any()
    report.tell_doubts()
    return made


def _build(spec: ScenarioIn, report: Report, default_name: str) -> Scenario:
    groups = _groups(spec, report)
    units, units_sound = _units(spec.units)
    params_in = spec.params or ParamsIn()
    regime = _regime(spec, params_in, report)
    goods = _goods(spec, groups, report)
    money = spec.money.mode if spec.money is not None else "quasilinear"
    mixed = regime == "mixed_bilateral_centralized"
    context = Context(report, units, units_sound, goods, mixed, money)
    size = _size(spec, report)
    params = _params(params_in, regime, context)
    if money == "unit_of_account" and (1 / units.price_step).denominator != 1:
        path = spec.units.at("price_step") if spec.units is not None else spec.at("units")
        report.add(path, "must divide 1 in money mode unit_of_account, where a good has price 1")
    made = Scenario(
        name=spec.name or default_name,
        description=spec.description,
        grid=Grid(*(size or (1, 1)), spec.grid is not None and spec.grid.torus),
        units=units,
        money_mode=money,
        goods=goods or (),
        params=params,
        price_info=_price_info(spec, params_in, report),
        protocols=_protocols(context, spec.protocols or ProtocolsIn()),
        attention=_attention(context, spec, params_in),
        populations=tuple(population(context, group, params, size) for group in groups),
        market_posts=posts(context, spec.market_posts or [], size),
        resources=resources(context, spec.resources) if spec.resources is not None else None,
        ticks=spec.ticks,
        seed=spec.seed,
    )
    check_supply(made, spec, context, groups)
    check_totals(made, spec, context, groups)
    doubt_trade(made, spec, context, groups)
    return made


def _groups(spec: ScenarioIn, report: Report) -> Sequence[AgentsIn]:
    agents, many = spec.agents, spec.populations
    if agents is not None and many is not None:
        report.add(spec.at("populations"), "agents and populations can't both be given")
    elif agents is None and many is None and spec.sound("agents", "populations"):
        report.add(spec.at("agents"), "is missing: give agents or populations", key=True)
    if many is None:
        return [agents] if agents is not None else []
    names: set[str] = set()
    for each in many:
        if each.name is not None and each.name in names:
            report.add(each.at("name"), f"population name '{each.name}' is taken")
        names.add(each.name or "")
    return many


def _units(spec: UnitsIn | None) -> tuple[Units, bool]:
    if spec is None:
        return Units(), True
    if not spec.sound("lot", "price_step"):
        return Units(), False
    return Units(lot=spec.lot, price_step=spec.price_step), True  # type: ignore[arg-type]


def _size(spec: ScenarioIn, report: Report) -> Size:
    grid = spec.grid
    if grid is None or grid.width is None or grid.height is None:
        return None
    if not grid.sound("width", "height"):
        return None
    if grid.width * grid.height > MAX_CELLS:
        report.add(spec.at("grid"), f"more than {MAX_CELLS:,} cells")
    return grid.width, grid.height


def _regime(spec: ScenarioIn, params: ParamsIn, report: Report) -> Any:
    inner, outer = params.exchange_regime, spec.exchange_regime
    if inner is not None and outer is not None and inner != outer:
        report.add(
            spec.at("exchange_regime"), f"'{outer}' here, but '{inner}' in params.exchange_regime"
        )
    default = "mixed_bilateral_centralized" if spec.market_posts else "bilateral"
    return inner or outer or default


def _goods(spec: ScenarioIn, groups: Sequence[AgentsIn], report: Report) -> tuple[str, ...] | None:
    """Goods in their order, or None where the file does not say them readably."""
    if not spec.sound("goods"):
        return None
    if spec.goods is not None:
        declared = [(spec.at("goods", index), good) for index, good in enumerate(spec.goods)]
    elif not groups or not all(group.sound("inventories") for group in groups):
        return None
    else:
        first: dict[str, AgentsIn] = {}
        for group in groups:
            for good in group.inventories or {}:
                first.setdefault(good, group)
        first.pop(MONEY, None)
        declared = [(group.at("inventories", good), good) for good, group in first.items()]
        if not declared:
            report.add(groups[0].at("inventories"), "names no good besides M", key=True)
            return None
        if len(declared) > 64:
            report.add(groups[0].at("inventories"), "more than 64 goods", key=True)
            return None
    goods: list[str] = []
    for path, good in declared:
        if good == MONEY:
            report.add(path, "M is money and always there; goods lists the others")
        elif good in goods:
            report.add(path, f"{good} is named twice")
        elif not _GOOD.fullmatch(good):
            message = "a good is a letter or _, then letters, digits or _, at most 32 in all"
            report.add(path, f"{message}; got {shown(good)}", key=spec.goods is None)
        goods.append(good)
    return tuple(goods)


def _params(spec: ParamsIn, regime: Any, context: Context) -> Params:
    report = context.report
    if spec.sound("centralized_weight", "bilateral_weight") and not (
        spec.centralized_weight or spec.bilateral_weight
    ):
        report.add(
            spec.at("centralized_weight"),
            "centralized_weight and bilateral_weight can't both be 0",
        )
    barred = -(-spec.trade_cooldown_ticks // spec.patience_ticks)
    if spec.sound("trade_cooldown_ticks", "patience_ticks") and barred > MAX_BARRED:
        most = spec.patience_ticks * MAX_BARRED
        message = f"must be at most {MAX_BARRED} times patience_ticks ({most})"
        report.add(spec.at("trade_cooldown_ticks"), f"{message}, got {spec.trade_cooldown_ticks}")
    lots = context.storage(spec.at("forage_rate"), spec.forage_rate, context.units.to_lots)
    own = {"exchange_regime", "forage_lots", "mode_schedule"}
    shared = {
        each.name: getattr(spec, each.name) for each in fields(Params) if each.name not in own
    }
    schedule = _mode_schedule(spec, report)
    return Params(exchange_regime=regime, forage_lots=lots, mode_schedule=schedule, **shared)


def _mode_schedule(spec: ParamsIn, report: Report) -> tuple[tuple[Mode, int], ...]:
    if spec.mode_schedule is None:
        return ()
    if spec.mode != "both":
        report.add(spec.at("mode_schedule"), f"stands instead of mode, which is {spec.mode}")
    return tuple((each.mode or "both", each.ticks or 1) for each in spec.mode_schedule)


def _price_info(spec: ScenarioIn, params: ParamsIn, report: Report) -> PriceInfo:
    outer, inner = spec.price_info, params.price_info
    if outer is not None and inner is not None and outer.model_dump() != inner.model_dump():
        report.add(spec.at("price_info"), "differs from params.price_info; give one of them")
    chosen = outer or inner or PriceInfoIn()
    return PriceInfo(**chosen.model_dump())


def _attention(context: Context, spec: ScenarioIn, params: ParamsIn) -> Attention:
    """Read the options that stand at the top level or in params."""
    found: dict[str, dict[str, Any]] = {}
    for declared in OPTIONS:
        read = []
        for section in (spec, params):
            value = getattr(section, declared.name)
            if value is not None and section.sound(declared.name):
                place = section.at(declared.name)
                read.append(one_parameter(context, place, declared, value, context.goods))
        if len(read) == 2 and None not in read and read[0] != read[1]:
            message = f"differs from params.{declared.name}; give one of them"
            context.report.add(spec.at(declared.name), message)
        default = dict(declared.default)  # type: ignore[call-overload]  # a mapping, as in every block
        found[declared.name] = (read[0] if read else None) or default
    choice, reputation = found["market_choice"], found["reputation"]
    return Attention(
        memory_slots=found["market_memory"]["slots"],
        choice=choice["type"],
        temperature=choice["temperature"],
        reputation=reputation["weight"] if reputation["type"] == "ema" else 0.0,
    )


def _protocols(context: Context, spec: ProtocolsIn) -> Protocols:
    report, value = context.report, spec.bargaining
    search = reference(report, spec.at("search"), "search", spec.search)
    matching = reference(report, spec.at("matching"), "matching", spec.matching)
    bargaining = reference(report, spec.at("bargaining"), "bargaining", value, extra=True)
    resolved: dict[str, Any] = {}
    if bargaining is not None and usable(context, spec.at("bargaining"), bargaining):
        path = spec.at("bargaining")
        given = {
            key: each
            for key, each in (value.items() if isinstance(value, dict) else ())
            if key not in ("name", "version")
        }
        also = ("name", "version")
        resolved = parameters(context, path, given, bargaining, context.goods, also=also)
        if bargaining.check is not None and not report.has(path):
            for key, message in bargaining.check(resolved, context.goods or (), context.money):
                report.add((*path, key), message)
    return Protocols(
        search.name if search else "",
        matching.name if matching else "",
        bargaining.name if bargaining else "",
        resolved,
    )
