"""A population as a host program reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ecs_market.errors import InputError
from ecs_market.host.checks import as_ids
from ecs_market.host.fields import field_of, members, table_of
from ecs_market.types import I64, Column

if TYPE_CHECKING:
    from ecs_market.simulation import Simulation


class Population:
    """A named group of agents with the same components; it follows the simulation.

    Parameters
    ----------
    simulation
        The simulation it belongs to.
    name
        The population's name.
    use
        Guards a call: refuses it after close, after a failure, and while another thread is in.
    """

    def __init__(
        self, simulation: Simulation, name: str, use: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self.name = name
        self._simulation = simulation
        self._use = use

    def __len__(self) -> int:
        return table_of(self._simulation.world, self.name).size

    def __repr__(self) -> str:
        return f"<Population {self.name!r} of {len(self)}>"

    def ids(self) -> I64:
        """Return the members' ids, int64 (n,), ascending; an id never changes nor comes back."""
        with self._use():
            return members(self._simulation.world, self.name)

    def get(self, path: str, ids: ArrayLike | None = None) -> Column:
        """Return a copy of a field in storage units.

        Parameters
        ----------
        path
            ``<component>.<field>`` or ``inventory.goods.<good>``.
        ids
            Which members, in which order; all by ascending id if not given.

        Returns
        -------
        ndarray
            Shape (n,), or (n, width) for a field with several values a member.

        Raises
        ------
        InputError
            There is no such field, or an id is not alive or in another population.
        """
        with self._use():
            world = self._simulation.world
            field = field_of(world, self.name, path)
            wanted = (
                members(world, self.name) if ids is None else as_ids(ids, "get", distinct=False)
            )
            rows = world.rows_of(wanted)
            table = table_of(world, self.name)
            strange = (rows < table.start) | (rows >= table.stop)
            if strange.any():
                raise InputError(
                    f"agent {int(wanted[strange][0])} is not in population {self.name!r}"
                )
            copied: Column = field.whole(world)[rows]
            return copied

    def ids_for(self, host_keys: Any) -> I64:
        """Return the ids of the host's own keys, int64 (n,), in their order.

        Raises
        ------
        InputError
            A key is not known: it was never given at a birth, or its agent is gone.
        """
        with self._use():
            known = self._simulation.host_keys.get(self.name, {})
            found: list[int] = []
            if not isinstance(host_keys, Iterable):
                raise InputError(f"ids_for takes a list of host keys, not {host_keys!r}")
            for key in host_keys:
                try:
                    found.append(known[key])
                except (KeyError, TypeError) as error:
                    raise InputError(
                        f"population {self.name!r} has no agent with the host key {key!r}"
                    ) from error
            return np.array(found, np.int64)
