"""What the numbers of a tiny table have to do with each other and with its categories, kept as it was.

Nine rows share one bin of each number, and by chance alone two of their numbers correlate by a third. So in tables of
few rows values change places inside their bins until ranks go together as those of the rows do. A correlation of all
rows is kept for each pair of columns, and no value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import isqrt

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.contract import Variable

__all__ = ["Tie", "find_ties", "tied"]

Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Words = npt.NDArray[np.uint64]

SCALE = 1000
LEAST_ROWS, MOST_ROWS = 8, 60  # of a table that is learned
MOST_MADE = 240  # rows that are made together
SWAPS = 200


@dataclass(frozen=True)
class Tie:
    """Rank correlation of two variables, in SCALE. ``code``: of ``first``, against others; -1 where it is ordered."""

    first: str
    code: int
    second: str
    strength: int


def find_ties(
    variables: Sequence[Variable], codes: Sequence[Codes], grids: Mapping[str, tuple[Integers, npt.NDArray[np.bool_]]],
    groups: Integers, protection: int,
) -> tuple[Tie, ...]:  # fmt: skip
    """Ties of a table of few rows, by their second variable: numbers and moments that no row lacks.

    ``codes``: (n,) by variable; ``grids``: numbers of ordered ones, and where there are any; ``groups``: (n,), root
    entities, of which there must be ``protection``.
    """
    if not LEAST_ROWS <= groups.size <= MOST_ROWS or np.unique(groups).size < protection:
        return ()
    found: list[Tie] = []
    before: list[tuple[str, int, Integers]] = []
    for variable, own in zip(variables, codes, strict=True):
        if not variable.ordered and variable.name not in grids:
            most = int(np.bincount(own).argmax())
            flags = (own == most).astype(np.int64)
            if 1 < int(flags.sum()) < flags.size - 1:
                before.append((variable.name, most, _centred(flags)))
    for variable in variables:
        values, valid = grids.get(variable.name, (groups, np.zeros(1, dtype=bool)))
        if not variable.ordered or not valid.all():
            continue
        ranks = _centred(values)
        for name, code, other in before:
            size = isqrt(int((ranks * ranks).sum()) * int((other * other).sum()))
            if size:
                found.append(Tie(name, code, variable.name, round(SCALE * int((ranks * other).sum()) / size)))
        before.append((variable.name, -1, ranks))
    return tuple(found)


def _centred(values: Integers) -> Integers:
    """Twice the rank of each value, ties in the middle, less the mean, (n,).

    >>> _centred(np.array([5, 9, 5])).tolist()
    [-1, 2, -1]
    """
    ordered = np.sort(values)
    low, high = (np.searchsorted(ordered, values, side=side) for side in ("left", "right"))
    return np.asarray(low + high - values.size, dtype=np.int64)


def tied(words: Mapping[str, Words], codes: Mapping[str, Integers], ties: Sequence[Tie]) -> dict[str, Words]:
    """``words``, (n,) by variable, that say where inside of its code each row lies, exchanged between rows of one code
    until ranks go together as ``ties`` say. ``codes``: (n,) of all variables.

    >>> one = {"a": np.array([1, 2, 3], np.uint64), "b": np.array([2, 3, 1], np.uint64)}
    >>> same = {name: np.zeros(3, np.int64) for name in one}
    >>> tied(one, same, [Tie("a", -1, "b", 1000)])["b"].argsort().tolist()
    [0, 1, 2]
    """
    out = dict(words)
    for name, own in groupby(ties, key=lambda tie: tie.second):
        if name in out and 2 <= out[name].size <= MOST_MADE:
            known = [t for t in own if t.first in codes and (t.code >= 0 or t.first in out)]
            out[name] = _exchanged(out[name], codes[name], [(_side(t, out, codes), t.strength) for t in known])
    return out


def _ranks(words: Words, codes: Integers) -> Integers:
    ranks = np.empty(codes.size, dtype=np.int64)
    ranks[np.lexsort((words, codes))] = 2 * np.arange(codes.size) - (codes.size - 1)
    return ranks


def _side(tie: Tie, words: Mapping[str, Words], codes: Mapping[str, Integers]) -> Integers:
    if tie.code < 0:
        return _ranks(words[tie.first], codes[tie.first])
    return _centred((codes[tie.first] == tie.code).astype(np.int64))


def _exchanged(words: Words, codes: Integers, sides: Sequence[tuple[Integers, int]]) -> Words:
    """Words after the exchanges, one after the other, that bring all correlations nearest to what they are to be."""
    ranks, places = _ranks(words, codes), np.arange(codes.size)
    own = int((ranks * ranks).sum())
    terms = []
    for side, strength in sides:
        size = isqrt(own * int((side * side).sum()))
        if size:
            terms.append((side, size, strength * size // SCALE))
    if not terms:
        return words
    apart = codes[:, None] != codes[None, :]
    for _ in range(SWAPS):
        # What an exchange of two rows adds to each sum of products, and how far all are then from what they are to be.
        gap = ranks[None, :] - ranks[:, None]
        sums = [(int((side * ranks).sum()) - goal, side, size) for side, size, goal in terms]
        cost = np.zeros(gap.shape, dtype=np.int64)
        for off, side, size in sums:
            cost += np.abs(off + (side[:, None] - side[None, :]) * gap) * SCALE // size
        cost[apart] = np.iinfo(np.int64).max
        best = int(cost.argmin())
        a, b = best // codes.size, best % codes.size
        if cost[a, b] >= sum(abs(off) * SCALE // size for off, _, size in sums):
            break
        ranks[[a, b]], places[[a, b]] = ranks[[b, a]], places[[b, a]]
    return words[places]
