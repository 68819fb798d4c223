"""Which variables of the sibling before tell anything of the next one, and how finely.

All that a sibling is would be a fingerprint of the place in its family: what was learned beside it, rows drawn one
after the other soon lead to where no real family has been, and each row there is an odd one for the next. So the next
sibling sees of a variable only what its own value surely goes with, and where that is little a few classes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.context import MOST_FEATURE_CODES, MOST_SIBLING_CODES, coarse, coarse_codes, seen
from fixturesynth.generators.contract import Variable
from fixturesynth.generators.growing import Growth, Tree, find_leaves, grow, rank_feature
from fixturesynth.generators.steps import code_length, repeats
from fixturesynth.generators.successors import find_successors
from fixturesynth.randomness import permutation

__all__ = ["choose_heeded", "choose_shown"]

Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

MANY_ROWS = 20_000  # of fewer, trees are too small to go far astray, and what is faint cannot be told from chance
ROWS = 6_000  # that are looked at
MOST_FOLLOWED = 2_000  # codes of a category of which it is asked what usually follows which
LEAST_ROWS = 50
LEAST_SAVED = 0.05  # of the bits of a code, that the sibling before must save
LEAST_SHARE = 0.03  # of the variance that is left to a number, that the siblings before must explain
SURE = 4.0  # standard errors of a correlation
CLASSES = 12  # in which a number is seen that hardly saves bits

_GROWTH = Growth()


@dataclass(frozen=True)
class _Family:
    """Later siblings: ``around``: (n, surroundings) codes of what a row sees beside the sibling before."""

    surroundings: Sequence[Variable]
    around: Codes

    def leaves(self, own: Codes, variable: Variable, beside: Sequence[tuple[Variable, Codes]] = ()) -> Integers:
        """The leaf of each row in a tree for ``own`` (n,), which sees some columns more (``beside``)."""
        variables = [*self.surroundings, *(v for v, _ in beside)]
        codes = np.column_stack([self.around, *(c for _, c in beside)]).astype(np.int32)
        target = own.astype(np.int64)
        tables = [
            rank_feature(codes[:, f].astype(np.int64), v.size, v.ordered, target, variable.size, variable.ordered)
            for f, v in enumerate(variables)
        ]
        ranks = np.array([t[codes[:, f]] for f, t in enumerate(tables)], np.uint8).reshape(-1, target.size)
        tree: Tree = grow(ranks, target, variable.size, variable.ordered, _GROWTH)
        offsets = np.cumsum([0, *(v.size for v in variables)])[:-1].astype(np.int64)
        return find_leaves(tree, np.concatenate([*tables, np.zeros(0, np.uint8)]), offsets, codes)


def choose_shown(
    variables: Sequence[Variable],
    nulls: Sequence[int],
    codes: Sequence[Codes],
    position: Integers,
    surroundings: Sequence[Variable],
    around: Codes,
) -> tuple[list[int], list[Variable]]:
    """Numbers of the variables that the next sibling sees, and those as it sees them.

    ``nulls``, ``codes``: by variable its code of NULL (-1: none), and (n,) codes. ``around``: (n, surroundings).
    """
    able = seen(variables, MOST_SIBLING_CODES)
    rows = np.flatnonzero(position > 0)
    # Of many categories nothing can be told but what follows which.
    able = [i for i in able if variables[i].told_by is None]
    able = sorted({*able, *(i for i in seen(variables, MOST_FOLLOWED) if _follows(codes[i], rows, variables[i].size))})
    shown = [coarse(v, MOST_FEATURE_CODES) if v.ordered else v for v in (variables[i] for i in able)]
    if not able:
        return [], []
    columns = [coarse_codes(codes[i], variables[i].size, v.size) for i, v in zip(able, shown, strict=True)]
    # A code that is seen coarsely has no code of NULL of its own.
    empty = [nulls[i] if v.size == variables[i].size else -1 for i, v in zip(able, shown, strict=True)]
    matrix = np.stack(columns, axis=1)
    found = choose_heeded(shown, empty, matrix, position, surroundings, lambda rows: around[rows])
    return [able[i] for i, _ in found], [v for _, v in found]


def choose_heeded(
    variables: Sequence[Variable],
    nulls: Sequence[int],
    own: Codes,
    position: Integers,
    surroundings: Sequence[Variable],
    around: Callable[[Integers], Codes],
    seed: int = 0,
) -> list[tuple[int, Variable]]:
    """Numbers of the variables that the next sibling sees, and each as it sees it.

    ``variables``, ``nulls``, ``own``: what it could see, their codes of NULL (-1: none) and the rows' codes, (n,
    variables); rows of one parent stand together, in order of ``position`` (n,). ``around``: codes of the
    ``surroundings`` of rows.
    """
    rows = np.flatnonzero(position > 0)
    if rows.size < MANY_ROWS:
        return list(enumerate(variables))
    rows = np.sort(rows[permutation(rows.size, seed, "heeding")[:ROWS]])
    family = _Family(surroundings, around(rows))
    found = []
    for i, (variable, null) in enumerate(zip(variables, nulls, strict=True)):
        if variable.size < 2:
            continue
        target, before = own[rows, i], own[rows - 1, i]
        leaves = family.leaves(target, variable)
        alone = code_length(leaves, target, variable.size)
        fine = alone - code_length(family.leaves(target, variable, [(variable, before)]), target, variable.size)
        follows = not variable.ordered and (
            repeats(target, before, variable.size) or _follows(own[:, i], rows, variable.size)
        )
        if follows or fine > LEAST_SAVED * alone:
            found.append((i, variable))
        elif variable.ordered:
            past = _means(own[:, i], position, null)[rows]
            if any(_goes_with(target, other, leaves, null) for other in (before, past)):
                found.append((i, replace(variable, size=min(variable.size, CLASSES))))
    return found


def _follows(codes: Codes, rows: Integers, size: int) -> bool:
    """Whether ``rows``, which have a sibling before, have what usually follows its code more often than by chance."""
    own, before = codes[rows], codes[rows - 1]
    successors = find_successors(before, own, size, size, None)
    return repeats(own, successors[before], size)


def _means(codes: Codes, position: Integers, null: int) -> npt.NDArray[np.float64]:
    """Mean of the codes of all earlier siblings, (n,), NaN where there are none; rows of one parent stand together."""
    known = codes != null
    sums = np.concatenate(([0], np.cumsum(np.where(known, codes, 0), dtype=np.int64)))
    counts = np.concatenate(([0], np.cumsum(known, dtype=np.int64)))
    here = np.arange(codes.size)
    first = here - position
    with np.errstate(invalid="ignore", divide="ignore"):
        means: npt.NDArray[np.float64] = (sums[here] - sums[first]) / (counts[here] - counts[first])
    return means


def _goes_with(target: Codes, other: npt.NDArray[np.generic], leaves: Integers, null: int) -> bool:
    """Whether codes (n,) surely go with ``other`` (n,) among rows of one leaf (n,)."""
    values = np.asarray(other, dtype=np.float64)
    rows = np.flatnonzero((target != null) & np.isfinite(values) & (values != null))
    if rows.size < LEAST_ROWS:
        return False
    mine, theirs = (_rest(v[rows].astype(np.float64), leaves[rows]) for v in (target, values))
    size = float((mine**2).sum() * (theirs**2).sum())
    if size <= 0:
        return False
    share = float((mine * theirs).sum()) ** 2 / size
    return share > max(LEAST_SHARE, SURE**2 / rows.size)


def _rest(values: npt.NDArray[np.float64], leaves: Integers) -> npt.NDArray[np.float64]:
    """What of values, (n,), is left beside the mean of their leaf."""
    _, place, counts = np.unique(leaves, return_inverse=True, return_counts=True)
    rest: npt.NDArray[np.float64] = values - (np.bincount(place, weights=values) / counts)[place]
    return rest
