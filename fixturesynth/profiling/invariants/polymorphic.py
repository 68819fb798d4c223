"""References whose table a category of the row names: a comment is on a ticket or on a project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.profiling.aggregates import plain_category
from fixturesynth.profiling.columnar import ColumnView, TableView
from fixturesynth.profiling.invariants.evidence import FEWEST
from fixturesynth.profiling.profile import Invariant
from fixturesynth.schema.guessing import guess_polymorphic, singular, split_name
from fixturesynth.schema.model import Schema

__all__ = ["find_polymorphic", "places_of"]

Integers = npt.NDArray[np.int64]
MOST_CLASSES = 32


def find_polymorphic(schema: Schema, views: Mapping[str, TableView]) -> Iterator[Invariant]:
    """Pairs of a type and an id, by their names, whose ids are keys of the table that the type names.

    ``to``: [type, table, its key, [[own column, the table's]], [moment, the table's]], where both lead to one third
    table and agree, and where the first moment is never before the second. Whole numbers are keys of many a table:
    there the type has to be called as the table is.
    """
    plain = [replace(t, foreign_keys=tuple(fk for fk in t.foreign_keys if not fk.repeating)) for t in schema]
    for pair in guess_polymorphic(replace(schema, tables=tuple(plain))):
        view = views.get(pair.table)
        if view is None or view.rows < FEWEST or {pair.type_column, pair.id_column} & view.opaque:
            continue
        kind, named = view[pair.type_column], view[pair.id_column]
        if kind.values is None or named.values is None or kind.distinct > MOST_CLASSES:
            continue
        found = []
        for code, category in enumerate(kind.values.to_pylist()):
            rows = np.flatnonzero((kind.codes == code) & named.valid)
            target = _target(schema, views, pair.table, str(category), named, rows) if rows.size else None
            if target is not None:
                parent, key = views[target[0]], target[1]
                at = places_of(named, parent[key])[rows]
                found.append(
                    [
                        plain_category(category),
                        *target,
                        _agreeing(view, parent, rows, at),
                        _after(view, parent, rows, at),
                    ]
                )
        if found:
            yield Invariant(
                "polymorphic", pair.table, pair.id_column, (pair.type_column,), None, {"to": found}, view.rows
            )


def _target(
    schema: Schema, views: Mapping[str, TableView], own: str, category: str, named: ColumnView, rows: Integers
) -> tuple[str, str] | None:
    """The table whose key holds all ids of these rows, and the key."""
    words = {singular(w) for w in split_name(category.replace("\\", " ").rpartition(".")[2])}
    options = []
    for table in schema:
        key = table.primary_key.columns if table.primary_key else ()
        if len(key) != 1 or table.repeated_in is not None or table.name not in views:
            continue
        there = views[table.name][key[0]]
        alike = {singular(w) for w in split_name(table.bare_name)} <= words
        # A few numbers are keys of any table.
        if not alike and (named.family != "text" or table.name == own):
            continue
        if there.family == named.family and bool((places_of(named, there)[rows] >= 0).all()):
            options.append((not alike, table.name, key[0]))
    return min(options)[1:] if options else None


def places_of(named: ColumnView, key: ColumnView) -> Integers:
    """The row of ``key`` that each row names, -1 for none, (rows,)."""
    if named.values is None or key.values is None:
        return np.full(named.rows, -1, dtype=np.int64)
    texts, known = named.values.cast(pa.string()), key.values.cast(pa.string())
    code = np.asarray(pc.fill_null(pc.index_in(texts, known), -1)).astype(np.int64)
    first = np.full(key.distinct + 1, -1, dtype=np.int64)
    first[key.codes[::-1]] = np.arange(key.rows)[::-1]
    place = np.where(code >= 0, first[code], -1)
    return np.where(named.valid, np.append(place, -1)[named.codes], -1)


def _agreeing(view: TableView, parent: TableView, rows: Integers, at: Integers) -> list[list[str]]:
    """Columns by which the row and what it is on lead to one table, where they name the same row of it."""
    found = []
    for fk in view.table.foreign_keys:
        for other in parent.table.foreign_keys:
            if fk.parent != other.parent or fk.parent_columns != other.parent_columns or len(fk.columns) != 1:
                continue
            mine, theirs = view[fk.columns[0]], parent[other.columns[0]]
            same = places_of(mine, theirs)[rows] >= 0
            codes = theirs.codes[at]
            first = theirs.codes[np.maximum(places_of(mine, theirs)[rows], 0)]
            if bool((same & (codes == first)).all()) and mine.distinct > 1:
                found.append([fk.columns[0], other.columns[0]])
    return found[:1]


def _after(view: TableView, parent: TableView, rows: Integers, at: Integers) -> list[str]:
    """A moment of the row, and one of what it is on, which is never later; of several pairs the nearest."""
    best: tuple[float, list[str]] | None = None
    for mine in view.columns.values():
        for theirs in parent.columns.values():
            if {mine.family, theirs.family} == {"datetime"} and not mine.nulls and not theirs.nulls:
                gaps = mine.moments[rows] - theirs.moments[at]
                if (gaps >= 0).all() and (best is None or float(gaps.mean()) < best[0]):
                    best = float(gaps.mean()), [mine.name, theirs.name]
    return best[1] if best is not None and rows.size >= FEWEST else []
