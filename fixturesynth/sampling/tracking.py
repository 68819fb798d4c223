"""One total over a whole table kept near where its rows were drawn to be, by exchanging steps between neighbours."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["tracked"]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

BLOCK = 32  # rows in which the order of steps may be looked at again
ROUNDS = 64


def tracked(steps: Integers, begin: int, wanted: Floats) -> Integers:
    """Places, (n,), from which each row takes its step, so that ``begin`` and their sums go the way of ``wanted``.

    ``wanted``: the total as it was drawn for each row, (n,). Both ends stay: the way is bent so that it ends where all
    steps lead to. Each boundary between blocks of rows exchanges the two steps that mend most of what it is off.

    >>> steps = np.repeat([10, -10], 100)
    >>> way = np.cumsum(steps[tracked(steps, 0, np.zeros(200))])
    >>> int(np.cumsum(steps).max()), bool(np.abs(way).max() < 500)
    (1000, True)
    """
    n = steps.size
    places = np.arange(n, dtype=np.int64)
    blocks, half = n // BLOCK, BLOCK // 2
    if blocks < 3:
        return places
    middle = np.median(wanted[: blocks * BLOCK].reshape(blocks, BLOCK), axis=1)
    at = np.arange(blocks) * BLOCK + half
    way = np.interp(np.arange(n), [0, *at.tolist(), n - 1], [begin + steps[0], *middle.tolist(), middle[-1]])
    way = way + (begin + steps.sum() - way[-1]) * (np.arange(n) / n)
    for turn in range(ROUNDS):
        ends = np.arange(half + (turn % 2) * half, n - half, BLOCK)  # boundaries move by half a block each time
        total = begin + np.cumsum(steps[places])
        off = (total - way)[ends - 1]
        left = ends[:, None] - 1 - np.arange(half)
        right = ends[:, None] + np.arange(half)
        change = steps[places[left]][:, :, None] - steps[places[right]][:, None, :]
        left_over = np.abs(off[:, None, None] - change).reshape(ends.size, -1)
        best = np.argmin(left_over, axis=1)
        better = left_over[np.arange(ends.size), best] < np.abs(off)
        if not better.any():
            break
        one = left[better, best[better] // half]
        two = right[better, best[better] % half]
        places[one], places[two] = places[two], places[one]
    return places
