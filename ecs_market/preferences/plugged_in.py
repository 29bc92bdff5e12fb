"""Utility families of other packages."""

from __future__ import annotations

import functools
from types import ModuleType

from ecs_market import plugins
from ecs_market.errors import InputError

# Codes that plug-ins may have.
FIRST_CODE, LAST_CODE = 32, 99
_NEEDED = ("NAME", "CODE", "KINKED", "width", "pack", "utility", "marginal", "hessian", "demand")


@functools.cache
def plugged_in() -> dict[int, ModuleType]:
    """Import all families of plug-ins, by their codes.

    Raises
    ------
    InputError
        A module lacks something, or its code is not allowed or taken.
    """
    found: dict[int, ModuleType] = {}
    owners: dict[int, str] = {}
    for each in plugins.plug_ins():
        if each.entry.kind != "family":
            continue
        module = plugins.load(each, _NEEDED)
        code, who = module.CODE, f"family '{each.entry.name}' of {each.source}"
        priced = hasattr(module, "indifference_price") or hasattr(module, "indifference_count")
        if module.KINKED and not priced:
            raise InputError(f"{who}: demand that jumps (KINKED) needs indifference_price")
        if not isinstance(code, int) or not FIRST_CODE <= code <= LAST_CODE:
            raise InputError(f"{who}: CODE must be {FIRST_CODE} to {LAST_CODE}, not {code!r}")
        if code in found:
            raise InputError(f"{who}: the CODE {code} is taken by {owners[code]}")
        found[code], owners[code] = module, who
    return found
