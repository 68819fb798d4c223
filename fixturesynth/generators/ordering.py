"""The order in which variables are best generated: next always the one that those before it tell most about."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.context import HABIT, OUTGOING
from fixturesynth.generators.contract import Codes, Variable

__all__ = ["order_variables"]

_COARSE = 12  # classes of equal frequency in which variables are compared
_ROWS = 10_000
_MANY_ROWS = 5_000


def order_variables(variables: tuple[Variable, ...], codes: Codes) -> list[int]:
    """Indices of ``variables``, context first, then by the mutual information shared with those before.

    ``codes``: (n, variables), n > 0, in no particular order of rows. The first is the one that shares most with all
    others. Ties keep the order given.
    """
    chosen = [i for i, variable in enumerate(variables) if variable.context]
    rest = [i for i, variable in enumerate(variables) if not variable.context and variable.told_by is None]
    stride = max(1, codes.shape[0] // _ROWS)
    shared = _mutual_information([_coarse(codes[::stride, i], v.size) for i, v in enumerate(variables)])
    if not chosen and rest:
        named = _foremost(variables, rest, codes.shape[0])
        others = _but_habits(variables, rest)
        first = named[int(np.argmax(shared[np.ix_(named, others)].sum(axis=1)))]
        chosen.append(first)
        rest.remove(first)
    while rest:
        named = _foremost(variables, rest, codes.shape[0])
        best = named[int(np.argmax(_known(shared, named, chosen)))]
        chosen.append(best)
        rest.remove(best)
    return [j for i in chosen for j in (i, *_told_by(variables, i))]


def _told_by(variables: tuple[Variable, ...], i: int) -> list[int]:
    return [j for j, variable in enumerate(variables) if variable.told_by == variables[i].name]


def _foremost(variables: tuple[Variable, ...], rest: list[int], rows: int) -> list[int]:
    """Of the variables that are left those that come next: what is known, then categories, then numbers, then habits.

    Numbers follow from categories more surely than these from a number's many codes, where rows are many and tables
    hang together: a table by itself is told from real rows less when its numbers come where they tell most. Habits
    come last, so that all else is drawn as it would be without them.
    """
    rest = _but_habits(variables, rest)
    many = rows >= _MANY_ROWS and any(v.context or v.name.startswith(OUTGOING) for v in variables)
    named = [i for i in rest if not variables[i].ordered] if many else []
    return [i for i in rest if variables[i].first] or named or rest


def _but_habits(variables: tuple[Variable, ...], rest: list[int]) -> list[int]:
    return [i for i in rest if not variables[i].name.startswith(HABIT)] or rest


def _known(shared: npt.NDArray[np.float64], rest: list[int], chosen: list[int]) -> npt.NDArray[np.float64]:
    largest: npt.NDArray[np.float64] = shared[np.ix_(rest, chosen)].max(axis=1)
    return np.round(largest, 9)


def _coarse(codes: npt.NDArray[np.int32], size: int) -> npt.NDArray[np.int64]:
    counts = np.bincount(codes, minlength=size)
    group = (2 * np.cumsum(counts) - counts) * _COARSE // (2 * codes.size)
    coarse: npt.NDArray[np.int64] = group[codes]
    return coarse


def _mutual_information(columns: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.float64]:
    """Mutual information of every pair in nats, 0 on the diagonal, shape (variables, variables)."""
    size = len(columns)
    width = _COARSE + 1
    entropy = [_entropy(np.bincount(column)) for column in columns]
    shared = np.zeros((size, size))
    for i in range(size):
        for j in range(i):
            both = _entropy(np.bincount(columns[i] * width + columns[j]))
            shared[i, j] = shared[j, i] = max(0.0, entropy[i] + entropy[j] - both)
    return shared


def _entropy(counts: npt.NDArray[np.int64]) -> float:
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum())
