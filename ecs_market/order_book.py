"""Limit orders handed to `clear`: checked, and laid out as a world of one post a commodity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ecs_market.arena import Arena
from ecs_market.build import AGENT_COMPONENTS, unit_sizes
from ecs_market.components.double_auction import ORDER_TYPES, GivenOrders
from ecs_market.components.identity import Identity
from ecs_market.components.inventory import Inventory
from ecs_market.components.utility import Utility
from ecs_market.errors import InputError
from ecs_market.kernels.order_book import FOREVER
from ecs_market.mechanisms import double_auction
from ecs_market.mechanisms.registered import POST_TABLES
from ecs_market.post_tables import POST_WIDTHS, add_post_tables, write_post
from ecs_market.preferences import limit_order
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.scenario import Post, scenario_for_clear
from ecs_market.settings import CENTRALIZED, Settings
from ecs_market.totals import Totals
from ecs_market.types import I64, Bool
from ecs_market.units import MAX_LOTS, MAX_MINOR, MAX_STEPS, Units
from ecs_market.world import Ledger, World

KEYS = ("agent", "commodity", "direction", "quantity", "limit_price")
# In double auctions an order may also say its type.
TYPE = "order_type"


@dataclass(frozen=True, slots=True)
class OrderBook:
    """Checked orders, one entry each.

    Attributes
    ----------
    goods
        Names of the commodities, in the order of first mention.
    agent, good
        int64 (n,): the agent's id; index of the commodity.
    buys
        bool (n,).
    lots, steps
        int64 (n,): quantity [lot] and limit [price step].
    kind
        int64 (n,): index into `ORDER_TYPES`, of meaning in double auctions only.
    """

    goods: tuple[str, ...]
    agent: I64
    good: I64
    buys: Bool
    lots: I64
    steps: I64
    kind: I64
    units: Units
    post: Post


def check_orders(
    orders: object,
    units: Mapping[str, Any] | None,
    mechanism: str | None,
    mechanism_params: Mapping[str, Any] | None,
) -> OrderBook:
    """Check limit orders; InputError names the first one that is wrong."""
    if isinstance(orders, (str, bytes)) or not isinstance(orders, Sequence):
        raise InputError(f"orders must be a list of mappings, not {type(orders).__name__}")
    if not orders:
        raise InputError("orders: the list is empty; at least one order is needed")
    # The mechanism's settings are checked where a scenario's are, on a group that stands for all.
    names = _commodities(orders)
    tastes = [{"type": "linear", "weights": [1] * len(names), "count": 1}]
    held = dict.fromkeys([*names, "M"], 1)
    example = scenario_for_clear(
        [{"name": "orders", "count": 1, "inventories": held, "utilities": tastes}],
        mechanism or "walrasian",
        dict(mechanism_params or {}),
        None,
        units=units,
        money=None,
        seed=0,
    )
    goods: dict[str, int] = {}
    rows = [_check(each, index, example.units, goods) for index, each in enumerate(orders)]
    kind = _kinds(orders, example.market_posts[0])
    if example.market_posts[0].mechanism != double_auction.NAME:
        _refuse_self_trade(rows)
    agent, good, buys, lots, steps = (np.array(column) for column in zip(*rows, strict=True))
    offered = sum(row[3] for row in rows if not row[2])
    offered_money = sum(row[3] * row[4] for row in rows if row[2])
    largest = max(row[3] for row in rows) * max(row[4] for row in rows)
    if offered > MAX_LOTS or max(offered_money, largest) > MAX_MINOR:
        raise InputError("orders: together they exceed what 64-bit amounts hold")
    return OrderBook(
        goods=tuple(goods),
        agent=agent.astype(np.int64),
        good=good.astype(np.int64),
        buys=buys.astype(np.bool_),
        lots=lots.astype(np.int64),
        steps=steps.astype(np.int64),
        kind=kind,
        units=example.units,
        post=example.market_posts[0],
    )


def _commodities(orders: Sequence[Any]) -> list[str]:
    """Return the commodities named, in the order of first mention, as far as they are names."""
    named = [order.get("commodity") for order in orders if isinstance(order, Mapping)]
    names = dict.fromkeys(name for name in named if isinstance(name, str) and name not in ("", "M"))
    return list(names) or ["A"]


def _check(
    order: Any, index: int, units: Units, goods: dict[str, int]
) -> tuple[int, int, bool, int, int]:
    where = f"orders[{index}]"
    if not isinstance(order, Mapping) or set(order) - {TYPE} != set(KEYS):
        raise InputError(f"{where}: an order has the keys {', '.join(KEYS)}, not {order!r}")
    agent, commodity, direction = order["agent"], order["commodity"], order["direction"]
    whole = isinstance(agent, (int, np.integer)) and not isinstance(agent, bool)
    if not whole or not 0 <= agent < 2**63:
        raise InputError(f"{where}: agent must be a whole number from 0 to 2^63 - 1, not {agent!r}")
    if not isinstance(commodity, str) or not commodity or commodity == "M":
        raise InputError(f"{where}: commodity must name a good besides M, not {commodity!r}")
    if direction not in ("buy", "sell"):
        raise InputError(f"{where}: direction must be 'buy' or 'sell', not {direction!r}")
    lots = _amount(units.to_lots, order["quantity"], f"{where}: quantity")
    steps = _amount(units.to_steps, order["limit_price"], f"{where}: limit_price")
    if steps > MAX_STEPS or lots > MAX_LOTS:
        raise InputError(f"{where}: the amounts are too large (at most 2^40 steps, 2^53 lots)")
    good = goods.setdefault(commodity, len(goods))
    return int(agent), good, direction == "buy", lots, steps


def _kinds(orders: Sequence[Mapping[str, Any]], post: Post) -> I64:
    """Return the type of each order: its own, else that of the post's rules."""
    kinds = np.zeros(len(orders), np.int64)
    for index, order in enumerate(orders):
        if post.mechanism != double_auction.NAME:
            if TYPE in order:
                raise InputError(
                    f"orders[{index}]: {TYPE} has a meaning for {double_auction.NAME} only, "
                    f"not for {post.mechanism}"
                )
            continue
        named = order.get(TYPE, post.parameters[TYPE])
        if isinstance(named, Mapping) and TYPE not in order:
            raise InputError(
                f"orders[{index}]: {TYPE} is missing; that of mechanism_params is drawn by agents "
                "alone, so each order names its own"
            )
        if not isinstance(named, str) or named not in ORDER_TYPES:
            allowed = ", ".join(ORDER_TYPES)
            raise InputError(f"orders[{index}]: {TYPE} must be one of {allowed}, not {named!r}")
        kinds[index] = ORDER_TYPES.index(named)
    return kinds


