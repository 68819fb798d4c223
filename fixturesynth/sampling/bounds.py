"""Running totals kept between bounds by moving what rows add: later inside a family, else between families."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fixturesynth.profiling.siblings import Siblings

__all__ = ["Bounds", "kept_within"]

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

ROUNDS = 24  # exchanges between families
CELLS = 4_000_000  # of the matrix in which families are put in order


@dataclass(frozen=True)
class Bounds:
    floor: int
    ceiling: int


def kept_within(
    line: Siblings, steps: Integers, opening: Integers, bounds: Bounds, *, pinned: bool = False
) -> Integers | None:
    """Places in line, (n,), from which each takes its step, so that totals stay in ``bounds``; None where they do.

    ``steps`` (n,) are in line, ``opening`` is by family. Families whose sum is out of bounds exchange their heaviest
    step with a family that can bear it; then a step that would leave the bounds waits for the next one that does not.
    ``pinned``: first steps stay. What cannot be had is left as it is.
    """
    total = opening[line.family] + line.running(steps)
    out = (total < bounds.floor) | (total > bounds.ceiling)
    if not out.any():
        return None
    places = np.arange(steps.size, dtype=np.int64)
    free = ~line.first if pinned else np.ones(steps.size, dtype=bool)
    places = _exchanged(line, steps, opening, bounds.floor, places, free)
    places = _exchanged(line, -steps, -opening, -bounds.ceiling, places, free)
    total = opening[line.family] + line.running(steps[places])
    out = (total < bounds.floor) | (total > bounds.ceiling)
    broken = np.flatnonzero(np.bincount(line.family, weights=out) > 0)
    for some in _portions(line, broken):
        places = _reordered(line, steps, opening, bounds, places, some, pinned)
    return places


def _exchanged(
    line: Siblings, steps: Integers, opening: Integers, floor: int, places: Integers, free: Flags
) -> Integers:
    """Heaviest steps of families that end below ``floor`` against lightest ones of families that end well above."""
    places = places.copy()
    families = opening.size
    for turn in range(2 * ROUNDS):
        now = steps[places]
        spare = opening + np.bincount(line.family, weights=now, minlength=families).astype(np.int64) - floor
        if (spare >= 0).all():
            break
        order = np.lexsort((now, ~free, line.family))  # free ones first, the heaviest of them leading
        starts = np.searchsorted(line.family[order], np.arange(families))
        count = np.bincount(line.family, weights=free, minlength=families).astype(np.int64)
        has = count > 0
        heaviest = order[np.minimum(starts, order.size - 1)]
        lightest = order[np.clip(starts + count - 1, 0, order.size - 1)]
        poor = np.flatnonzero((spare < 0) & has)
        rich = np.flatnonzero((spare > 0) & has & (now[lightest] > 0))
        if not poor.size or not rich.size:
            break
        poor = poor[np.argsort(spare[poor], kind="stable")]
        rich = rich[np.argsort(-spare[rich], kind="stable")]
        rich = np.roll(rich, -(turn // 2) * min(poor.size, rich.size))
        size = min(poor.size, rich.size)
        poor, rich = poor[:size], rich[:size]
        gain = now[lightest[rich]] - now[heaviest[poor]]
        if turn < ROUNDS:
            fits = (gain > 0) & (spare[rich] >= gain)
            a, b = heaviest[poor[fits]], lightest[rich[fits]]
            places[a], places[b] = places[b], places[a]
        else:
            # Nobody can spare one: it is taken twice.
            fits = gain > 0
            places[heaviest[poor[fits]]] = places[lightest[rich[fits]]]
        if not fits.any() and turn >= ROUNDS:
            break
    return places


def _portions(line: Siblings, families: Integers) -> list[Integers]:
    """Families of like size together, so that the matrix holds little that is empty."""
    if not families.size:
        return []
    sizes = np.bincount(line.family)[families]
    families = families[np.argsort(sizes, kind="stable")]
    widest = np.sort(sizes)
    ends, start = [], 0
    while start < families.size:
        cells = (np.arange(start, families.size) - start + 1) * widest[start:]
        start += max(1, int(np.searchsorted(cells, CELLS, side="right")))
        ends.append(start)
    return np.split(families, ends[:-1])


def _reordered(
    line: Siblings,
    steps: Integers,
    opening: Integers,
    bounds: Bounds,
    places: Integers,
    families: Integers,
    pinned: bool,
) -> Integers:
    """In each of ``families`` a step that would leave the bounds changes places with the next one that does not."""
    starts = np.flatnonzero(line.first)[families]
    sizes = np.bincount(line.family)[families]
    width = int(sizes.max())
    at = np.minimum(starts[:, None] + np.arange(width), steps.size - 1)
    there = np.arange(width) < sizes[:, None]
    held = places[at]
    add = np.where(there, steps[held], 0)
    total = opening[families].copy()
    for place in range(width):
        now = total + add[:, place]
        bad = np.flatnonzero(there[:, place] & ((now < bounds.floor) | (now > bounds.ceiling)))
        if bad.size and not (pinned and place == 0):
            later = total[bad, None] + add[bad, place + 1 :]
            good = there[bad, place + 1 :] & (later >= bounds.floor) & (later <= bounds.ceiling)
            found = np.flatnonzero(good.any(axis=1))
            rows, other = bad[found], place + 1 + np.argmax(good[found], axis=1) if found.size else bad[:0]
            for matrix in (held, add):
                matrix[rows, place], matrix[rows, other] = matrix[rows, other].copy(), matrix[rows, place].copy()
        total = total + add[:, place]
    out = places.copy()
    out[at[there]] = held[there]
    return out
