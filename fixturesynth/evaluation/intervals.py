"""95% confidence intervals of scores, from formulas: nothing is drawn at random, the same rows give the same interval.

Rows are taken as independent. Rows of one parent are not quite, so that intervals of child tables are a little narrow.
"""

from math import isfinite, sqrt

import numpy as np
import numpy.typing as npt

__all__ = [
    "Interval",
    "around",
    "auc_spread",
    "correlation_spread",
    "dot",
    "share_spread",
    "share_variance",
    "shares_spread",
    "wilson",
]

Interval = tuple[float, float]
Floats = npt.NDArray[np.float64]

Z = 1.959963984540054  # two-sided 95% of the normal distribution


def around(score: float | None, spread: float | None, low: float = 0.0, high: float = 1.0) -> Interval | None:
    """The normal interval of a score with this standard error, inside the score's range.

    >>> around(0.99, 0.01)
    (0.9704, 1.0)
    """
    if score is None or spread is None or not isfinite(score) or not isfinite(spread):
        return None
    return round(max(low, score - Z * spread), 6), round(min(high, score + Z * spread), 6)


def wilson(successes: float, of: float) -> Interval | None:
    """Interval of a share. Source: Wilson, "Probable inference, the law of succession" (1927).

    >>> tuple(round(x, 3) for x in wilson(0, 100))
    (0.0, 0.037)
    """
    if of <= 0:
        return None
    share, z = successes / of, Z * Z / of
    middle = (share + z / 2) / (1 + z)
    half = Z * sqrt(max(0.0, share * (1 - share) / of + z / (4 * of))) / (1 + z)
    return round(max(0.0, middle - half), 6), round(min(1.0, middle + half), 6)


def shares_spread(weights: Floats, first: Floats, second: Floats, of_first: float, of_second: float) -> float:
    """Standard error of ``sum(weights * (first - second))`` for two arrays of multinomial shares (the delta method)."""

    return sqrt(share_variance(weights, first, of_first) + share_variance(weights, second, of_second))


def share_variance(weights: Floats, shares: Floats, of: float) -> float:
    """Variance of ``sum(weights * shares)`` for multinomial shares among ``of`` rows."""
    mean = float(weights @ shares)
    return max(0.0, float((weights * weights) @ shares) - mean * mean) / of


def correlation_spread(first: float, second: float, of_first: int, of_second: int) -> float:
    """Standard error of the difference of two of Pearson's correlations (Fisher 1915, large samples)."""
    if min(of_first, of_second) < 4:
        return float("nan")
    return sqrt((1 - first**2) ** 2 / (of_first - 3) + (1 - second**2) ** 2 / (of_second - 3))


def dot(x: Floats, y: Floats) -> float:
    """Sum of products. Without BLAS, whose threads wait for each other on a busy machine and add in another order.

    >>> dot(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    11.0
    """
    return float(np.einsum("i,i->", x, y))


def share_spread(first: float, second: float, of_first: int, of_second: int) -> float:
    """Standard error of the difference of two shares."""
    if min(of_first, of_second) < 1:
        return float("nan")
    return sqrt(first * (1 - first) / of_first + second * (1 - second) / of_second)


def auc_spread(auc: float, positive: int, negative: int) -> float:
    """Standard error of an area under the ROC curve. Source: Hanley and McNeil (1982)."""
    if min(positive, negative) < 1:
        return float("nan")
    one, two = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    square = auc * (1 - auc) + (positive - 1) * (one - auc * auc) + (negative - 1) * (two - auc * auc)
    return sqrt(max(0.0, square) / (positive * negative))
