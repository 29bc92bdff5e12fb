"""What money is to an agent; the codes that kernels receive."""

from __future__ import annotations

QUASILINEAR = 0
UNIT_OF_ACCOUNT = 1
MODES = ("quasilinear", "unit_of_account")
