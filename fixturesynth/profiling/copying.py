"""Columns that nearly every row has from its parent: where an order is shipped to is mostly where its customer lives.
Dates that lie about the parent's: what is recorded of a stay in hospital, a little before it, during it or after it.

A copy that some rows break is no rule (``invariants.references`` finds those), but learned as any other text it would
hang on nothing: what is made up for the parent and for its children would have nothing to do with each other.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import numpy_of
from fixturesynth.profiling.invariants.evidence import SURPRISE
from fixturesynth.profiling.profile import ColumnProfile
from fixturesynth.profiling.temporal import DAY_SECONDS, parse_temporal
from fixturesynth.schema.model import ForeignKey, Table

__all__ = ["find_copied"]

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

KINDS = ("text", "code", "categorical", "datetime", "integer", "number")
NUMBERS = ("integer", "number")
MOSTLY = 0.9  # of the rows, and of the parents' rows where each parent counts once
BEYOND = 0.8  # of the way from what chance alone would give to all rows
OFTEN = 0.5  # ... of numbers whose parents have few children: a payment is mostly the whole of an invoice
FEW_CHILDREN = 3  # on average; many tell by themselves which numbers go with their parent
PARTLY = 0.3  # of the way, for dates: those that are not the parent's lie anywhere
FEWEST_ROWS = 100
FEWEST_PARENTS, FEWEST_PRICED = 20, 8  # of numbers, that are seldom equal by chance
SCREEN = 1_000  # rows that are looked at first
CLOSE = 0.25  # of the width of a column's own moments: the width of their distances from the parent's
UNITS = {"days": DAY_SECONDS, "seconds": 1, "microseconds": 1e-6}  # seconds
TAIL = 0.02  # of the rows at either end that count for no width


def find_copied(
    table: Table, fk: ForeignKey, locate: Callable[[], Integers], rows: tuple[pa.Table, pa.Table],
    columns: tuple[Mapping[str, ColumnProfile], Mapping[str, ColumnProfile]],
) -> Iterator[tuple[str, str, float, str]]:  # fmt: skip
    """(column, the parent's column, how good a copy it is, in which way) along a foreign key.

    Ways: ``copied`` in nearly all rows; of dates ``partly`` in a good part of them, and ``around`` the parent's, whose
    goodness is negative: the width of the distances over that of the moments.

    ``locate()``: the parent's row of each row, -1 for none, (n,). ``rows``, ``columns``: of the child and the parent.
    """
    barred = {c for key in table.foreign_keys for c in key.columns} | {c for key in table.keys for c in key}
    able = [
        (ours, theirs)
        for ours in columns[0].values() if ours.name not in barred and ours.kind in KINDS and ours.distinct > 1
        for theirs in columns[1].values() if theirs.kind in KINDS and theirs.distinct > 1
        if rows[0].schema.field(ours.name).type == rows[1].schema.field(theirs.name).type
        and ((ours.kind in NUMBERS) == (theirs.kind in NUMBERS))
        and (ours.kind not in NUMBERS or min(ours.distinct, theirs.distinct) >= FEWEST_PRICED)
    ]  # fmt: skip
    if not able or rows[0].num_rows < FEWEST_ROWS or rows[1].num_rows < FEWEST_PRICED:
        return
    at = locate()
    linked = np.flatnonzero(at >= 0)
    parents = np.unique(at[linked]).size
    if linked.size < FEWEST_ROWS:
        return
    few = linked[:: linked.size // SCREEN + 1]
    for ours, theirs in able:
        if parents < (FEWEST_PRICED if ours.kind in NUMBERS else FEWEST_PARENTS):
            continue
        values = rows[0].column(ours.name), rows[1].column(theirs.name)
        dated = ours.kind == "datetime"
        if dated and not theirs.nulls and (width := _width(*values, few, at)) <= CLOSE:
            yield ours.name, theirs.name, -width, "around"
        lone = ours.kind in NUMBERS and linked.size <= FEW_CHILDREN * parents
        mostly, enough = (OFTEN, OFTEN) if lone else (MOSTLY, BEYOND)
        if float(_same(*values, few, at).mean()) < (PARTLY if dated else enough):
            continue
        if theirs.nulls and (not ours.nulls or (ours.kind == "datetime" and _more(*values, linked, at))):
            continue  # what is copied or counted from nothing would be nothing
        share = _share(_same(*values, linked, at), at[linked])
        chance = _chance(values[1], at[linked])
        if ours.kind in NUMBERS and -parents * np.log(max(chance, 1e-9)) < SURPRISE:
            continue
        beyond = 1 - (1 - share) / max(1 - chance, 1e-9)
        if share >= mostly and beyond >= enough:
            yield ours.name, theirs.name, share, "copied"
        elif dated and beyond >= PARTLY:
            yield ours.name, theirs.name, share, "partly"


def _same(ours: pa.ChunkedArray, theirs: pa.ChunkedArray, rows: Integers, at: Integers) -> Flags:
    """Whether rows have the value of their parent, NULL equal to NULL, (rows,)."""
    mine, above = ours.take(pa.array(rows)), theirs.take(pa.array(at[rows]))
    equal = pc.fill_null(pc.equal(mine, above), False)
    return np.asarray(pc.or_(equal, pc.and_(pc.is_null(mine), pc.is_null(above))))


def _width(ours: pa.ChunkedArray, theirs: pa.ChunkedArray, rows: Integers, at: Integers) -> float:
    """How wide the distances from the parents' moments are, over how wide the rows' own are; 1 where nothing is."""
    there = ours.take(pa.array(rows)).is_valid()
    rows = rows[numpy_of(there)]
    mine, above = parse_temporal(ours.take(pa.array(rows))), parse_temporal(theirs.take(pa.array(at[rows])))
    if mine is None or above is None or rows.size < FEWEST_ROWS:
        return 1.0
    moments = mine[0] * UNITS[mine[1]]
    distances = moments - above[0] * UNITS[above[1]]
    wide, narrow = (np.subtract(*np.quantile(v, (1 - TAIL, TAIL))) for v in (moments, distances))
    return float(narrow / wide) if wide > 0 else 1.0


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
