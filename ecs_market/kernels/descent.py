"""Steps of least squares in log prices, and the linear systems behind them."""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.jit import helper, kernel
from ecs_market.types import F64, Bool

# Longest step in log prices of any good.
LONGEST = 1.0
# A pivot below this is none.
LEAST_PIVOT = 1e-12


@helper
def solve_rows(matrix: F64, solution: F64) -> bool:
    """Solve a system (n, n + 1), which it overwrites, by elimination; return whether it could."""
    n = solution.shape[0]
    for k in range(n):
        pivot = k
        for row in range(k + 1, n):
            if abs(matrix[row, k]) > abs(matrix[pivot, k]):
                pivot = row
        if abs(matrix[pivot, k]) < LEAST_PIVOT:
            return False
        for m in range(n + 1):
            held = matrix[k, m]
            matrix[k, m] = matrix[pivot, m]
            matrix[pivot, m] = held
        for row in range(k + 1, n):
            factor = matrix[row, k] / matrix[k, k]
            for m in range(k, n + 1):
                matrix[row, m] -= factor * matrix[k, m]
    for back in range(n):
        k = n - 1 - back
        total = matrix[k, n]
        for m in range(k + 1, n):
            total -= matrix[k, m] * solution[m]
        solution[k] = total / matrix[k, k]
    return True


@kernel
def damped_direction(
    running: Bool,
    free: Bool,
    rest: F64,
    slope: F64,
    damping: F64,
    direction: F64,
) -> None:
    """Write the step in log prices that lowers the sum of squares of `rest` (Marquardt 1963).

    `rest` (posts, K + 1) are the logs of demand over supply, the numeraire's last, `slope`
    (K, posts, K + 1) their derivatives.  The step falls for any damping, and is the shorter the
    larger `damping` (posts,) is.
    """
    n = direction.shape[1]
    matrix = np.empty((n, n + 1))
    for post in range(rest.shape[0]):
        if not running[post]:
            continue
        for k in range(n):
            for m in range(n + 1):
                matrix[k, m] = 0.0
            if not free[post, k]:
                matrix[k, k] = 1.0
                continue
            for each in range(n + 1):
                here = slope[k, post, each]
                for m in range(n):
                    if free[post, m]:
                        matrix[k, m] += here * slope[m, post, each]
                matrix[k, n] -= here * rest[post, each]
            # A good that nothing depends on stays where it is.
            matrix[k, k] = max(matrix[k, k] * (1.0 + damping[post]), damping[post])
        if not solve_rows(matrix, direction[post]):
            direction[post] = 0.0
        longest = 0.0
        for k in range(n):
            longest = max(longest, abs(direction[post, k]))
        if longest > LONGEST:
            for k in range(n):
                direction[post, k] *= LONGEST / longest
