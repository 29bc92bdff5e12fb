"""What money is to an agent; the codes that kernels receive."""

from __future__ import annotations

QUASILINEAR = 0
UNIT_OF_ACCOUNT = 1
IN_UTILITY = 2
MODES = ("quasilinear", "unit_of_account", "in_utility")
