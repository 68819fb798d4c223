"""Numbers that stay exactly what they were in the sibling before: one date for both eyes, an amount passed on whole.

Codes say that two siblings lie in one range; how often they are then the very same number is learned beside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.contract import Variable
from fixturesynth.randomness import hashed

__all__ = ["find_steady", "steady_rows"]

Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

SHARE = 1000
LEAST_PAIRS = 30  # of siblings in one code
LEAST_GAIN = 0.1  # more than numbers of one code are the same anyway, as a share of the way to always


def find_steady(
    variables: Sequence[Variable], codes: Sequence[Codes], grids: Mapping[str, tuple[Integers, Flags]],
    parents: Integers, groups: Integers, protection: int,
) -> dict[str, int]:  # fmt: skip
    """By variable: of SHARE siblings with the code of the one before, how many have its number, beyond chance.

    ``codes``: (n,) by variable; ``grids``: numbers of some, and where there are any; ``parents``, ``groups``: parent
    and root entity of each row, (n,), families side by side.
    """
    after = np.flatnonzero(parents[1:] == parents[:-1]) + 1
    out: dict[str, int] = {}
    for variable, own in zip(variables, codes, strict=True):
        if variable.name not in grids or not variable.ordered:
            continue
        values, valid = grids[variable.name]
        pairs = after[(own[after] == own[after - 1]) & valid[after] & valid[after - 1]]
        if pairs.size < LEAST_PAIRS or np.unique(groups[pairs]).size < protection:
            continue
        same = float((values[pairs] == values[pairs - 1]).mean())
        chance = _chance(own[valid], values[valid], own[pairs])
        gain = (same - chance) / (1 - chance) if chance < 1 else 0.0
        if gain >= LEAST_GAIN and gain * pairs.size >= LEAST_PAIRS / 2:
            out[variable.name] = round(SHARE * gain)
    return out


def _chance(codes: Codes, values: Integers, asked: Codes) -> float:
    """Mean chance, over the codes ``asked``, that two numbers of one code are the same."""
    keys = np.unique(np.stack([codes.astype(np.int64), values], axis=1), axis=0, return_counts=True)
    size = int(codes.max(initial=0)) + 1
    both = np.bincount(keys[0][:, 0], weights=keys[1].astype(np.float64) ** 2, minlength=size)
    all_ = np.bincount(codes, minlength=size).astype(np.float64)
    return float((both / np.maximum(all_, 1.0) ** 2)[asked].mean())


def steady_rows(codes: Codes, position: Integers, share: int, seed: int, *address: str | int) -> Integers:
    """The row whose number each row has, (n,), -1 for rows with a number of their own that nobody takes up.

    ``codes``: (n,); ``position``: place among the siblings, 0 where a family begins; ``share``: of SHARE. Columns agree
    as far as they can in which rows stay as they were.

    >>> steady_rows(np.array([4, 4, 4, 7, 7]), np.array([0, 1, 2, 3, 0]), 1000, 0, "x").tolist()
    [0, 0, 0, -1, -1]
    """
    rows = np.arange(codes.size, dtype=np.int64)
    stays = np.zeros(codes.size, dtype=bool)
    stays[1:] = (codes[1:] == codes[:-1]) & (position[1:] > 0)
    stays &= hashed(rows, seed, *address, "steady") % np.uint64(SHARE) < np.uint64(share)
    source = np.maximum.accumulate(np.where(stays, 0, rows))
    taken = np.zeros(codes.size, dtype=bool)
    taken[source[stays]] = True
    return np.where(stays | taken, source, -1)
