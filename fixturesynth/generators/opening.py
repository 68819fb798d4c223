"""First siblings: what the first row of a family is like, where each parent is a row of a kept list.

Every parent has one first row, so first rows alone say nothing of a parent by name: the first season of each club
would be any club's. What a club's later rows are like says it. So later rows are learned once more without their
siblings, as if each were a first one; where in the family they stand they keep, so that what only beginnings have
is not lost.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.context import PLACES, ROW
from fixturesynth.generators.contract import Variable
from fixturesynth.randomness import permutation

__all__ = ["with_openings"]

Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

MOST_OPENINGS = 10_000  # later rows that are learned once more


def with_openings(
    variables: Sequence[Variable], codes: Codes, groups: Integers | None, seed: int
) -> tuple[Codes, Integers | None]:
    """``codes``, (n, variables), context first, and ``groups``, (n,), with later rows as first ones at their end."""
    names = [v.name for v in variables if v.context]
    told = next((i for i, name in enumerate(names) if name.endswith(f">{ROW}")), None)
    if told is None or PLACES[-1].name not in names:
        return codes, groups
    siblings = np.arange(names.index(PLACES[-1].name) + 1, len(names))
    none = np.array([variables[int(i)].size - 1 for i in siblings], dtype=np.int32)
    later = np.flatnonzero(codes[:, names.index(PLACES[1].name)] > 0)
    if not siblings.size or not later.size:
        return codes, groups
    later = np.sort(later[permutation(later.size, seed, "openings")[:MOST_OPENINGS]])
    again = codes[later]
    again[:, siblings] = none
    return np.concatenate((codes, again)), None if groups is None else np.concatenate((groups, groups[later]))
