"""What money is to an agent; the codes that kernels receive.

In IN_UTILITY mode money is the last entry of the bundle that a family sees; otherwise a bundle is
the goods alone.  With QUASILINEAR money adds `money_weight` a unit to utility; with UNIT_OF_ACCOUNT
there is none, and goods pay for goods.
"""

from __future__ import annotations

QUASILINEAR = 0
UNIT_OF_ACCOUNT = 1
IN_UTILITY = 2
MODES = ("quasilinear", "unit_of_account", "in_utility")