def _refuse_self_trade(rows: list[tuple[int, int, bool, int, int]]) -> None:
    """Raise InputError if an agent's own orders cross."""
    bids: dict[tuple[int, int], tuple[int, int]] = {}
    for index, (agent, good, buys, _, steps) in enumerate(rows):
        if buys:
            bids[agent, good] = max(bids.get((agent, good), (0, 0)), (steps, index))
    for index, (agent, good, buys, _, steps) in enumerate(rows):
        bid, other = bids.get((agent, good), (0, 0))
        if not buys and bid >= steps:
            raise InputError(
                f"orders[{index}]: agent {agent} would trade with itself: "
                f"orders[{other}] buys the same commodity at no less than this one's limit"
            )


def _amount(convert: Any, value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise InputError(f"{where} must be a number, not {value!r}")
    try:
        amount = int(convert(value.item() if isinstance(value, np.generic) else value))
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    if amount <= 0:
        raise InputError(f"{where} must be above 0, not {value!r}")
    return amount


def orders_world(book: OrderBook) -> World:
    """Return a world with a row for each order and a post for each commodity."""
    goods = len(book.goods)
    widths = {"goods": goods, "parameters": 2 * goods, "bars": 1, **POST_WIDTHS}
    counts = dict.fromkeys(POST_TABLES, 0)
    counts[book.post.mechanism] = goods
    units = book.units
    world = World(
        settings=Settings(
            width=1,
            height=1,
            goods=book.goods,
            **unit_sizes(units),
            mode=QUASILINEAR,
            exchange_regime=CENTRALIZED,
        ),
        agents=Arena([("orders", len(book.agent))], dict(widths)),
        posts=Arena(list(counts.items()), dict(widths)),
        families=(limit_order.CODE,),
        ledger=Ledger.empty(goods),
        totals=Totals(goods),
    )
    world.add_table(world.agents, "orders", AGENT_COMPONENTS)
    rows = np.arange(len(book.agent))
    world.agents.whole(Identity).id[rows] = rows
    world.agent_rows = rows
    world.scratch.allocate(world.agents.end, goods)
    inventory, utility = world.agents.whole(Inventory), world.agents.whole(Utility)
    inventory.goods[rows, book.good] = np.where(book.buys, 0, book.lots)
    inventory.money[rows] = np.where(book.buys, book.lots * book.steps, 0)
    world.ledger.initial[:-1] = inventory.goods.sum(axis=0)
    utility.family[rows] = limit_order.CODE
    utility.parameters[rows, book.good] = world.settings.price(book.steps)
    utility.parameters[rows, goods + book.good] = book.lots * units.lot_size
    utility.money_weight[rows] = 1.0
    add_post_tables(world)
    first = world.posts.tables[book.post.mechanism].start
    world.post_rows = np.arange(first, first + goods)
    for good, name in enumerate(book.goods):
        write_post(world, first + good, _post(book, good, name))
    if book.post.mechanism == double_auction.NAME:
        _hand_in(world, book)
    world.ledger.initial += world.market_accounts()
    return world


def _hand_in(world: World, book: OrderBook) -> None:
    """Let the orders come one by one, in the order of the list, with the fees they may cost."""
    rows = np.arange(len(book.agent))
    post = book.post
    payment = [
        lots * steps for lots, steps in zip(book.lots.tolist(), book.steps.tolist(), strict=True)
    ]
    fee = [
        paid * post.fee_ppb // 10**9 + lots * post.fee_per_lot
        for paid, lots in zip(payment, book.lots.tolist(), strict=True)
    ]
    money = [
        paid + extra if buys else max(0, extra - paid)
        for paid, extra, buys in zip(payment, fee, book.buys.tolist(), strict=True)
    ]
    if sum(money) > MAX_MINOR:
        raise InputError("orders: with their fees they exceed what 64-bit amounts hold")
    world.agents.whole(Inventory).money[rows] = money
    world.esper.create_entity(
        GivenOrders(
            post=book.good,
            agent=rows,
            good=book.good,
            owner=book.agent,
            sells=~book.buys,
            price=book.steps,
            lots=book.lots,
            kind=book.kind,
            expires=np.full(len(rows), FOREVER),
            replaces=np.zeros(len(rows), np.bool_),
        )
    )


def _post(book: OrderBook, ident: int, good: str) -> Post:
    return replace(book.post, id=ident, x=0, y=0, commodities=(good,))
