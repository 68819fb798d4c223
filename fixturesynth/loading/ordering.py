"""In which order tables and rows go in: parents first, cycles cut at a nullable reference."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import fill_null, numpy_of
from fixturesynth.errors import CycleError
from fixturesynth.schema.model import ForeignKey, Schema, Table

__all__ = ["can_wait", "load_order", "rows_by_level"]

Later = dict[str, list[str]]


def load_order(
    schema: Schema,
    names: Sequence[str],
    *,
    deferrable: bool,
    strict: bool = True,
    together: bool = False,
    later: Mapping[str, Sequence[str]] | None = None,
) -> tuple[tuple[str, ...], Later, tuple[tuple[str, ...], ...]]:
    """Names with parents first, the columns that must be filled afterwards because their tables form a cycle, and the
    tables that must be filled by one statement.

    ``deferrable``: deferrable foreign keys do not order tables. A cycle without a reference that may wait as NULL is
    filled by one statement where the database checks all of it at the end (``together``); else it raises CycleError
    naming the tables, or, when not ``strict``, is entered anywhere.
    """
    cut: Later = {name: list(columns) for name, columns in (later or {}).items()}
    wanted = list(names)
    joined: list[tuple[str, ...]] = []

    def orders(table: Table, fk: ForeignKey) -> bool:
        free = deferrable and fk.deferrable
        return (
            fk.parent in wanted
            and fk.parent != table.name
            and not free
            and not set(fk.columns) & set(cut.get(table.name, ()))
        )

    placed: dict[str, None] = {}
    while len(placed) < len(wanted):
        waiting = [name for name in wanted if name not in placed]
        missing = {
            name: [fk for fk in schema[name].foreign_keys if orders(schema[name], fk) and fk.parent not in placed]
            for name in waiting
        }
        free = [name for name in waiting if not missing[name]]
        if free:
            placed.update(dict.fromkeys(free))
            continue
        in_cycle = _on_cycles(missing)
        choice = next((name for name in in_cycle if all(_nullable(schema[name], fk) for fk in missing[name])), None)
        if choice is None:
            edges = [(name, fk) for name in in_cycle for fk in missing[name] if fk.parent in in_cycle]
            cuttable = [(name, fk) for name, fk in edges if _nullable(schema[name], fk)]
            if not cuttable and not strict:
                placed[in_cycle[0]] = None
                continue
            if not cuttable and together:
                joined.append(_closed(missing))
                placed.update(dict.fromkeys(joined[-1]))
                continue
            if not cuttable:
                raise CycleError(
                    f"tables {', '.join(in_cycle)} reference each other and no reference in the cycle is nullable or "
                    "deferrable; make one of them nullable, or DEFERRABLE"
                )
            cuttable = cuttable[:1]
        else:
            cuttable = [(choice, fk) for fk in missing[choice]]
        for name, fk in cuttable:
            cut.setdefault(name, []).extend(_nullable(schema[name], fk))
    return tuple(placed), cut, tuple(joined)


def _awaited(missing: Mapping[str, list[ForeignKey]]) -> dict[str, set[str]]:
    """All tables that each waits for, through others too."""
    waits = {name: {fk.parent for fk in fks} for name, fks in missing.items()}
    found = {}
    for name in waits:
        seen: set[str] = set()
        frontier = set(waits[name])
        while frontier:
            seen |= frontier
            frontier = {parent for n in frontier for parent in waits.get(n, ())} - seen
        found[name] = seen
    return found


def _on_cycles(missing: Mapping[str, list[ForeignKey]]) -> list[str]:
    """Tables that wait for themselves in the end; the others only wait for one of these."""
    return [name for name, seen in _awaited(missing).items() if name in seen]


def _closed(missing: Mapping[str, list[ForeignKey]]) -> tuple[str, ...]:
    """The first tables that wait for each other and for nothing else."""
    awaited = _awaited(missing)
    closed = (seen for name, seen in awaited.items() if name in seen and all(awaited[n] == seen for n in seen))
    inside = next(closed)
    return tuple(name for name in awaited if name in inside)


def can_wait(table: Table, column: str) -> bool:
    """Whether a column may be NULL until all rows are there: what else is declared must not mind."""
    minds = {c for check in table.checks for c in check.columns}
    minds |= {c for unique in table.uniques if not unique.nulls_distinct for c in unique.columns}
    # WHERE a_id IS NULL holds more rows for a while, and coalesce(a_id, -1) is the same in all of them.
    read = " ".join([*(u.predicate or "" for u in table.uniques), *(e for u in table.uniques for e in u.expressions)])
    minds |= {column} & set(re.findall(r"\w+", read))
    key = table.primary_key.columns if table.primary_key else ()
    return bool(key) and table.column(column).nullable and column not in key and column not in minds


def _nullable(table: Table, fk: ForeignKey) -> list[str]:
    """Columns of the key that may wait as NULL: one is enough to switch the reference off, unless MATCH FULL."""
    columns = [c for c in fk.columns if can_wait(table, c)]
    return columns if fk.match != "FULL" or len(columns) == len(fk.columns) else []


def rows_by_level(rows: pa.Table, table: Table, *, statements: bool) -> list[pa.Table]:
    """The rows, cut so that what a row references inside of its own table is in an earlier piece.

    With ``statements`` the parent must be in an earlier piece; without, an earlier row is enough, and rows that come so
    already stay as they are. Rows that reference each other in a circle come last, for the database to judge.
    """
    depth = np.zeros(rows.num_rows, np.int64)
    in_order = True
    for fk in table.foreign_keys:
        if fk.parent != table.name or any(c not in rows.column_names for c in (*fk.columns, *fk.parent_columns)):
            continue
        up = _parent_rows(_row_keys(rows, fk.columns), _row_keys(rows, fk.parent_columns))
        in_order &= bool((up < np.arange(len(up))).all())
        depth = np.maximum(depth, _depths(up))
    if not depth.any() or (in_order and not statements):
        return [rows]
    return [rows.filter(pa.array(depth == level)) for level in np.unique(depth)]


def _row_keys(rows: pa.Table, columns: Sequence[str]) -> pa.Array:
    """One text per row that stands for these columns; null where any is null."""
    parts = [rows.column(c).cast(pa.string()) for c in columns]
    joined = parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, "\x1f")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined


Rows = np.ndarray[tuple[int], np.dtype[np.int64]]


def _parent_rows(children: pa.Array, parents: pa.Array) -> Rows:
    """For each row the number of the row that it references, -1 for none and for itself."""
    found = fill_null(pc.index_in(children, value_set=parents), -1)
    up = np.array(numpy_of(found), np.int64)
    up[up == np.arange(len(up))] = -1
    return up


def _depths(up: Rows) -> Rows:
    """Steps from each row up to one without a parent in the table."""
    # Pointer doubling: 2^k steps at once, so that a chain of a million rows takes twenty passes.
    up = up.copy()
    depth = (up >= 0).astype(np.int64)
    for _ in range(len(up).bit_length()):
        moving = up >= 0
        if not moving.any():
            break
        above = up[moving]
        depth[moving] += depth[above]
        up[moving] = up[above]
    return depth
