"""How far rows have moved from what a profile says of them, and how far they would by chance alone.

Rows of one parent are alike, so that they scatter as fewer rows would: the design effect says how many fewer. It is
estimated from the rows at hand, by sums over the entities that they belong to, and taken for both sides.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Distance", "breaks_that_tell", "children_distance", "share_distance", "steps_distance", "values_distance"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

MOST_GROUPS = 4_096  # entities are drawn together to so many groups: enough to estimate a variance
_MOST_BREAKS = 100_000
FEWEST_GROUPS = 20  # fewer groups tell nothing about how rows scatter


@dataclass(frozen=True)
class Distance:
    """``distance`` from 0 to 1, and ``noise``: an unchanged source stays below it, but for a chance of ``alpha``."""

    distance: float
    noise: float
    at: int = -1  # the value or quantile that is furthest off


def steps_distance(quantiles: Floats, learned: int, values: Floats, groups: Integers, alpha: float) -> Distance | None:
    """Kolmogorov-Smirnov distance between learned ``quantiles`` (evenly spaced) and ``values``, shape (n,).

    A quantile q at level t says that at most t lies below q and at least t up to q, which holds with ties too. The
    outermost quantiles are clipped and left out. None: too few to tell.
    """
    if quantiles.size < 3 or not values.size or not learned:
        return None
    levels = np.linspace(0.0, 1.0, quantiles.size)[1:-1]
    inner = quantiles[1:-1]
    ordered = np.sort(values)
    below = np.searchsorted(ordered, inner, "left") / values.size
    upto = np.searchsorted(ordered, inner, "right") / values.size
    off = np.maximum(np.maximum(levels - upto, below - levels), 0.0)
    places = np.searchsorted(np.unique(inner), values, "left")
    effect = _design_effect(places, np.unique(inner).size + 1, groups, cumulative=True)
    if effect is None:
        return None
    # Quantiles lie between rows: half a step on either side is no distance.
    noise = _kolmogorov(alpha, effect, learned, values.size) + 0.5 / learned + 0.5 / values.size
    at = int(off.argmax())
    return Distance(float(off[at]), min(1.0, noise), at + 1)


def values_distance(learned: Floats, codes: Integers, groups: Integers, alpha: float) -> Distance | None:
    """Total variation between learned counts by value, shape (k,), and ``codes`` of rows (0 to k - 1), shape (n,)."""
    size, rows = float(learned.sum()), codes.size
    if not size or not rows:
        return None
    effect = _design_effect(codes, learned.size, groups)
    if effect is None:
        return None
    shares = np.bincount(codes, minlength=learned.size) / rows
    difference = shares - learned / size
    pooled = (shares * rows + learned) / (rows + size)
    scale = effect * (1.0 / rows + 1.0 / size)
    expected = 0.5 * math.sqrt(2.0 / math.pi) * float(np.sqrt(pooled * (1.0 - pooled) * scale).sum())
    # Total variation of a Gaussian vector keeps to its mean as closely as its largest projection scatters.
    noise = expected + _normal(alpha) * 0.5 * math.sqrt(scale) + 1.0 / rows
    return Distance(0.5 * float(np.abs(difference).sum()), min(1.0, noise), int(np.abs(difference).argmax()))


def share_distance(
    learned: int, of: int, flags: npt.NDArray[np.bool_], groups: Integers, alpha: float
) -> Distance | None:
    """Difference of a share: ``learned`` of ``of`` rows against ``flags``, shape (n,)."""
    return values_distance(
        np.array([of - learned, learned], dtype=np.float64), flags.astype(np.int64), groups, alpha
    )  # fmt: skip


def children_distance(learned: tuple[tuple[int, int], ...], counts: Integers, alpha: float) -> Distance | None:
    """Kolmogorov-Smirnov distance between children per parent: learned (children, parents), and of each parent now."""
    parents = sum(p for _, p in learned)
    if parents < FEWEST_GROUPS or counts.size < FEWEST_GROUPS:
        return None
    most = max(int(counts.max()), *(c for c, _ in learned))
    before = np.zeros(most + 1)
    before[[c for c, _ in learned]] = [p for _, p in learned]
    now = np.bincount(counts, minlength=most + 1)
    off = np.abs(np.cumsum(before) / parents - np.cumsum(now) / counts.size)
    return Distance(float(off.max()), min(1.0, _kolmogorov(alpha, 1.0, parents, counts.size)), int(off.argmax()))


def breaks_that_tell(rows: int, learned: int, alpha: float) -> int:
    """How many of ``rows`` must break a rule that none of ``learned`` ones broke, until chance is below ``alpha``.

    Where both are of one law, each break falls among the later rows by itself, as in a draw without replacement.

    >>> breaks_that_tell(100, 100, 0.01), breaks_that_tell(10, 1000, 0.01)
    (7, 2)
    """
    i = np.arange(min(rows, _MOST_BREAKS))
    falling = np.cumsum(np.log((rows - i) / (rows + learned - i)))
    return int(np.searchsorted(-falling, -math.log(alpha))) + 1


def _kolmogorov(alpha: float, effect: float, learned: int, rows: int) -> float:
    return math.sqrt(0.5 * math.log(2.0 / alpha) * effect * (1.0 / learned + 1.0 / rows))


def _normal(alpha: float) -> float:
    """Two-sided quantile of the normal distribution, by the bound that is a little harsher than the real one."""
    return math.sqrt(2.0 * math.log(1.0 / alpha))


def _design_effect(codes: Integers, width: int, groups: Integers, *, cumulative: bool = False) -> float | None:
    """How many times more than independent rows the shares of codes scatter; at least 1. None: too few entities."""
    dense = np.unique(groups, return_inverse=True)[1]
    entities = int(dense.max()) + 1 if dense.size else 0
    if entities < FEWEST_GROUPS:
        return None
    if entities == dense.size:
        return 1.0
    if width > 64 and not cumulative:  # rare codes scatter as the others do
        common = np.argsort(-np.bincount(codes, minlength=width), kind="stable")[:63]
        place = np.full(width, 63)
        place[common] = np.arange(63)
        codes, width = place[codes], 64
    grouped, size = dense % min(entities, MOST_GROUPS), min(entities, MOST_GROUPS)
    counted = np.bincount(grouped * width + codes, minlength=size * width).reshape(size, width).astype(np.float64)
    rows = counted.sum(axis=1, keepdims=True)
    if cumulative:
        counted = np.cumsum(counted, axis=1)
    shares = counted.sum(axis=0) / codes.size
    spread = ((counted - shares * rows) ** 2).sum(axis=0) / codes.size * size / (size - 1)
    plain = shares * (1.0 - shares)
    if plain.sum() <= 0:
        return 1.0
    # An estimate from few groups is itself uncertain: one standard error is added.
    return max(1.0, float(spread.sum() / plain.sum()) * (1.0 + math.sqrt(2.0 / (size - 1))))
