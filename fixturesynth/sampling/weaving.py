"""Unique sets that overlap and are nearly full: values laid out as in Latin squares."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

from fixturesynth.sampling.matching import distinct_by_stride, duplicates, pair_keys

__all__ = ["weave"]

Integers = npt.NDArray[np.int64]

FACTORS = 8  # steps that are tried for either number


def weave(sizes: Sequence[int], sets: Sequence[Sequence[int]], rows: int, seed: int, table: str) -> Integers | None:
    """Numbers below ``sizes`` for every row, (rows, columns), that tell rows apart in each of ``sets`` (of column
    numbers); None where no such layout is found.

    Row r is a cell (i, j) of the two smallest columns, and every other column holds x·i + y·j modulo its size, with the
    first x and y that keep the sets distinct so far: a Latin square, where three columns are unique in pairs.

    >>> square = weave((3, 3, 3), ((0, 1), (1, 2), (0, 2)), 9, 7, "squares")
    >>> len(set(map(tuple, square[:, :2].tolist()))), len(set(map(tuple, square[:, 1:].tolist())))
    (9, 9)
    """
    order = sorted(range(len(sizes)), key=lambda c: sizes[c])
    if len(order) < 2 or rows > sizes[order[0]] * sizes[order[1]]:
        return None
    first, second = order[:2]
    nothing = np.zeros(rows, dtype=np.int64)
    cells = distinct_by_stride(np.arange(rows), nothing, sizes[first] * sizes[second], seed, table, "woven")
    i, j = cells // sizes[second], cells % sizes[second]
    out = np.zeros((rows, len(sizes)), dtype=np.int64)
    out[:, first], out[:, second] = i, j
    known = {first, second}
    if not _apart(out, sets, known):
        return None
    for column in order[2:]:
        known.add(column)
        for x, y in product(range(1, FACTORS), repeat=2):
            out[:, column] = (x * i + y * j) % sizes[column]
            if _apart(out, sets, known):
                break
        else:
            return None
    return out


def _apart(out: Integers, sets: Sequence[Sequence[int]], known: set[int]) -> bool:
    """Whether no two rows agree in a set of which every column is known."""
    return not any(duplicates(pair_keys(*(out[:, c] for c in s))).any() for s in sets if set(s) <= known)
