"""Arithmetic with a parent's number: a line costs its quantity times the product's price."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fixturesynth.profiling.columnar import ColumnView, TableView
from fixturesynth.profiling.invariants.arithmetic import (
    LEAST_DISTINCT,
    SCREEN,
    factors_of,
    half_unit,
    measures,
    nice,
    rounding_of,
    verify_product,
    verify_sum,
)
from fixturesynth.profiling.invariants.evidence import FEWEST
from fixturesynth.profiling.profile import Invariant
from fixturesynth.schema.model import ForeignKey

__all__ = ["find_crossing", "lent"]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MOST_OWN, MOST_THEIRS = 24, 8  # columns that are tried


def find_crossing(child: TableView, parent: TableView, fk: ForeignKey, at: Integers) -> Iterator[Invariant]:
    """Products and sums of a column of the row and one of its parent's (``theirs``, whose coefficient is the last).

    ``at``: each row's parent row, -1 for none, (n,).
    """
    own = measures(child)[:MOST_OWN]
    theirs = measures(parent, least=1)[:MOST_THEIRS]  # the rows that bear witness are the children
    linked = np.flatnonzero(at >= 0)
    if len(own) < 2 or not theirs or linked.size < FEWEST:
        return
    rows = linked[:: max(1, linked.size // SCREEN)]
    matrix = np.stack([c.numbers[rows] for c in own])
    half = np.array([half_unit(c) for c in own])[:, None] + 1e-9 * np.abs(np.nan_to_num(matrix))
    rich = np.array([c.distinct >= LEAST_DISTINCT for c in own])
    for column in theirs:
        other = lent(column, at)
        numbers = other.numbers[rows]
        if np.unique(numbers[np.isfinite(numbers)]).size < 3:
            continue
        for i, mine in enumerate(own):
            for k, factor in factors_of(matrix[i] * numbers, matrix, half, rich):
                support = verify_product(own[k], mine, other, factor) if k != i else 0
                if support:
                    parameters = {"factor": factor, "decimals": own[k].decimals, "theirs": column.name}
                    rounding = rounding_of(own[k], (mine, other), lambda x, y, f=factor: x * y * f)
                    yield Invariant(
                        "product", child.table.name, own[k].name, (mine.name,), fk.name, parameters | rounding, support
                    )
        yield from _sums(child, fk, own, matrix, half, rich, other, numbers)


def _sums(
    child: TableView, fk: ForeignKey, own: Sequence[ColumnView], matrix: Floats, half: Floats,
    rich: npt.NDArray[np.bool_], other: ColumnView, numbers: Floats,
) -> Iterator[Invariant]:  # fmt: skip
    """target = ± a column of the row + a share of the parent's."""
    for k, target in enumerate(own):
        for i, mine in enumerate(own):
            if i == k or not rich[k]:
                continue
            for sign in (1.0, -1.0):
                left = matrix[k] - sign * matrix[i]
                usable = np.isfinite(left) & np.isfinite(numbers) & (np.abs(numbers) > 1e-12)
                if np.count_nonzero(usable) < FEWEST:
                    continue
                share = nice(float(np.median(left[usable] / numbers[usable])), 4)
                slack = half[k][usable] + half[i][usable]
                if not share or bool((np.abs(left[usable] - share * numbers[usable]) > slack).any()):
                    continue
                factors = [sign, share]
                support = verify_sum(child, target, [mine, other], factors, 0.0)
                if support:
                    parameters = {"coefficients": factors, "constant": 0.0, "decimals": target.decimals}
                    rounding = rounding_of(target, (mine, other), lambda x, y, f=factors: f[0] * x + f[1] * y)
                    yield Invariant(
                        "linear", child.table.name, target.name, (mine.name,), fk.name,
                        parameters | rounding | {"theirs": other.name}, support,
                    )  # fmt: skip


def lent(column: ColumnView, at: Integers) -> ColumnView:
    """A parent's column as one of its children's, whose parent rows ``at`` are, (n,), -1 for none: NULL."""
    return replace(column, codes=np.append(column.codes, -1)[at])
