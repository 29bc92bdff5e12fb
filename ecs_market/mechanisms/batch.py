"""The part of a tick's members that one mechanism clears, and asking them for their demand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ecs_market.components.market_post import MarketPost
from ecs_market.components.market_rules import MarketRules
from ecs_market.components.table import Table
from ecs_market.kernels import attendance, tatonnement
from ecs_market.mechanisms.members import Attendance
from ecs_market.preferences import families
from ecs_market.preferences.modes import IN_UTILITY, UNIT_OF_ACCOUNT
from ecs_market.types import F64, I32, I64, Bool
from ecs_market.world import World


@dataclass(slots=True)
class Run:
    """The segments of one family, and the sums of demand in each of them, a bundle each [unit]."""

    family: int
    post: I32
    start: I64
    stop: I64
    low: F64
    high: F64
    bought: F64
    sold: F64

    def members_a_segment(self, share: float = 1.0) -> int:
        """Return the mean number of members in a share of the segments, a segment; at least 1."""
        members = int((self.stop - self.start).sum())
        return max(1, int(share * members) // max(1, len(self.post)))


@dataclass(slots=True)
class Excess:
    """Demand at each post, float64 (posts, K) [unit].

    `low` and `high` bound the holdings demanded, which are a set where members are indifferent;
    `bought` and `sold` are the gross purchases and sales that nobody is indifferent about;
    `turnover` (posts,) is the larger of them of the numeraire, and where money is outside of the
    bundle all that there is of it.
    """

    low: F64
    high: F64
    bought: F64
    sold: F64
    turnover: F64

    @classmethod
    def nothing(cls, shape: tuple[int, ...], turnover: F64) -> Excess:
        """Return sums of no demand yet, arrays of `shape`."""
        low, high, bought, sold = (np.zeros(shape) for _ in range(4))
        return cls(low, high, bought, sold, turnover)


@dataclass(slots=True)
class Batch:
    """The posts of one mechanism and their members; arrays a post start at the table's first row.

    Attributes
    ----------
    first
        int64 (posts + 1,): members of a post, numbered within the batch.
    family
        int64 (m,): family code of each member.
    commodities, numeraire
        bool (posts, K) and int32 (posts,): goods traded; the good at price 1, -1 for money.
    active
        bool (posts,): posts with members.
    endowment
        float64 (posts, K): what the members own together [unit].
    purse
        float64 (posts,): what they own of the numeraire, [M] or [unit].
    most_steps
        int64 (K,): the highest price of each good [price step].
    bundle
        float64 (m, K or K + 1): holdings as utility counts them, `goods` and perhaps money.
    fees
        Whether any post of the world charges fees.
    fee_rate, fee_unit, shading
        float64 (posts,): fee as a share of the payment and for a unit [M / unit]; the share that
        members hold back of what they want.

    The arrays of members are views of the tick's `Attendance`.
    """

    world: World
    table: Table
    first: I64
    row: I32
    id: I64
    lots: I64
    minor: I64
    goods: F64
    money: F64
    parameters: F64
    weight: F64
    family: I64
    by_id: I64
    runs: list[Run]
    commodities: Bool
    numeraire: I32
    active: Bool
    endowment: F64
    purse: F64
    most_steps: I64
    floor: float
    bundle: F64
    fees: bool
    fee_rate: F64
    fee_unit: F64
    shading: F64

    @property
    def posts(self) -> int:
        """Return the number of posts."""
        return len(self.first) - 1

    @property
    def size(self) -> int:
        """Return the number of members."""
        return len(self.row)

    @property
    def members_a_post(self) -> int:
        """Return the mean number of members of a post, at least 1."""
        return max(1, self.size // max(1, self.posts))

    def excess(self, price: F64, active: Bool, smoothing: float = 0.0) -> Excess:
        """Return the demand of the members of active posts at `price` (posts, K) [M / unit].

        With `smoothing` members that jump at a price do so gradually around it.
        """
        goods = price.shape[1]
        price = self._with_money(price, 1.0)
        commodities, numeraire = self._bundle_at_posts()
        found = Excess.nothing(price.shape, self.purse.copy())
        busy = np.count_nonzero(active) / max(1, len(active))
        for run in self.runs:
            self.world.over(
                0,
                len(run.post),
                families.loops(run.family, self.fees).sum_demand,
                run.family,
                run.post,
                run.start,
                run.stop,
                active,
                price,
                commodities,
                numeraire,
                self.fee_rate,
                self.fee_unit,
                self.shading,
                self.bundle,
                self.money,
                self.parameters,
                self.weight,
                self.world.settings.mode,
                self.floor,
                smoothing,
                run.low,
                run.high,
                run.bought,
                run.sold,
                cost=run.members_a_segment(busy),
            )
            attendance.add_segments(run.post, active, run.low, found.low)
            attendance.add_segments(run.post, active, run.high, found.high)
            attendance.add_segments(run.post, active, run.bought, found.bought)
            attendance.add_segments(run.post, active, run.sold, found.sold)
        counted = np.flatnonzero(numeraire >= 0)
        at = (counted, numeraire[counted])
        found.turnover[counted] = np.maximum(found.bought[at], found.sold[at])
        if price.shape[1] == goods:
            return found
        parts = (found.low, found.high, found.bought, found.sold)
        low, high, bought, sold = (each[:, :goods].copy() for each in parts)
        return Excess(low, high, bought, sold, found.turnover)

    def desired(self, price: F64, unrounded: F64, active: Bool) -> tuple[F64, Bool]:
        """Return desired holdings [unit] and who is indifferent, each (m, K).

        `unrounded` is the price that clears before rounding to the price step.
        """
        goods = price.shape[1]
        price = self._with_money(price, 1.0)
        unrounded = self._with_money(unrounded, 1.0)
        commodities, numeraire = self._bundle_at_posts()
        holdings = self.bundle.copy()
        indifferent = np.zeros(holdings.shape, np.bool_)
        for run in self.runs:
            self.world.over(
                0,
                len(run.post),
                families.loops(run.family, self.fees).write_demand,
                run.family,
                run.post,
                run.start,
                run.stop,
                active,
                price,
                # Without jumps nobody is indifferent anywhere.
                unrounded if families.FAMILIES[run.family].KINKED else price,
                commodities,
                numeraire,
                self.fee_rate,
                self.fee_unit,
                self.shading,
                self.bundle,
                self.money,
                self.parameters,
                self.weight,
                self.world.settings.mode,
                self.floor,
                holdings,
                indifferent,
                cost=run.members_a_segment(),
            )
        if price.shape[1] == goods:
            return holdings, indifferent
        return holdings[:, :goods].copy(), indifferent[:, :goods].copy()

    def _with_money(self, per_good: Any, money: Any) -> Any:
        """Return an array (posts, K) with a column for money where the bundle has money."""
        if self.world.settings.mode != IN_UTILITY:
            return per_good
        return np.column_stack([per_good, np.full(len(per_good), money, per_good.dtype)])

    def _bundle_at_posts(self) -> tuple[Bool, I32]:
        """Return what posts trade of the bundle and which entry counts, money being an entry."""
        if self.world.settings.mode != IN_UTILITY:
            return self.commodities, self.numeraire
        goods = self.commodities.shape[1]
        return self._with_money(self.commodities, True), np.full(self.posts, goods, np.int32)

    def kinked(self) -> Bool:
        """Return which posts have members whose demand jumps."""
        found = np.zeros(self.posts, np.bool_)
        for run in self.runs:
            if families.FAMILIES[run.family].KINKED:
                found[run.post] = True
        return found

    def nearest_kinks(self, wanted: Bool, lower: F64, upper: F64) -> F64:
        """Return the indifference price nearest to the middle of each wanted bracket, 0 if none.

        All arrays are (posts, K) [M / unit].
        """
        goods = lower.shape[1]
        nearest = np.zeros(lower.shape)
        if not wanted.any():
            return nearest
        wanted = self._with_money(wanted, False)
        lower, upper = self._with_money(lower, 0.0), self._with_money(upper, 0.0)
        nearest = self._with_money(nearest, 0.0)
        _, numeraire = self._bundle_at_posts()
        for run in self.runs:
            if not families.FAMILIES[run.family].KINKED:
                continue
            found = np.zeros(run.low.shape)
            self.world.over(
                0,
                len(run.post),
                families.loops(run.family, self.fees).nearest_kink,
                run.family,
                run.post,
                run.start,
                run.stop,
                wanted,
                lower,
                upper,
                self.fee_rate,
                self.fee_unit,
                self.parameters,
                self.weight,
                self.world.settings.mode,
                numeraire,
                found,
                cost=run.members_a_segment(),
            )
            tatonnement.pick_nearest(run.post, lower, upper, found, nearest)
        found_of_goods: F64 = nearest if nearest.shape[1] == goods else nearest[:, :goods].copy()
        return found_of_goods


def part(world: World, table: Table) -> Batch:
    """Return the batch of the posts of one mechanism."""
    members: Attendance = world.scratch.orders
    a, b = members.first[table.start], members.first[table.stop]
    commodities = world.posts.whole(MarketPost).commodities[table.start : table.stop]
    first = members.first[table.start : table.stop + 1] - a
    here = np.flatnonzero((members.segment_start >= a) & (members.segment_stop <= b))
    codes = np.asarray(world.families, np.int64)[members.segment_family[here]]
    sizes = members.segment_stop[here] - members.segment_start[here]
    runs = []
    for code in world.families:
        mine = here[codes == code]
        if len(mine):
            sums = (np.zeros((len(mine), world.bundle)) for _ in range(4))
            runs.append(
                Run(
                    code,
                    (members.segment_post[mine] - table.start).astype(np.int32),
                    members.segment_start[mine] - a,
                    members.segment_stop[mine] - a,
                    *sums,
                )
            )
    bundle = members.goods[a:b]
    if world.settings.mode == IN_UTILITY:
        bundle = np.column_stack([bundle, members.money[a:b]])
    fee_rate, fee_unit, shading = post_rules(world)
    lots, minor = np.zeros((table.size, world.goods), np.int64), np.zeros(table.size, np.int64)
    owned = (first, members.lots[a:b], members.minor[a:b], lots, minor)
    cost = max(1, (b - a) // max(1, table.size))
    world.over(0, table.size, attendance.add_holdings, *owned, cost=cost)
    endowment: F64 = lots * np.float64(world.settings.lot_size)
    numeraire = numeraires(commodities, world.settings.mode)
    purse: F64 = minor * np.float64(world.settings.minor_size)
    counted = np.flatnonzero(numeraire >= 0)
    purse[counted] = endowment[counted, numeraire[counted]]
    return Batch(
        world=world,
        table=table,
        first=first,
        row=members.row[a:b],
        id=members.id[a:b],
        lots=members.lots[a:b],
        minor=members.minor[a:b],
        goods=members.goods[a:b],
        money=members.money[a:b],
        parameters=members.parameters[a:b],
        weight=members.weight[a:b],
        family=np.repeat(codes, sizes),
        by_id=members.by_id[a:b] - a,
        runs=runs,
        commodities=commodities,
        numeraire=numeraire,
        active=first[1:] > first[:-1],
        endowment=endowment,
        purse=purse,
        most_steps=world.most_steps_of_goods(),
        floor=0.5 * world.settings.lot_size,
        bundle=bundle,
        fees=charges(world),
        fee_rate=fee_rate[table.start : table.stop],
        fee_unit=fee_unit[table.start : table.stop],
        shading=shading[table.start : table.stop],
    )


def charges(world: World) -> bool:
    """Return whether any post charges fees."""
    rules = world.posts.whole(MarketRules)
    return bool(rules.fee_ppb.any() or rules.fee_per_lot.any())


def post_rules(world: World) -> tuple[F64, F64, F64]:
    """Return every post's fee rate, its fee for a unit [M / unit], and its shading."""
    rules, settings = world.posts.whole(MarketRules), world.settings
    fee_unit: F64 = rules.fee_per_lot * np.float64(settings.minor_size / settings.lot_size)
    return rules.fee_ppb / 1e9, fee_unit, rules.shading


def prices_given(world: World, given: Any) -> F64:
    """Return a parameter's price of each good [M / unit], 0 where none is given.

    `given` is None, one number for all goods, or a mapping by good.
    """
    if given is None:
        return np.zeros(world.goods)
    if isinstance(given, dict):
        return np.array([float(given.get(good, 0.0)) for good in world.settings.goods])
    return np.full(world.goods, float(given))


def numeraires(commodities: Bool, mode: int) -> I32:
    """Return the good each post counts in: its last one, or -1 where money has that role."""
    if mode != UNIT_OF_ACCOUNT:
        return np.full(len(commodities), -1, np.int32)
    last = commodities.shape[1] - 1 - np.argmax(commodities[:, ::-1], axis=1)
    numeraire: I32 = last.astype(np.int32)
    return numeraire
