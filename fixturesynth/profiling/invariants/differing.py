"""Columns of one row that never say the same: home and away, origin and destination, first and second type."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.profiling.columnar import ColumnView, TableView
from fixturesynth.profiling.invariants.evidence import SURPRISE
from fixturesynth.profiling.profile import Invariant

__all__ = ["differing_rows", "find_differing"]

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MOST_DISTINCT = 5_000
SURPRISE_OF_REFERENCES = 8.0  # two references to one table are few, and more likely than not two roles
COMMON = 0.5  # of the values of the column with fewer, that the other has too


def find_differing(view: TableView) -> Iterator[Invariant]:
    """Pairs that by chance would be equal in many rows, and are in none: references to one table, texts of one list."""
    alone = {fk.columns[0]: (fk.parent, fk.parent_columns) for fk in view.table.foreign_keys if len(fk.columns) == 1}
    able = [
        c for c in view.columns.values()
        if c.values is not None and 1 < c.distinct <= MOST_DISTINCT and c.name not in view.opaque
        and (c.name in alone or (c.family == "text" and c.name not in view.references))
    ]  # fmt: skip
    for a, b in combinations(able, 2):
        if alone.get(a.name) != alone.get(b.name) or a.family != b.family:
            continue
        if _expected(a, b) < (SURPRISE_OF_REFERENCES if a.name in alone else SURPRISE):
            continue
        both, differ = differing_rows(a, b)
        if bool(differ[both].all()):
            yield Invariant("differ", view.table.name, b.name, (a.name,), support=int(both.sum()))


def differing_rows(a: ColumnView, b: ColumnView) -> tuple[Flags, Flags]:
    """Rows in which both are set, and rows in which these are not equal, (n,) each."""
    both = a.valid & b.valid
    return both, both & (np.append(_places(a, b), -1)[a.codes] != b.codes)


def _places(a: ColumnView, b: ColumnView) -> Integers:
    """The code in ``b`` of each value of ``a``, (values,); -1 for none."""
    if a.values is None or b.values is None:
        return np.zeros(0, dtype=np.int64)
    found = pc.index_in(a.values.cast(pa.string()), value_set=b.values.cast(pa.string()))
    return np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False), dtype=np.int64)


def _expected(a: ColumnView, b: ColumnView) -> float:
    """Rows that would be equal if the values of one were dealt out anew."""
    place = _places(a, b)
    common = place >= 0
    both = a.valid & b.valid
    if common.sum() < COMMON * min(a.distinct, b.distinct) or not both.any():
        return 0.0
    mine = np.bincount(a.codes[both], minlength=place.size)
    theirs = np.bincount(b.codes[both], minlength=int(place.max()) + 1)
    return float((mine[: place.size][common] * theirs[place[common]]).sum()) / int(both.sum())
