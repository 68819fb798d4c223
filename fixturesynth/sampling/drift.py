"""Bringing codes that were drawn one sibling after the other back to the shares that were learned.

What is drawn step by step drifts: a small error of each step is the next one's context. The shares of all rows are
known, so rows move to neighbouring codes until the shares fit again; the order of the rows stays as it was drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.contract import Variable
from fixturesynth.randomness import hashed

__all__ = ["without_drift"]

Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

STRAYED = 0.02


def without_drift(
    codes: Codes,
    variables: Sequence[Variable],
    shares: Mapping[str, Integers],
    seed: int,
    *address: str | int,
    together: Mapping[str, Integers] | None = None,
) -> Codes:
    """``codes``, shape (n, variables), with the ordered variables of ``shares`` moved to these, rows kept in order.

    Of rows with the same code those move first that the variable beside it, which goes with it most, says to.

    ``shares``: by variable, how often each code was seen, shape (size,), 0 for codes that are left alone (NULL).
    Moving a row parts it from the categories it was drawn with, so variables are left as they are unless they have
    strayed by more than STRAYED. ``together``: by variable, a number for each row, (n,); rows of one stay side by side.

    >>> drawn = np.array([[0], [1], [1], [1], [2], [2]], dtype=np.int32)
    >>> without_drift(drawn, [Variable("day", 3, ordered=True)], {"day": np.array([1, 1, 1])}, 7).sum()
    np.int64(6)
    """
    out = codes.copy()
    for i, variable in enumerate(variables):
        known = shares.get(variable.name)
        if known is None or not variable.ordered or not known.any():
            continue
        rows = np.flatnonzero(known[codes[:, i]] > 0)
        if _strayed(codes[rows, i], known) <= STRAYED:
            continue
        ties = hashed(rows, seed, *address, variable.name, "drift")
        beside = _companion(codes[rows], variables, i)
        if together is not None and variable.name in together:
            beside = hashed(together[variable.name][rows], seed, *address, variable.name, "together").view(np.int64)
        order = rows[np.lexsort((ties, beside, codes[rows, i]))]
        ends = np.cumsum(known)
        points = (2 * np.arange(rows.size, dtype=np.int64) + 1) * int(ends[-1]) // max(2 * rows.size, 1)
        out[order, i] = np.searchsorted(ends, points, side="right")
    return out


def _strayed(codes: Codes, known: Integers) -> float:
    """Largest difference between the running shares of codes (n,) and of ``known`` (size,): that of Kolmogorov and
    Smirnov."""
    running = np.cumsum(np.bincount(codes, minlength=known.size)) / max(codes.size, 1)
    return float(np.abs(running - np.cumsum(known) / known.sum()).max())


def _companion(codes: Codes, variables: Sequence[Variable], place: int) -> Integers:
    """What rows of one code are put in order by: the ordered variable that goes with it most, upwards or downwards.

    Rows that leave their code then are those that the other variable says are nearest to the next one, so that moving
    them takes no dependence away. In integers, so that it is the same everywhere.
    """
    best, chosen = 0.0, np.zeros(codes.shape[0], dtype=np.int64)
    own = _centred(codes[:, place])
    if not variables[place].ordered or not own.any():
        return chosen
    for i, variable in enumerate(variables):
        if i == place or not variable.ordered:
            continue
        other = _centred(codes[:, i])
        product, square = int(own @ other), int(other @ other)
        strength = product * product / square if square else 0.0
        if strength > best:
            best, chosen = strength, np.sign(product) * codes[:, i].astype(np.int64)
    return chosen


def _centred(codes: Codes) -> Integers:
    """Codes less their mean, times their number; coarser where sums of products would not fit 64 bits."""
    wide = codes.astype(np.int64)
    centred = wide * wide.size - int(wide.sum())
    room = int((2**62 // max(wide.size, 1)) ** 0.5)
    return centred // (int(np.abs(centred).max(initial=0)) // room + 1)
