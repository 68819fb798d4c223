"""Columns that nearly every row has from its parent: where an order is shipped to is mostly where its customer lives.

A copy that some rows break is no rule (``invariants.references`` finds those), but learned as any other text it would
hang on nothing: what is made up for the parent and for its children would have nothing to do with each other.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.profiling.profile import ColumnProfile
from fixturesynth.schema.model import ForeignKey, Table

__all__ = ["find_copied"]

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

KINDS = ("text", "code", "categorical", "datetime")
MOSTLY = 0.9  # of the rows, and of the parents' rows where each parent counts once
BEYOND = 0.8  # of the way from what chance alone would give to all rows
PARTLY = 0.3  # of the way, for dates: those that are not the parent's lie anywhere
FEWEST_ROWS = 100
FEWEST_PARENTS = 20
SCREEN = 1_000  # rows that are looked at first


def find_copied(
    table: Table, fk: ForeignKey, locate: Callable[[], Integers], rows: tuple[pa.Table, pa.Table],
    columns: tuple[Mapping[str, ColumnProfile], Mapping[str, ColumnProfile]],
) -> Iterator[tuple[str, str, float, bool]]:  # fmt: skip
    """(column, the parent's column, share of rows that have its value, whether nearly all do) along a foreign key.

    Of dates also those that only a good part of the rows has.

    ``locate()``: the parent's row of each row, -1 for none, (n,). ``rows``, ``columns``: of the child and the parent.
    """
    barred = {c for key in table.foreign_keys for c in key.columns} | {c for key in table.keys for c in key}
    able = [
        (ours, theirs)
        for ours in columns[0].values() if ours.name not in barred and ours.kind in KINDS and ours.distinct > 1
        for theirs in columns[1].values() if theirs.kind in KINDS and theirs.distinct > 1
        if rows[0].schema.field(ours.name).type == rows[1].schema.field(theirs.name).type
    ]  # fmt: skip
    if not able or rows[0].num_rows < FEWEST_ROWS or rows[1].num_rows < FEWEST_PARENTS:
        return
    at = locate()
    linked = np.flatnonzero(at >= 0)
    if linked.size < FEWEST_ROWS or np.unique(at[linked]).size < FEWEST_PARENTS:
        return
    few = linked[:: linked.size // SCREEN + 1]
    for ours, theirs in able:
        values = rows[0].column(ours.name), rows[1].column(theirs.name)
        dated = ours.kind == "datetime"
        if float(_same(*values, few, at).mean()) < (PARTLY if dated else BEYOND):
            continue
        if theirs.nulls and (not ours.nulls or (ours.kind == "datetime" and _more(*values, linked, at))):
            continue  # what is copied or counted from nothing would be nothing
        share = _share(_same(*values, linked, at), at[linked])
        beyond = 1 - (1 - share) / max(1 - _chance(values[1], at[linked]), 1e-9)
        if share >= MOSTLY and beyond >= BEYOND:
            yield ours.name, theirs.name, share, True
        elif dated and beyond >= PARTLY:
            yield ours.name, theirs.name, share, False


def _same(ours: pa.ChunkedArray, theirs: pa.ChunkedArray, rows: Integers, at: Integers) -> Flags:
    """Whether rows have the value of their parent, NULL equal to NULL, (rows,)."""
    mine, above = ours.take(pa.array(rows)), theirs.take(pa.array(at[rows]))
    equal = pc.fill_null(pc.equal(mine, above), False)
    return np.asarray(pc.or_(equal, pc.and_(pc.is_null(mine), pc.is_null(above))))


def _more(ours: pa.ChunkedArray, theirs: pa.ChunkedArray, rows: Integers, at: Integers) -> bool:
    """Whether a row has a value whose parent has none."""
    mine, above = ours.take(pa.array(rows)).is_valid(), theirs.take(pa.array(at[rows])).is_valid()
    return bool(pc.any(pc.and_not(mine, above)).as_py())


def _share(same: Flags, parents: Integers) -> float:
    """Of the rows, or of all parents' rows on average where that is less."""
    kept, rows = np.bincount(parents, weights=same), np.bincount(parents)
    used = rows > 0
    return min(float(same.mean()), float((kept[used] / rows[used]).mean()))


def _chance(values: pa.ChunkedArray, parents: Integers) -> float:
    """Chance that two of the parents in use have the same value."""
    used = values.take(pa.array(np.unique(parents)))
    codes = pc.dictionary_encode(used.combine_chunks() if isinstance(used, pa.ChunkedArray) else used)
    codes = codes.combine_chunks() if isinstance(codes, pa.ChunkedArray) else codes
    counts = np.bincount(codes.indices.fill_null(len(codes.dictionary)).to_numpy(zero_copy_only=False))
    return float((counts / counts.sum()) @ (counts / counts.sum()))
