"""The members of all posts in a tick."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.components.inventory import Inventory
from ecs_market.components.utility import Utility
from ecs_market.kernels import attendance
from ecs_market.kernels.spatial import accumulate
from ecs_market.types import F64, I32, I64
from ecs_market.world import World

# Sums run within segments of this many members and then over segments, always in that order.
SEGMENT = 4096


@dataclass(slots=True)
class Attendance:
    """All members of all posts, sorted by (post, family, id).

    Attributes
    ----------
    first
        int64 (posts + 1,): the members of a post.
    row, id
        Row in the arena and id of each member.
    lots, minor
        int64 (m, K) and (m,): holdings [lot], money [minor unit]; settlement changes them.
    goods, money, parameters, weight
        float64: the same in units and M before the clearing, parameters and money weights.
    by_id
        int64 (m,): members in the order (post, id).
    segment_post, segment_family, segment_start, segment_stop
        Runs of at most `SEGMENT` members of one family at one post.
    """

    first: I64
    row: I32
    id: I64
    lots: I64
    minor: I64
    goods: F64
    money: F64
    parameters: F64
    weight: F64
    by_id: I64
    segment_post: I32
    segment_family: I64
    segment_start: I64
    segment_stop: I64


def gather(world: World) -> Attendance:
    """Collect the members of every post from `scratch.at_post`."""
    utility = world.agents.whole(Utility)
    codes = np.asarray(world.families, dtype=np.int64)
    slot_of = np.zeros(int(codes.max(initial=0)) + 1, np.int64)
    slot_of[codes] = np.arange(len(codes))
    posts = world.posts.capacity
    slots = np.zeros(posts * len(codes) + 1, np.int64)
    at_post = world.scratch.at_post
    attendance.count_members(at_post, utility.family, slot_of, len(codes), slots)
    accumulate(slots)
    row = np.empty(slots[-1], np.int32)
    ident, by_id = np.empty(slots[-1], np.int64), np.empty(slots[-1], np.int64)
    first = slots[:: len(codes)].copy()
    attendance.place_members(
        world.agent_rows,
        at_post,
        utility.family,
        slot_of,
        len(codes),
        slots[:-1].copy(),
        first[:-1].copy(),
        row,
        ident,
        by_id,
    )
    members = _copy(world, row, ident, by_id, first)
    _cut(members, slots, len(codes))
    return members


def _copy(world: World, row: I32, ident: I64, by_id: I64, first: I64) -> Attendance:
    m, goods = len(row), world.goods
    utility = world.agents.whole(Utility)
    inventory = world.agents.whole(Inventory)
    none = np.empty(0, np.int64)
    members = Attendance(
        first=first,
        row=row,
        id=ident,
        lots=np.empty((m, goods), np.int64),
        minor=np.empty(m, np.int64),
        goods=np.empty((m, goods)),
        money=np.empty(m),
        parameters=np.empty((m, utility.parameters.shape[1])),
        weight=np.empty(m),
        by_id=by_id,
        segment_post=none.astype(np.int32),
        segment_family=none,
        segment_start=none,
        segment_stop=none,
    )
    world.over(
        0,
        m,
        attendance.fill_members,
        row,
        inventory.goods,
        inventory.money,
        utility.parameters,
        utility.money_weight,
        world.settings.lot_size,
        world.settings.minor_size,
        members.lots,
        members.minor,
        members.goods,
        members.money,
        members.parameters,
        members.weight,
    )
    return members


def _cut(members: Attendance, slots: I64, codes: int) -> None:
    def cut(size: int, write: bool) -> int:
        members.segment_post = np.empty(size, np.int32)
        members.segment_family = np.empty(size, np.int64)
        members.segment_start = np.empty(size, np.int64)
        members.segment_stop = np.empty(size, np.int64)
        return attendance.cut_segments(
            slots,
            codes,
            SEGMENT,
            members.segment_post,
            members.segment_family,
            members.segment_start,
            members.segment_stop,
            write,
        )

    cut(cut(0, False), True)
