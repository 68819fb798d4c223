"""Parents by what was learned of a self reference: by class, near in one column, as many children as a row is to have.

Every child asks for a place near to where its parent would be; of several that ask for one place one gets it, the
others ask for the next. So distances stay short, and numbers of children what they are to be.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fixturesynth.randomness import hashed
from fixturesynth.sampling.counts import allot

__all__ = ["beside", "planted", "roots_of", "without_circles"]

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

ROUNDS = 40  # of asking; who has no place by then goes beside others


def planted(
    child: Integers, cell: Integers, wanted: Integers, numbers: Integers, targets: Integers, degrees: Integers,
    *, never_before: bool, seed: int, address: tuple[str, ...],
) -> Integers:  # fmt: skip
    """A parent for each of the rows ``child``, (children,); -1 where no row is in the cell that it wants.

    ``cell``: of every row, (n,); ``wanted``: of each child's parent. ``numbers``: where rows stand, (n,); ``targets``:
    where each child's parent should. ``degrees``: children that rows are to have, (n,), in proportion.
    """
    out = np.full(child.size, -1, dtype=np.int64)
    order = np.lexsort((numbers, cell))
    size = int(max(cell.max(initial=0), wanted.max(initial=0))) + 1
    needed = np.bincount(wanted, minlength=size)
    slots = _slots(order, cell, degrees, needed, seed, address)
    free = np.ones(slots.size, dtype=bool)
    waiting = np.arange(child.size)
    for turn in range(ROUNDS):
        if not waiting.size:
            break
        left = np.flatnonzero(free)
        held = cell[slots[left]], numbers[slots[left]]
        low, high = (np.searchsorted(held[0], wanted[waiting] + k) for k in (0, 1))
        some = high > low
        waiting, low, high = waiting[some], low[some], high[some]
        at = _near(held, wanted[waiting], targets[waiting], low, high)
        if never_before:
            last = _until(held, wanted[waiting], numbers[child[waiting]]) - 1
            at = np.where(last >= low, np.minimum(at, last), at)
        words = hashed(child[waiting], seed, *address, "asking", turn)
        first = np.lexsort((words, at))
        taken = np.zeros(waiting.size, dtype=bool)
        taken[first[np.flatnonzero(np.diff(at[first], prepend=-1))]] = True
        taken &= slots[left[at]] != child[waiting]
        out[waiting[taken]] = slots[left[at[taken]]]
        free[left[at[taken]]] = False
        if not taken.any():
            break
        waiting = waiting[~taken]
    rest = np.flatnonzero(out < 0)
    out[rest] = beside(order, cell, numbers, child[rest], wanted[rest], targets[rest], never_before=never_before)
    return out


def beside(
    order: Integers, cell: Integers, numbers: Integers, child: Integers, wanted: Integers, targets: Integers,
    *, never_before: bool,
) -> Integers:  # fmt: skip
    """For rows that found no place, the row of the cell nearest to where their parent would be; -1 where there is none.

    ``order``: rows by cell and number."""
    held = cell[order], numbers[order]
    low, high = (np.searchsorted(held[0], wanted + k) for k in (0, 1))
    some = high > low
    out = np.full(child.size, -1, dtype=np.int64)
    child, wanted, targets, low, high = child[some], wanted[some], targets[some], low[some], high[some]
    if not child.size:
        return out
    at = _near(held, wanted, targets, low, high)
    if never_before:
        at = np.maximum(np.minimum(at, _until(held, wanted, numbers[child]) - 1), low)
    itself = order[at] == child
    at = np.where(itself, np.where(at > low, at - 1, at + 1), at)
    out[some] = np.where(at < high, order[np.minimum(at, order.size - 1)], -1)
    return out


def _slots(
    order: Integers, cell: Integers, degrees: Integers, needed: Integers, seed: int, address: tuple[str, ...]
) -> Integers:
    """Rows, each as often as it is to have children, cell by cell in ``order``; a cell has as many as it needs."""
    starts = np.searchsorted(cell[order], np.arange(needed.size + 1))
    found = []
    for number in np.flatnonzero((needed > 0) & (np.diff(starts) > 0)).tolist():
        rows = order[starts[number] : starts[number + 1]]
        weights = degrees[rows]
        if not weights.any():
            weights = np.ones_like(weights)
        words = hashed(rows, seed, *address, "degrees")
        found.append(np.repeat(rows, allot(weights, int(needed[number]), words)))
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def _near(
    held: tuple[Integers, Integers], cells: Integers, targets: Integers, low: Integers, high: Integers
) -> Integers:
    """The place nearest to each target, of those of its cell, which lie from ``low`` to before ``high``."""
    after = np.minimum(np.maximum(_until(held, cells, targets), low), high - 1)
    before = np.maximum(after - 1, low)
    nearer = np.abs(targets - held[1][before]) <= np.abs(held[1][after] - targets)
    return np.where(nearer, before, after)


def _until(held: tuple[Integers, Integers], cells: Integers, targets: Integers) -> Integers:
    """How many places lie in cells before each one's, or in it up to its target."""
    # Both are ranked together, places before targets that are equal.
    whole = np.concatenate((held[0], cells)), np.concatenate((held[1], targets))
    kind = np.concatenate((np.zeros(held[0].size, np.int8), np.ones(cells.size, np.int8)))
    order = np.lexsort((kind, whole[1], whole[0]))
    before = np.cumsum(kind[order] == 0)
    out = np.empty(order.size, dtype=np.int64)
    out[order] = before
    return out[held[0].size :]


def without_circles(parents: Integers) -> Integers:
    """``parents``, (n,), -1 for none, in which no row comes back to itself but those that are their own parent.

    Of each circle the first row loses its parent.

    >>> without_circles(np.array([1, 2, 0, 2, 4])).tolist()
    [-1, 2, 0, 2, 4]
    """
    step = np.where(parents == np.arange(parents.size), -1, parents)
    least = np.arange(parents.size)
    for _ in range(max(1, int(parents.size).bit_length())):  # twice as many steps each time
        onward = step >= 0
        least = np.where(onward, np.minimum(least, least[np.maximum(step, 0)]), least)
        step = np.where(onward, step[np.maximum(step, 0)], -1)
    inside = np.unique(step[step >= 0])  # where one is after as many steps as there are rows
    out = parents.copy()
    out[np.unique(least[inside])] = -1
    return out


def roots_of(parents: Integers) -> Integers:
    """The row that each row's parents lead to, (n,), by ``parents`` without circles."""
    own = np.arange(parents.size)
    top = np.where(parents < 0, own, parents)
    for _ in range(max(1, int(parents.size).bit_length())):
        top = top[top]
    return top
