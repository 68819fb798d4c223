"""Blocks of parents that are alike in their children: a plane that flies short routes for one airline.

A matched parent is chosen by its block alone, so what its children have in common must be what makes the blocks.
Blocks are split in two again and again where that tells most about the parents' means, as far as these are no chance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["reliable_means", "split_blocks"]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LEAST_SHARE = 0.02  # of all that parents differ in, what a split must explain
LEAST_PARENTS = 10
SURE = 3.0  # standard errors that siblings must be more alike than strangers


def reliable_means(parents: Integers, values: Floats, size: int) -> Floats:
    """Mean of each parent's children, in units of the children's spread, drawn to 0 as far as it may be chance.

    ``parents``, ``values``: (n,), NaN for NULL; shape (size,). All 0 where siblings are no more alike than strangers.
    """
    known = ~np.isnan(values)
    owner, held = parents[known], values[known]
    out = np.zeros(size)
    spread = float(held.std()) if held.size else 0.0
    if spread == 0.0:
        return out
    held = (held - held.mean()) / spread
    counts = np.bincount(owner, minlength=size).astype(np.float64)
    some = counts > 0
    means = np.bincount(owner, held, minlength=size) / np.maximum(counts, 1)
    within = float(((held - means[owner]) ** 2).sum()) / max(held.size - int(some.sum()), 1)
    between = float((counts * means**2).sum() - within * some.sum()) / max(held.size, 1)
    groups = int(some.sum())
    # Standard error of the share of the variance that parents explain, were siblings strangers.
    error = (2 * max(groups - 1, 1) / ((held.size - 1) * max(held.size - groups, 1))) ** 0.5
    if between <= SURE * error:
        return out
    return np.where(some, means * between / (between + within / np.maximum(counts, 1)), 0.0)


def split_blocks(start: Integers, means: Sequence[Floats], weights: Integers, most: int) -> Integers:
    """Blocks (parents,) from those of ``start``, at most ``most``, split by ``means`` (parents,) of several columns.

    ``weights``: children of each parent. Each split is the one that explains most of what is left.
    """
    blocks = np.unique(start, return_inverse=True)[1].astype(np.int64)
    columns = [m for m in means if m.any()]
    if not columns:
        return blocks
    matrix = np.stack(columns, axis=1)
    mass = weights.astype(np.float64)
    centred = matrix - (matrix * mass[:, None]).sum(axis=0) / max(mass.sum(), 1)
    total = float((centred**2 * mass[:, None]).sum())
    waiting = {b: _best_split(np.flatnonzero(blocks == b), matrix, mass) for b in range(int(blocks.max()) + 1)}
    while len(waiting) < most:
        block = max(waiting, key=lambda b: waiting[b][0])
        gain, right = waiting[block]
        if gain < LEAST_SHARE / most * 4 * total or not right.size:
            break
        new = len(waiting)
        blocks[right] = new
        for b in (block, new):
            waiting[b] = _best_split(np.flatnonzero(blocks == b), matrix, mass)
    return blocks


def _best_split(rows: Integers, matrix: Floats, mass: Floats) -> tuple[float, Integers]:
    """How much of the squared distances a split of ``rows`` in two explains at best, and the rows above it."""
    best: tuple[float, Integers] = (0.0, rows[:0])
    if rows.size < 2 * LEAST_PARENTS:
        return best
    own, heavy = matrix[rows], mass[rows]
    for j in range(matrix.shape[1]):
        order = np.argsort(own[:, j], kind="stable")
        ranked, weight = own[order], heavy[order]
        running = np.cumsum(weight)
        # All columns count: those that go with the one that is cut gain too.
        sums = np.cumsum(ranked * weight[:, None], axis=0)
        left, right = running[:-1], running[-1] - running[:-1]
        fits = (ranked[1:, j] > ranked[:-1, j]) & (left > 0) & (right > 0)
        fits[: LEAST_PARENTS - 1] = False
        fits[rows.size - LEAST_PARENTS :] = False
        if not fits.any():
            continue
        whole = (sums[-1] ** 2).sum() / running[-1]
        with np.errstate(invalid="ignore", divide="ignore"):
            gain = (sums[:-1] ** 2).sum(axis=1) / left + ((sums[-1] - sums[:-1]) ** 2).sum(axis=1) / right - whole
        gain = np.where(fits, gain, 0.0)
        at = int(gain.argmax())
        if gain[at] > best[0]:
            best = (float(gain[at]), rows[order[at + 1 :]])
    return best
