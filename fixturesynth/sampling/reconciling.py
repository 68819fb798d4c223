"""Numbers of children that fit what the children ask for: as many places in each block of parents as rows want one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["reconciled"]

Integers = npt.NDArray[np.int64]

MOST_SWAPS = 4_000


def reconciled(degrees: Integers, blocks: Integers, wanted: Integers) -> Integers:
    """``degrees`` (parents,) with pairs of parents of different ``blocks`` (parents,) exchanging theirs, until each
    block has as many places as ``wanted`` (blocks,) asks, or no exchange brings it nearer.

    How many parents have how many children stays exactly as it was. Places that no exchange can move are left: the
    rows that miss them go to other blocks.

    >>> reconciled(np.array([5, 3, 2, 4]), np.array([0, 0, 1, 1]), np.array([7, 7])).tolist()
    [4, 3, 2, 5]
    """
    out = degrees.copy()
    size = wanted.size
    if size < 2 or not degrees.size:
        return out
    excess = np.bincount(blocks, weights=out, minlength=size).astype(np.int64)[:size] - wanted
    # Parents of each block by degree; exchanged degrees change places in these lists.
    held: list[dict[int, list[int]]] = [{} for _ in range(size)]
    for parent in np.argsort(out, kind="stable").tolist():
        if blocks[parent] < size:
            held[int(blocks[parent])].setdefault(int(out[parent]), []).append(parent)
    for _ in range(MOST_SWAPS):
        found = _best_exchange(excess, held)
        if found is None:
            break
        most, least, large, small = found
        a, b = held[most][large].pop(), held[least][small].pop()
        for block, degree in ((most, large), (least, small)):
            if not held[block][degree]:
                del held[block][degree]
        out[a], out[b] = small, large
        held[most].setdefault(small, []).append(a)
        held[least].setdefault(large, []).append(b)
        excess[most] -= large - small
        excess[least] += large - small
    return out


def _best_exchange(excess: Integers, held: list[dict[int, list[int]]]) -> tuple[int, int, int, int] | None:
    """Two blocks and a degree of each whose exchange brings both nearer: those furthest off for which there is one."""
    order = np.argsort(-excess, kind="stable").tolist()
    for most in order:
        if excess[most] <= 0 or not held[most]:
            break
        high = np.array(sorted(held[most]), dtype=np.int64)
        for least in reversed(order):
            room = min(int(excess[most]), -int(excess[least]))
            if room <= 0:
                break
            low = np.array(sorted(held[least]), dtype=np.int64)
            gaps = high[:, None] - low[None, :]
            gaps = np.where((gaps > 0) & (gaps <= room), gaps, 0)
            if gaps.size and gaps.any():
                best = int(gaps.argmax())
                return most, least, int(high[best // low.size]), int(low[best % low.size])
    return None
