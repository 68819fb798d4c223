"""How near rows are to each other: mixed columns as points, and the nearest points of another side.

A point has the rank of each number among the real rows (from 0 to 1) and its categories. The distance is Gower's idea
with squares: the root of the summed squares of rank differences, plus 1 for each category that differs; NULL is a value
of its own. Gower, "A general coefficient of similarity" (1971); ranks keep a long tail from hiding everything else.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fixturesynth.evaluation.columns import ComparedColumn
from fixturesynth.evaluation.comparison import Comparison, Integers, Side
from fixturesynth.evaluation.shapes import side_values
from fixturesynth.randomness import permutation

__all__ = ["Points", "make_points", "nearest", "open_tables", "some_rows"]

Floats = npt.NDArray[np.float64]
Narrow = npt.NDArray[np.float32]

FEWEST_COLUMNS = 3  # rows of fewer columns are near each other without anybody having looked
FEWEST_ROWS = 100  # of each side
QUERIES = 2_000  # rows whose nearest neighbour is looked for
BASE = 50_000  # rows among which it is looked for
_MISSING = 1.5  # where a NULL stands among ranks: half a range from the largest, one and a half from the smallest
_SLOTS, _SHARED = 24, 8  # slots of one category column: frequent values have one of their own, rare ones share
_CHUNK = 20_000_000  # distances that are looked at together


@dataclass(frozen=True, eq=False)
class Points:
    """Rows as points: ``ranks`` (rows, numbers), ``codes`` (rows, categories)."""

    ranks: Narrow
    codes: npt.NDArray[np.int32]

    @property
    def rows(self) -> int:
        return int(self.ranks.shape[0])

    def take(self, rows: Integers) -> "Points":
        return Points(self.ranks[rows], self.codes[rows])

    def only(self, numbers: Sequence[int], categories: Sequence[int]) -> "Points":
        return Points(self.ranks[:, list(numbers)], self.codes[:, list(categories)])

    def embedded(self) -> Narrow:
        """Coordinates whose Euclidean distance is this distance, but that rare categories share slots."""
        blocks = [self.ranks]
        for codes in self.codes.T:
            slot = np.where(codes < _SLOTS, codes, _SLOTS + codes % _SHARED)
            block = np.zeros((self.rows, _SLOTS + _SHARED), dtype=np.float32)
            block[np.arange(self.rows), slot] = np.float32(0.5**0.5)
            blocks.append(block)
        return np.concatenate(blocks, axis=1)


def open_tables(comparison: Comparison, sides: Sequence[Side]) -> list[str]:
    """Tables with rows and columns enough on all of these sides, which are no list that is kept word for word."""
    return [
        name for name, table in comparison.tables.items()
        if comparison.kept(name) is None
        and all(name in comparison.views[s] and comparison.rows(s, name) >= FEWEST_ROWS for s in sides)
        and sum(_varies(c) for c in table.columns.values()) >= FEWEST_COLUMNS
    ]  # fmt: skip


def _varies(column: ComparedColumn) -> bool:
    return bool(np.unique(column.real[: 10 * FEWEST_ROWS]).size > 1)


def some_rows(comparison: Comparison, side: Side, table: str, most: int, *address: str) -> Integers:
    """At most so many row numbers, drawn once for each address, ascending."""
    rows = comparison.rows(side, table)
    if rows <= most:
        return np.arange(rows, dtype=np.int64)
    return np.sort(permutation(rows, comparison.seed, "evaluation", "nearness", table, side, *address)[:most])


def make_points(comparison: Comparison, side: Side, table: str, rows: Integers) -> Points:
    """Rows of one side as points; ranks are among the real rows."""
    columns = comparison.tables[table].columns.values()
    ranks = [_ranked(comparison, table, c, side_values(c, side, rows)) for c in columns if c.continuous]
    codes = [(side_values(c, side, rows) + 1).astype(np.int32) for c in columns if not c.continuous]
    empty = np.empty((rows.size, 0))
    return Points(
        np.stack(ranks, axis=1).astype(np.float32) if ranks else empty.astype(np.float32),
        np.stack(codes, axis=1) if codes else empty.astype(np.int32),
    )


def _ranked(comparison: Comparison, table: str, column: ComparedColumn, values: Floats) -> Floats:
    def make() -> Floats:
        known = column.real[~np.isnan(column.real)]
        return np.sort(known)

    ascending = comparison.once(("ascending", table, column.name), make)
    # The middle of equal values; between two real values in proportion, so that nothing but equals has distance 0.
    grid, first, counts = comparison.once(
        ("ranks", table, column.name), lambda: np.unique(ascending, return_index=True, return_counts=True)
    )
    middle = (first + (counts - 1) / 2) / max(1, ascending.size - 1)
    found = np.interp(values, grid, middle) if grid.size else np.zeros(values.size)
    return np.where(np.isnan(values), _MISSING, found)


def nearest(queries: Points, base: Points, most: int = 1, skip: Integers | None = None) -> tuple[Floats, Integers]:
    """Distances to the nearest points of ``base`` and their places, nearest first: both (queries, most).

    ``skip``: for each query a place of the base that does not count (itself), -1 for none.
    """
    there = base.embedded()
    square = (there * there).sum(axis=1)
    step = max(1, _CHUNK // max(1, base.rows))
    wanted = min(base.rows, most + 1)  # one more than asked for, as shared slots and single precision may swap two
    distances, places = [], []
    for start in range(0, queries.rows, step):
        part = queries.take(np.arange(start, min(start + step, queries.rows)))
        here = part.embedded()
        far = square[None, :] - 2.0 * (here @ there.T)
        if skip is not None:
            of = skip[start : start + part.rows]
            masked = np.flatnonzero(of >= 0)
            far[masked, of[masked]] = np.inf
        found = np.empty((part.rows, wanted), dtype=np.int64)
        rows = np.arange(part.rows)
        for k in range(wanted):  # a few rounds of argmin are quicker than sorting or partitioning
            found[:, k] = far.argmin(axis=1)
            far[rows, found[:, k]] = np.inf
        exact = _distance(part, base, found)
        if skip is not None:
            exact[found == skip[start : start + part.rows, None]] = np.inf
        order = np.argsort(exact, axis=1, kind="stable")[:, :most]
        distances.append(np.take_along_axis(exact, order, axis=1))
        places.append(np.take_along_axis(found, order, axis=1))
    if not distances:
        return np.empty((0, most)), np.empty((0, most), dtype=np.int64)
    return np.concatenate(distances), np.concatenate(places)


def _distance(queries: Points, base: Points, places: Integers) -> Floats:
    """The distance itself, shape (queries, places of each)."""
    ranks = queries.ranks[:, None, :].astype(np.float64) - base.ranks[places].astype(np.float64)
    differ = queries.codes[:, None, :] != base.codes[places]
    return np.asarray(np.sqrt((ranks**2).sum(axis=2) + differ.sum(axis=2)), dtype=np.float64)
