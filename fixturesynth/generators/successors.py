"""What usually comes after what: the next reading of a panel, the next state of a case, the next page of a visit.

Of a hundred categories a tree tells hardly which follows which. What usually follows the sibling before's is one class
of its own: whether a row goes on as usual is told by all that is known of it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.contract import Codes

__all__ = ["find_successors"]

Integers = npt.NDArray[np.int64]

USUAL = 0.3  # of the rows after a code that have its successor
LEAST_ENTITIES = 5  # root entities that show it


def find_successors(before: Codes, own: Codes, wide: int, size: int, groups: Integers | None) -> Codes:
    """By code of the sibling before, in ``range(wide)``: the code that comes after it most often, ``size`` for none.

    ``before``, ``own``: codes of the rows, (n,); those of the sibling before from ``size`` on stand for none.
    ``groups``: root entity of each row, (n,).

    >>> find_successors(np.array([0, 0, 1, 1, 2]), np.array([1, 1, 2, 2, 0]), 4, 3, np.array([0, 1, 0, 1, 0])).tolist()
    [3, 3, 3, 3]
    """
    out = np.full(wide, size, dtype=np.int32)
    rows = np.flatnonzero(before < size)
    if not rows.size:
        return out
    pairs = before[rows].astype(np.int64) * size + own[rows]
    found, counts = np.unique(pairs, return_counts=True)
    entities = counts
    if groups is not None:
        width = int(groups.max()) + 1
        entities = np.bincount(np.searchsorted(found, np.unique(pairs * width + groups[rows]) // width))
    enough = entities >= LEAST_ENTITIES
    total = np.bincount(before[rows], minlength=wide)
    enough &= counts >= USUAL * total[found // size]
    order = np.lexsort((found, -counts))
    order = order[enough[order]]
    code, first = np.unique(found[order] // size, return_index=True)
    out[code] = found[order[first]] % size
    return out
