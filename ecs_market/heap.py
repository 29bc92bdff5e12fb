"""The C library keeps memory that was freed for later; large worlds give it back at once."""

from __future__ import annotations

import ctypes
import functools
from typing import Any


@functools.cache
def _malloc_trim() -> Any:
    """Return the function of that name, None where there is none: outside of glibc."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None


def trim() -> bool:
    """Give freed memory back to the system; return whether there was any."""
    found = _malloc_trim()
    return found is not None and bool(found(ctypes.c_size_t(0)))
