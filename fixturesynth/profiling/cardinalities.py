"""Cardinalities: how many children each parent has, and how much the parent tells of them."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from fixturesynth.dataset import Dataset
from fixturesynth.profiling.columnar import (
    ColumnView,
    TableView,
    distinct_codes,
    joint_codes,
    locate_parents,
    view_table,
)
from fixturesynth.profiling.profile import CardinalityProfile
from fixturesynth.schema.model import ForeignKey, Schema

__all__ = ["find_cardinalities"]

Integers = npt.NDArray[np.int64]

_CATEGORIES = 32  # more distinct numbers than that are compared by their ranks
_EVIDENCE = 20  # fewer values than that say nothing


def find_cardinalities(schema: Schema, dataset: Dataset) -> Mapping[str, tuple[CardinalityProfile, ...]]:
    """For every table with rows, one profile for each of its foreign keys, in the schema's order.

    ``explains`` of different foreign keys of a table is measured on the same columns: all but keys and references.
    """
    views = {t.name: view_table(t, dataset.arrow(t.name)) for t in schema if t.name in dataset}
    return {
        table.name: tuple(
            _profile(views[table.name], fk, views[fk.parent]) for fk in table.foreign_keys if fk.parent in views
        )
        for table in schema
        if table.name in views
    }


def _profile(child: TableView, fk: ForeignKey, parent: TableView) -> CardinalityProfile:
    at, missing = locate_parents(child, fk, parent)
    found = at >= 0
    children = int(np.count_nonzero(found))
    nulls = int(np.count_nonzero(missing))
    counts = np.bincount(at[found], minlength=parent.rows)
    sizes, parents = np.unique(counts, return_counts=True)
    busiest = np.sort(counts)[::-1][: max(1, -(-parent.rows // 10))]
    return CardinalityProfile(
        foreign_key=fk.name,
        parent=fk.parent,
        children=children,
        nulls=nulls,
        dangling=child.rows - children - nulls,
        counts=tuple((int(s), int(p)) for s, p in zip(sizes, parents, strict=True)),
        skew=float(busiest.sum()) / children if children else 0.0,
        explains=_explains(child, at),
    )


def _explains(child: TableView, at: Integers) -> float:
    others = [column for column in child.columns.values() if _speaks(child, column)]
    found = at >= 0
    if not others or np.count_nonzero(found) < _EVIDENCE:
        return 0.0
    return float(np.mean([_told(column, at, found) for column in others]))


def _speaks(child: TableView, column: ColumnView) -> bool:
    """Keys and references say nothing of their own, nor do texts that hardly repeat; numbers and moments always do."""
    if column.name in child.references | child.key_columns | child.identities or column.classes < 2:
        return False
    return column.family in ("number", "datetime", "time") or 2 * column.distinct <= child.rows + _EVIDENCE


def _told(column: ColumnView, at: Integers, found: npt.NDArray[np.bool_]) -> float:
    """Share of the column's variance (its impurity, for categories) that the parent's identity explains.

    Both are a ratio of sums of squares whose expectation under a permutation of the rows is (k - 1) / (n - 1) for k
    parents and n rows: Goodman and Kruskal's tau is eta squared of the indicator columns. It is corrected by that
    (as adjusted R squared is) and lowered by one standard error, so that parents with one child each tell nothing.
    Families that are all alike and differ inside (what goes in comes out, one of each) share less than by chance: this
    tells as much of a row, once its siblings are known, and counts as the part it is of what is least possible.
    """
    scale = column.family in ("number", "datetime", "time") and column.distinct > _CATEGORIES
    use = found & column.valid if scale else found
    n = int(np.count_nonzero(use))
    if n < _EVIDENCE:
        return 0.0
    groups, k = distinct_codes(at[use])
    if not 1 < k < n:
        return 0.0
    sizes = np.bincount(groups, minlength=k).astype(np.float64)
    if scale:
        _, ranks = np.unique(column.ordered[use], return_inverse=True)
        below = np.cumsum(np.bincount(ranks))
        values = below[ranks] - 0.5 * np.bincount(ranks)[ranks]
        values = values - values.mean()
        whole = float((values**2).sum())
        between = float((np.bincount(groups, weights=values, minlength=k) ** 2 / sizes).sum())
    else:
        codes = column.dense[use]
        totals = np.bincount(codes).astype(np.float64)
        pairs, size = joint_codes([(groups, k), (codes, column.distinct + 1)])
        owner = np.zeros(size, dtype=np.int64)
        owner[pairs] = groups
        common = float((totals**2).sum()) / n
        whole = n - common
        between = float((np.bincount(pairs, minlength=size) ** 2.0 / sizes[owner]).sum()) - common
    if whole <= 0:
        return 0.0
    adjusted = 1 - (1 - between / whole) * (n - 1) / (n - k)
    error = (2 * (k - 1) / ((n - 1) * (n - k))) ** 0.5
    least = (k - 1) / (n - k)  # below 0, where all families are alike
    return float(min(1.0, max(0.0, adjusted - error, (-adjusted - error) / least)))
