"""The golden hashes, and a program that prints those of the present code.

``python -m tests.golden`` lists what differs; its first lines say which value to write where.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from ecs_market import Simulation, load_scenario

FILE = Path(__file__).parent / "golden.yaml"


@dataclass(frozen=True)
class Golden:
    """A run and the hashes of its start and end."""

    scenario: str
    seed: int
    ticks: int
    reason: str
    start: str
    end: str

    def __str__(self) -> str:
        return f"{self.scenario}-{self.ticks}"


def goldens() -> list[Golden]:
    """Return all entries of the file."""
    return [Golden(**entry) for entry in yaml.safe_load(FILE.read_text(encoding="utf-8"))]


def hashes(golden: Golden, threads: int = 1) -> tuple[str, str]:
    """Run it; return the hashes of start and end."""
    with Simulation(
        load_scenario(golden.scenario), golden.seed, threads=threads, telemetry_level="off"
    ) as sim:
        start = sim.state_hash()
        sim.run(golden.ticks)
        return start, sim.state_hash()


if __name__ == "__main__":
    for each in goldens():
        found = hashes(each)
        if found != (each.start, each.end):
            print(f"{each}\n  start: {found[0]}\n  end: {found[1]}")
