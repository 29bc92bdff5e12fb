"""Where a run's files go: a folder of its own that never overwrites another run's."""

from __future__ import annotations

import re
from pathlib import Path

from ecs_market.errors import InputError

RUNS = Path("runs")


class OutputFolder:
    """A run's new folder; `discard` takes back whatever making it created.

    Parameters
    ----------
    path : Path
        The folder. Missing parents are made too.

    Raises
    ------
    InputError
        If it exists already or can't be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._created: list[Path] = []
        missing = [parent for parent in path.parents if not parent.exists()]
        try:
            for folder in reversed(missing):
                folder.mkdir(exist_ok=True)
                self._created.append(folder)
            path.mkdir()
        except FileExistsError:
            self.discard()
            raise InputError(f"--out {path}: exists already; name a new folder") from None
        except OSError as error:
            self.discard()
            raise InputError(f"output folder {path}: {error.strerror or error}") from None
        self._created.append(path)

    @property
    def database(self) -> Path:
        """The telemetry database."""
        return self.path / "run.db"

    @property
    def summary(self) -> Path:
        """The summary, the same document that `--json` prints."""
        return self.path / "summary.json"

    def discard(self) -> None:
        """Remove what a refused run left: its own files and folders, nothing else."""
        if self.path in self._created:
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self.database}{suffix}").unlink(missing_ok=True)
        while self._created:
            try:
                self._created.pop().rmdir()
            except OSError:  # another run is using it by now
                return


def numbered(scenario: str, seed: int) -> OutputFolder:
    """Make the next free `runs/<scenario>-s<seed>-<NNN>`.

    Parameters
    ----------
    scenario : str
        The file or name as it was given; its last part without suffix names the folder.
    seed : int
        The run's seed.
    """
    stem = re.sub(r"[^\w.-]+", "_", Path(scenario).stem) or "scenario"
    prefix = f"{stem}-s{seed}-"
    taken = [
        int(folder.name.removeprefix(prefix))
        for folder in (RUNS.iterdir() if RUNS.is_dir() else ())
        if folder.name.startswith(prefix) and folder.name.removeprefix(prefix).isdecimal()
    ]
    number = max(taken, default=0)
    while True:
        number += 1
        path = RUNS / f"{prefix}{number:03d}"
        try:
            return OutputFolder(path)
        except InputError:
            if not path.exists():  # not taken by another run in this moment: it can't be made
                raise
