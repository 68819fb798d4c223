"""Parents that are alike in their children: a plane that flies short routes for one airline.

A matched parent is chosen by its block alone, so what its children have in common must be what makes the blocks.
Blocks are split in two again and again where that tells most about the parents' means, as far as these are no chance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["cut_across", "reliable_means", "split_blocks", "supported"]

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


def cut_across(points: Floats, weight: Floats, most: int, least: int) -> Integers:
    """Points (n, dimensions) in at most ``most`` parts of at least ``least``, (n,), each cut in two across its longest
    axis, the widest first. ``weight``: (n,)."""
    out = np.zeros(len(points), dtype=np.int64)
    waiting = {0: _cut(np.arange(len(points)), points, weight, least)}
    while len(waiting) < most:
        part = max(waiting, key=lambda p: waiting[p][0])
        gain, right = waiting[part]
        if gain <= 0:
            break
        new = len(waiting)
        out[right] = new
        for p in (part, new):
            waiting[p] = _cut(np.flatnonzero(out == p), points, weight, least)
    return out


def _cut(rows: Integers, points: Floats, weight: Floats, least: int) -> tuple[float, Integers]:
    if rows.size < 2 * least:
        return 0.0, rows[:0]
    own, heavy = points[rows], weight[rows][:, None]
    centred = own - (own * heavy).sum(axis=0) / heavy.sum()
    axis = np.linalg.eigh((centred * heavy).T @ centred)[1][:, -1]
    order = np.argsort(centred @ axis, kind="stable")
    sums, running = np.cumsum((centred * heavy)[order], axis=0), np.cumsum(heavy[order, 0])
    left, right = running[:-1], running[-1] - running[:-1]
    gain = (sums[:-1] ** 2).sum(axis=1) * (1 / left + 1 / right)
    gain[: least - 1] = 0.0
    gain[rows.size - least :] = 0.0
    at = int(gain.argmax())
    return float(gain[at]), rows[order[at + 1 :]]


def supported(worth: Floats, kinds: Integers, groups: Integers, least: int, protection: int) -> Integers:
    """``kinds`` (n,) without those of fewer than ``least`` members or ``protection`` root entities, of ``groups`` (n,).

    Their members take the next best by ``worth`` (n, kinds).
    """
    names, entity = np.unique(groups, return_inverse=True)
    wide = names.size
    while True:
        size = worth.shape[1]
        members = np.bincount(kinds, minlength=size)
        entities = np.bincount(np.unique(kinds * wide + entity) // wide, minlength=size)
        weak = np.flatnonzero((members > 0) & ((members < least) | (entities < protection)))
        if not weak.size or int((members > 0).sum()) == 1:
            return np.unique(kinds, return_inverse=True)[1].astype(np.int64)
        # The smallest first: others may live on what it leaves.
        gone = weak[np.argsort(members[weak], kind="stable")][: (weak.size + 1) // 2]
        keep = np.setdiff1d(np.flatnonzero(members > 0), gone)
        worth = worth[:, keep]
        kinds = worth.argmax(axis=1)
