"""What goes together below the codes: places inside bins that rise or fall with those of another column.

Few rows have few bins, and most of what two numbers have to do with each other then happens inside these. One number
for a pair of columns, the correlation of the places, gives that back; no value is kept for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt

import numpy as np
import numpy.typing as npt

__all__ = ["SCALE", "find_links", "leaning", "places_inside"]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint64]

SCALE = 1000
SURE = 3.0  # Student's t from which a correlation is no chance: about one in a hundred among ten rows
MOST_ROWS = 200_000

_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


def places_inside(codes: npt.NDArray[np.int32], values: Integers, valid: npt.NDArray[np.bool_]) -> Floats:
    """Where each value stands among those of its code, -1 to 1, ties in the middle; 0 where it says nothing, (n,).

    >>> places_inside(np.zeros(3, np.int32), np.array([5, 9, 7]), np.ones(3, bool)).round(2).tolist()
    [-0.67, 0.67, 0.0]
    """
    out = np.zeros(codes.size)
    rows = np.flatnonzero(valid)
    order = rows[np.lexsort((values[rows], codes[rows]))]
    own, ranked = codes[order], values[order]
    first = np.searchsorted(own, own, side="left")
    size = np.searchsorted(own, own, side="right") - first
    run = np.cumsum(np.concatenate(([True], (own[1:] != own[:-1]) | (ranked[1:] != ranked[:-1])))) if own.size else own
    low = np.searchsorted(run, run, side="left")
    high = np.searchsorted(run, run, side="right")
    out[order] = (low + high - 2 * first) / np.maximum(size, 1) - 1.0
    return out


def find_links(places: Mapping[str, Floats], groups: Integers, protection: int) -> dict[str, tuple[str, int]]:
    """For each variable, in their order, the earlier one that its places follow most, and how far, in thousandths.

    Only what is surely no chance counts, over rows of at least ``protection`` entities.
    """
    found: dict[str, tuple[str, int]] = {}
    names = list(places)
    for i, name in enumerate(names):
        best = 0.0
        for other in names[:i]:
            a, b = places[name][:MOST_ROWS], places[other][:MOST_ROWS]
            both = (a != 0) & (b != 0)
            count = int(both.sum())
            if count < 3 or np.unique(groups[:MOST_ROWS][both]).size < protection:
                continue
            a, b = a[both], b[both]
            strength = float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))
            surely = strength**2 * (count - 2) >= SURE**2 * (1 - strength**2)
            if abs(strength) > best and surely:
                best = abs(strength)
                found[name] = (other, round(strength * SCALE))
    return found


def leaning(own: Words, other: Words, strength: int) -> Words:
    """Words whose order follows that of ``other`` (against it where ``strength`` is negative), (n,), in integers.

    >>> one, other = np.array([1, 2], np.uint64) << np.uint64(40), np.array([9, 8], np.uint64) << np.uint64(40)
    >>> leaning(one, other, 1000).argsort().tolist(), leaning(one, other, 0).argsort().tolist()
    ([1, 0], [0, 1])
    """
    shown = (other if strength >= 0 else ~other) >> _HALF
    share = np.uint64(min(abs(strength), SCALE))
    rest = np.uint64(isqrt(SCALE * SCALE - int(share) ** 2))
    # Two parts of 32 bits, each times at most 1000, fill less than 43 bits.
    mixed = shown * share + (own >> _HALF) * rest
    return (mixed << np.uint64(21)) | (own & _LOW) >> np.uint64(11)
