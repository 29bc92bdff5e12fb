"""Short names for the array types that kernels and columns use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

F64: TypeAlias = npt.NDArray[np.float64]
F32: TypeAlias = npt.NDArray[np.float32]
I64: TypeAlias = npt.NDArray[np.int64]
I32: TypeAlias = npt.NDArray[np.int32]
I8: TypeAlias = npt.NDArray[np.int8]
U64: TypeAlias = npt.NDArray[np.uint64]
U32: TypeAlias = npt.NDArray[np.uint32]
U8: TypeAlias = npt.NDArray[np.uint8]
Bool: TypeAlias = npt.NDArray[np.bool_]
Column: TypeAlias = npt.NDArray[Any]

# Kernels cast what they load to 64 bits.  To mypy these give plain Python numbers, in whose place
# numpy's scalars stand everywhere in a kernel without being subclasses.
if TYPE_CHECKING:

    def int64(value: Any) -> int:
        """Convert to a 64-bit integer."""

    def uint64(value: Any) -> int:
        """Return a 64-bit unsigned integer."""

    def float64(value: Any) -> float:
        """Convert to a 64-bit float."""

else:
    int64 = np.int64
    uint64 = np.uint64
    float64 = np.float64
