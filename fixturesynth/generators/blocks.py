"""Blocks of parents for references that are matched, and codes of child counts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from fixturesynth.dataset import Dataset
from fixturesynth.generators.keys import combined
from fixturesynth.planning.plan import Modelled, TablePlan

__all__ = ["choose_block", "count_codes"]

Integers = npt.NDArray[np.int64]

MOST_COUNT_CODES = 40
MOST_BLOCKS = 64
LEAST_GAIN = 0.3  # how much more alike siblings must be than strangers, on a scale from 0 to 1


def count_codes(degrees: Integers) -> tuple[npt.NDArray[np.int32], int]:
    """Ordered codes of child counts, shape (n,), and how many there are: exact where few, else by quantiles."""
    if not degrees.size:
        return np.zeros(0, dtype=np.int32), 1
    distinct = np.unique(degrees)
    if distinct.size > MOST_COUNT_CODES:
        ordered = np.sort(degrees)
        places = (np.arange(MOST_COUNT_CODES) * degrees.size) // MOST_COUNT_CODES
        distinct = np.unique(ordered[places])
    codes = np.searchsorted(distinct, degrees, side="right") - 1
    return np.maximum(codes, 0).astype(np.int32), int(distinct.size)


def choose_block(
    dataset: Dataset,
    child: TablePlan,
    parents: Integers,
    rank: Callable[[str, str], Integers],
    size: int,
) -> tuple[npt.NDArray[np.int32], int] | None:
    """The category that the children of one parent share most (a plane's carrier), as a property of the parent.

    ``parents``: parent of each child row, -1 for none; ``size``: number of parents. Codes by parent, (size,), the
    last code for a parent without children, and how many codes there are. None where siblings are hardly more alike
    than strangers.
    """
    best: tuple[float, Integers, int] | None = None
    has = parents >= 0
    if not has.any():
        return None
    for codes, width in _candidates(dataset, child, rank):
        gain = _likeness(parents[has], codes[has], size, width)
        if gain > LEAST_GAIN and (best is None or gain > best[0]):
            best = (gain, codes, width)
    if best is None:
        return None
    _, codes, width = best
    table = np.bincount(parents[has] * width + codes[has], minlength=size * width).reshape(size, width)
    home = np.where(table.sum(axis=1) > 0, table.argmax(axis=1), width)
    return home.astype(np.int32), width + 1


def _candidates(dataset: Dataset, child: TablePlan, rank: Callable[[str, str], Integers]) -> list[tuple[Integers, int]]:
    out = []
    arrow = dataset.arrow(child.name)
    for column in child.columns:
        if isinstance(column.source, Modelled) and column.source.encoding == "categorical":
            encoded = pc.dictionary_encode(combined(arrow.column(column.name)), null_encoding="encode")
            if 1 < len(encoded.dictionary) <= MOST_BLOCKS:
                out.append((encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), len(encoded.dictionary)))
    for reference in child.references:
        if reference.how == "matched" and reference.parent in dataset:
            ranks = rank(child.name, reference.foreign_key)
            distinct, codes = np.unique(ranks, return_inverse=True)
            if 1 < distinct.size <= MOST_BLOCKS:
                out.append((codes.astype(np.int64), int(distinct.size)))
    return out


def _likeness(parents: Integers, codes: Integers, size: int, width: int) -> float:
    """Chance that two children of one parent agree, above that of any two children, on a scale of 0 to 1."""
    table = np.bincount(parents * width + codes, minlength=size * width).reshape(size, width).astype(np.float64)
    totals = table.sum(axis=1)
    pairs = (totals * (totals - 1)).sum()
    if pairs < 50:
        return 0.0
    alike = (table * (table - 1)).sum() / pairs
    shares = table.sum(axis=0) / totals.sum()
    chance = float((shares**2).sum())
    return float((alike - chance) / (1 - chance)) if chance < 1 else 0.0
