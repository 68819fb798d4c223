"""Distances between two distributions given as counts, each as a score from 0 to 1 with its standard error.

The standard errors are by the delta method: exact in large samples, and nothing has to be drawn at random.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fixturesynth.evaluation.intervals import share_variance, shares_spread

__all__ = [
    "Distance",
    "category_coverage",
    "jensen_shannon",
    "kolmogorov_smirnov",
    "range_coverage",
    "total_variation",
    "wasserstein",
]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_TRIMMED = 3  # 97.5% of resamples reach one of the four outermost values: (1 - 4/n)^n = 0.018


class Distance(NamedTuple):
    """A score (1: no distance) and its standard error."""

    score: float
    spread: float


def kolmogorov_smirnov(first: Integers, second: Integers) -> Distance | None:
    """1 minus the largest difference of the two cumulative distributions; counts by ascending value.

    >>> kolmogorov_smirnov(np.array([2, 2, 0]), np.array([0, 2, 2])).score
    0.5
    """
    n, m = int(first.sum()), int(second.sum())
    if not n or not m:
        return None
    f, g = np.cumsum(first) / n, np.cumsum(second) / m
    at = int(np.abs(f - g).argmax())
    spread = sqrt(max(0.0, f[at] * (1 - f[at])) / n + max(0.0, g[at] * (1 - g[at])) / m)
    return Distance(float(1.0 - abs(f[at] - g[at])), float(spread))


def total_variation(first: Integers, second: Integers) -> Distance | None:
    """1 minus half of the summed differences of the shares.

    >>> total_variation(np.array([2, 2]), np.array([1, 3])).score
    0.75
    """
    n, m = int(first.sum()), int(second.sum())
    if not n or not m:
        return None
    p, q = first / n, second / m
    return Distance(float(1.0 - 0.5 * np.abs(p - q).sum()), 0.5 * shares_spread(np.sign(p - q), p, q, n, m))


def jensen_shannon(first: Integers, second: Integers) -> Distance | None:
    """1 minus the square root of the Jensen-Shannon divergence in bits.

    >>> jensen_shannon(np.array([5, 0]), np.array([0, 9])).score
    0.0
    """
    n, m = int(first.sum()), int(second.sum())
    if not n or not m:
        return None
    p, q = first / n, second / m
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.where(p > 0, np.log2(p / middle), 0.0)
        right = np.where(q > 0, np.log2(q / middle), 0.0)
    divergence = max(0.0, float(p @ left + q @ right) / 2)
    distance = sqrt(divergence)
    if distance < 1e-9:
        return Distance(1.0, 0.0)
    # The divergence changes by half of log2(p / middle) with each share: the delta method, then through the root.
    spread = sqrt(share_variance(left, p, n) + share_variance(right, q, m)) / 2
    return Distance(1.0 - min(1.0, distance), spread / (2 * distance))


def wasserstein(grid: Floats, first: Integers, second: Integers) -> Distance | None:
    """1 minus the first Wasserstein distance, in shares of the range of both; counts by ascending values ``grid``.

    >>> wasserstein(np.array([0.0, 5.0, 10.0]), np.array([1, 0, 1]), np.array([0, 1, 1])).score
    0.75
    """
    n, m = int(first.sum()), int(second.sum())
    if not n or not m:
        return None
    used = np.flatnonzero((first > 0) | (second > 0))
    values, p, q = grid[used], first[used] / n, second[used] / m
    width = float(values[-1] - values[0])
    if not np.isfinite(width) or width <= 0:
        return Distance(1.0, 0.0) if width == 0 else None
    gaps = np.diff(values) / width
    difference = (np.cumsum(p) - np.cumsum(q))[:-1]
    distance = float(np.abs(difference) @ gaps)
    # What one more row at each value adds: the signed widths of all gaps at or above it.
    influence = np.append(np.cumsum((np.sign(difference) * gaps)[::-1])[::-1], 0.0)
    return Distance(max(0.0, 1.0 - distance), shares_spread(influence, p, q, n, m))


def range_coverage(grid: Floats, first: Integers, second: Integers) -> Distance | None:
    """Share of the span of the first values that the second ones reach into; None where the first are all one.

    The standard error is from how far the fourth value from each end falls short of the outermost.

    >>> range_coverage(np.array([0.0, 4.0, 9.0, 10.0]), np.array([1, 0, 0, 1]), np.array([0, 1, 1, 0])).score
    0.5
    """
    n, m = int(first.sum()), int(second.sum())
    if not n or not m:
        return None
    real = grid[first > 0]
    low, high = float(real[0]), float(real[-1])
    if not high > low or not np.isfinite(high - low):
        return None

    def covered(bottom: float, top: float) -> float:
        return 1.0 - max(0.0, (bottom - low) / (high - low)) - max(0.0, (high - top) / (high - low))

    cumulative = np.cumsum(second)
    outer = covered(float(grid[np.searchsorted(cumulative, 1)]), float(grid[np.searchsorted(cumulative, m)]))
    k = min(_TRIMMED, (m - 1) // 2)
    inner = covered(float(grid[np.searchsorted(cumulative, 1 + k)]), float(grid[np.searchsorted(cumulative, m - k)]))
    return Distance(max(0.0, outer), max(0.0, outer - inner) / 1.96)


def category_coverage(first: Integers, second: Integers) -> Distance | None:
    """Share of the categories of the first that occur in the second.

    >>> category_coverage(np.array([3, 1, 0]), np.array([5, 0, 2])).score
    0.5
    """
    n, m = int(first.sum()), int(second.sum())
    if not n or not m:
        return None
    counts = second[first > 0]
    lost = np.exp(-counts[counts > 0].astype(np.float64))  # chance that a category is in no row of a resample
    return Distance(float(np.mean(counts > 0)), sqrt(float((lost * (1 - lost)).sum())) / counts.size)
