"""A pseudo-terminal with a screen to look at, and a terminal of paper."""

from __future__ import annotations

import io
import os
import threading
import time

import pyte
import pytest

posix = pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals")


class Terminal:
    """A pseudo-terminal, and a screen that shows what is written to it."""

    def __init__(self, width: int, height: int) -> None:
        self.master, self.slave = os.openpty()
        self.screen = pyte.HistoryScreen(width, height)
        self.raw = b""
        self._stream = pyte.ByteStream(self.screen)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self.resize(width, height)
        self._reader.start()

    def resize(self, width: int, height: int) -> None:
        import fcntl
        import struct
        import termios

        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self.screen.resize(height, width)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            self.raw += data
            self._stream.feed(data)

    def settled(self) -> list[str]:
        """Return the lines of the screen once nothing comes any more."""
        before = -1
        while before != len(self.raw):
            before = len(self.raw)
            time.sleep(0.05)
        return [line.rstrip() for line in self.screen.display]

    def close(self) -> None:
        os.close(self.slave)
        self._reader.join(5.0)
        os.close(self.master)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Paper(io.StringIO):
    """A terminal of a fixed size that counts what is written at once; writing may take time."""

    encoding = "utf-8"

    def __init__(self, clock: Clock, takes: float) -> None:
        super().__init__()
        self.frames = 0
        self._clock, self._takes = clock, takes

    def isatty(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        self.frames += 1
        self._clock.now += self._takes
        return super().write(text)
