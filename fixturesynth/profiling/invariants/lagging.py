"""Columns that have what another one had in the row before: an old status, a balance brought forward, last year's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import array_of
from fixturesynth.profiling.columnar import ColumnView, TableView, same_values
from fixturesynth.profiling.invariants.evidence import FEWEST, SURPRISE, minus_log
from fixturesynth.profiling.invariants.succession import Line
from fixturesynth.profiling.profile import Invariant

__all__ = ["find_lagged"]

FAMILIES = ("text", "number", "boolean")  # of moments the end is told by the next one's start
MOST_COLUMNS = 40
PROBE = 300  # rows on which pairs of columns are tried
NONE = -1


def find_lagged(line: Line, taken: set[str]) -> Iterator[Invariant]:
    """target = the source of the sibling before, wherever there is one, NULL where that is NULL."""
    view, whole = line.view, line.whole
    after = np.flatnonzero(~whole.first)
    own, before = whole.order[after], whole.order[after - 1]
    if own.size < FEWEST:
        return
    able = [c for c in view.columns.values() if _able(view, line, c)][:MOST_COLUMNS]
    if len(able) < 2:
        return
    probe = np.linspace(0, own.size - 1, min(PROBE, own.size)).astype(np.int64)
    then, now = (np.stack([_prints(c, rows[probe]) for c in able]) for rows in (before, own))
    for k, target in enumerate(able):
        if target.name in taken:
            continue
        for i in np.flatnonzero((then == now[k]).all(axis=1)).tolist():
            source = able[i]
            if source is target or source.family != target.family:
                continue
            same = same_values(target, source, before, own)
            if same is None or not same.all():
                continue
            # What never changes in a family is a copy of its own row just as well.
            moved = np.flatnonzero(source.dense[before] != source.dense[own])
            if moved.size < FEWEST or moved.size * _unlikely(source.dense[before[moved]]) < SURPRISE:
                continue
            taken.add(target.name)
            first = whole.order[whole.first]
            yield Invariant(
                "lagged", view.table.name, target.name,
                tuple(dict.fromkeys([source.name, *line.groups, *line.order])), None,
                {"free": bool(target.valid[first].any()), **line.named}, int(own.size),
            )  # fmt: skip
            break


def _unlikely(values: npt.NDArray[np.int64]) -> float:
    """Minus the logarithm of the chance that two of the values agree."""
    counts = np.unique(values, return_counts=True)[1].astype(np.float64)
    return float(minus_log((counts**2).sum() / max(values.size, 1) ** 2))


def _prints(column: ColumnView, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """A number for the value of each of ``rows``, (n,): the same for the same value of any column, NONE for NULL."""
    codes = column.codes[rows]
    if column.family == "number":
        return np.where(codes < 0, NONE, (column.numbers[rows] + 0.0).view(np.int64))
    assert column.values is not None
    values = column.values.take(array_of(codes, pa.int64(), mask=codes < 0)).to_pylist()
    return np.array([NONE if v is None else hash(v) for v in values], dtype=np.int64)


def _able(view: TableView, line: Line, column: ColumnView) -> bool:
    free = column.name not in view.references | view.identities | view.key_columns | view.opaque
    return free and column.family in FAMILIES and column.classes > 1 and column.name not in line.order
