"""Further processes that compile what a command will need, while it compiles and runs itself.

A helper looks up what the scenarios need and goes through it from the end, as the command does from
the start; what is in the cache neither compiles again.  A helper can only save time: one that fails
is missed by nobody.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

# Further helpers would mostly wait for the largest kernels.
MOST = 3
# A helper is to begin soon: it looks no further once so many ticks needed nothing new.
FEW = 3


def spare_cores() -> int:
    """Return how many helpers find a core of their own."""
    from ecs_market.world import default_threads

    return min(MOST, default_threads() - 1)


class Helpers:
    """Processes that compile what scenarios need, from the end; they end with the context.

    Parameters
    ----------
    scenarios : sequence of str
        Files or names, as the command was given them.
    overrides : sequence of str
        What the command changes in them, KEY=VALUE each.
    count : int, optional
        How many processes; default: one for each further core.

    Attributes
    ----------
    started : int
        How many were started.
    """

    def __init__(
        self, scenarios: Sequence[str], overrides: Sequence[str] = (), count: int | None = None
    ) -> None:
        self.count = spare_cores() if count is None else count
        self.started = 0
        self._task = {"scenarios": list(scenarios), "overrides": list(overrides)}
        self._processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        return self

    def start(self) -> None:
        """Start them, unless the cache is out of use."""
        from ecs_market.kernels.jit import cache_folder

        if cache_folder() is None:
            return
        for place in range(self.count):
            with contextlib.suppress(OSError):
                process = subprocess.Popen(  # noqa: S603 -- this interpreter, this module
                    [sys.executable, "-m", __name__],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
                self._processes.append(process)
                self.started += 1
                task = {**self._task, "place": place, "of": self.count}
                print(json.dumps(task), file=process.stdin, flush=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.communicate()
        self._processes.clear()


def _end_with_the_command() -> None:
    """End this process when its standard input does, as it does with the command."""
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    """Compile a helper's share."""
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_command, daemon=True).start()
    from ecs_market.scenario import load_scenario
    from ecs_market.warmup import needed, together

    scenarios = [load_scenario(name, task["overrides"]) for name in task["scenarios"]]
    needs = together([needed(scenario, quiet_ticks=FEW) for scenario in scenarios])
    for each in needs[::-1][task["place"] :: task["of"]]:
        if not each.cached:
            each.compile()


if __name__ == "__main__":
    main()
