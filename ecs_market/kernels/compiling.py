"""What is done, and what can be heard, while numba compiles kernels."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import event

from ecs_market.kernels.cache import KernelCache

# Numba's annotations differ from version to version.
_event: Any = event

_lock = threading.Lock()


def kernel_name(function: Any) -> str:
    """Return a kernel's name as profiles show it: that of its function."""
    plain = getattr(function, "py_func", function)
    return str(getattr(plain, "__qualname__", type(plain).__qualname__))


def _is_own(event: Any) -> bool:
    """Tell whether an event of numba's compiler is of one of these kernels, not of a host's."""
    return isinstance(getattr(event.data["dispatcher"], "_cache", None), KernelCache)


class _NoCollecting(_event.Listener):  # type: ignore[misc]  # numba has no types
    """Leaves garbage where it is while kernels are compiled.

    The compiler makes very many small objects that live until it is done; looking through them
    again and again takes a tenth of its time.
    """

    def __init__(self) -> None:
        self._open = 0
        self._resume = False

    def on_start(self, event: Any) -> None:
        """Switch the collector off."""
        if _is_own(event):
            with _lock:
                if not self._open:
                    self._resume = gc.isenabled()
                    gc.disable()
                self._open += 1

    def on_end(self, event: Any) -> None:
        """Switch it on again, if it was, when the outermost is done."""
        if _is_own(event):
            with _lock:
                self._open -= 1
                if not self._open and self._resume:
                    gc.enable()


_event.register("numba:compile", _NoCollecting())


class _Teller(_event.Listener):  # type: ignore[misc]  # numba has no types
    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell = tell

    def on_start(self, event: Any) -> None:
        """Say which kernel comes; those of a host program are its own affair."""
        if _is_own(event):
            self._tell(kernel_name(event.data["dispatcher"]))

    def on_end(self, event: Any) -> None:
        """Nothing is to be said at the end."""


@contextmanager
def telling(tell: Callable[[str], object]) -> Iterator[None]:
    """Call `tell` with the name of each kernel that is about to be compiled inside the block.

    What comes from the cache is not told.  It is called in the thread that compiles.
    """
    with _event.install_listener("numba:compile", _Teller(tell)):
        yield
