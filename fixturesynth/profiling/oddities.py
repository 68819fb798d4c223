"""Texts that stand for "unknown" among dates, times and numbers: '', '0000-00-00', 'N/A'.

SQLite keeps them in whatever column. A column that holds some is a column of dates all the same: they are set apart
before anything is learned, as NULL, and come again among the generated rows as often as they were there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import date, datetime, time
from math import isfinite

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, combined, fill_null
from fixturesynth.dataset import Dataset
from fixturesynth.loading.loosening import UNENFORCED, loosen
from fixturesynth.profiling.standins import as_text, stand_in
from fixturesynth.profiling.temporal import parse_temporal
from fixturesynth.schema.emptied import emptied
from fixturesynth.schema.model import Column, ColumnType, Schema, Table
from fixturesynth.schema.predicates.gathering import gather_constraints

__all__ = ["Odd", "as_learned", "set_apart", "stand_ins_apart"]

Odd = tuple[tuple[str | None, int], ...]  # texts, None for NULL, and how often they came

TEXT = ColumnType("text", "text")
MOMENTS = ("date", "timestamp", "text")  # kinds of columns that may hold them
LEAST_VALUES = 50
MOST_ODD = 8  # different texts
LEAST_PLAIN = 0.5  # of the values must be what the column declares


def _whole(text: str) -> int:
    if not text.isascii() or "_" in text:
        raise ValueError(text)
    return int(text)


def _number(text: str) -> float:
    value = float(text)
    if not text.isascii() or "_" in text or not isfinite(value):  # NaN is no number, nor is infinity
        raise ValueError(text)
    return value


_READ: dict[str, Callable[[str], object]] = {
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
    "time": time.fromisoformat,
    "integer": _whole,
    "decimal": _number,
    "float": _number,
}


def set_apart(schema: Schema, dataset: Dataset, protection: int) -> tuple[Schema, Dataset, dict[str, dict[str, Odd]]]:
    """Schema and rows as they are to be learned (see ``loading.loosening``), and by table what was set apart.

    ``protection``: fewest rows that must have a text for it to come again; rarer ones come as NULL or as another one.
    """
    found: dict[str, dict[str, Odd]] = {}
    rows: dict[str, pa.Table] = {}
    for table in schema:
        changed: dict[str, tuple[pa.Array, Odd]] = {}
        if schema.dialect in UNENFORCED and table.name in dataset:
            held = dataset.arrow(table.name)
            for column in table.columns:
                if column.name in held.column_names and column.type.kind in _READ and _is_free(table, column):
                    apart = _apart(held.column(column.name), column, protection)
                    if apart is not None:
                        changed[column.name] = apart
        if changed:
            found[table.name] = {name: odd for name, (_, odd) in changed.items() if odd}
            rows[table.name] = pa.table({
                n: changed[n][0] if n in changed else held.column(n) for n in held.column_names
            })  # fmt: skip
    if rows:
        schema = emptied(schema, found)
        dataset = Dataset({name: rows.get(name, dataset.arrow(name)) for name in dataset})
    schema, dataset = loosen(schema, dataset)
    # A database that enforces types takes them as what they are in the end: texts.
    ends = tuple(_as_texts(t, found.get(t.name, {})) for t in schema)
    return replace(schema, tables=ends) if rows else schema, dataset, found


def stand_ins_apart(
    schema: Schema, dataset: Dataset, odd: Mapping[str, Mapping[str, Odd]], protection: int
) -> tuple[Dataset, dict[str, dict[str, Odd]]]:
    """Rows with NULL where a date stands for none (see ``profiling.standins``), and ``odd`` with those dates, by table.

    The columns stay what they are declared: ``schema.emptied`` says which may be NULL while they are learned.
    """
    found = {name: dict(columns) for name, columns in odd.items()}
    rows: dict[str, pa.Table] = {}
    for table in schema:
        if table.name not in dataset:
            continue
        held = dataset.arrow(table.name)
        for column in table.columns:
            if column.type.kind not in MOMENTS or column.name not in held.column_names:
                continue
            first, last = _free_ends(table, column, schema.dialect)
            known = stand_in(held.column(column.name), protection, first=first, last=last)
            if known is not None:
                values, text, many = known
                held = held.set_column(held.column_names.index(column.name), column.name, values)
                found.setdefault(table.name, {})[column.name] = ((text, many),)
                rows[table.name] = held
    return Dataset({name: rows.get(name, dataset.arrow(name)) for name in dataset}) if rows else dataset, found


def as_learned(dataset: Dataset, odd: Mapping[str, Mapping[str, Odd]]) -> Dataset:
    """Rows with NULL where they have what was set apart, by table, when others like them were learned."""
    rows: dict[str, pa.Table] = {}
    for name in dataset:
        held = dataset.arrow(name)
        for column, values in odd.get(name, {}).items():
            if column in held.column_names:
                whole = combined(held.column(column))
                known = array_of([text for text, _ in values if text is not None], pa.string())
                met = fill_null(pc.is_in(as_text(whole), value_set=known), False)
                emptied = pc.if_else(met, pa.scalar(None, whole.type), whole)
                rows[name] = held = held.set_column(held.column_names.index(column), column, emptied)
    return Dataset({name: rows.get(name, dataset.arrow(name)) for name in dataset}) if rows else dataset


def _as_texts(table: Table, names: Collection[str]) -> Table:
    columns = tuple(replace(c, type=TEXT) if c.name in names else c for c in table.columns)
    return replace(table, columns=columns) if names else table


def _is_free(table: Table, column: Column) -> bool:
    """Whether no key, reference or check looks at the column."""
    return _is_no_key(table, column) and not any(column.name in check.columns for check in table.checks)


def _is_no_key(table: Table, column: Column) -> bool:
    used = {c for fk in table.foreign_keys for c in fk.columns} | {c for key in table.keys for c in key}
    used |= {c for u in table.uniques for c in u.columns}
    return column.name not in used and column.generated is None


def _free_ends(table: Table, column: Column, dialect: str) -> tuple[bool, bool]:
    """Whether a date before, and one after, all others of the column could stand for none: keys and checks would take
    it beside whatever the row has. An end that has to come after a start may be the last of all."""
    if not _is_no_key(table, column) or column.type.domain is not None:
        return False, False
    checks = tuple(check for check in table.checks if column.name in check.columns)
    if not checks:
        return True, True
    found = gather_constraints(replace(table, checks=checks), dialect)
    if found.domains or found.distinct or found.not_understood or found.alternatives:
        return False, False
    sides = [(d.low == column.name, d.high == column.name) for d in found.differences]
    return all(low and not high for low, high in sides), all(high and not low for low, high in sides)


def _apart(values: pa.ChunkedArray, column: Column, protection: int) -> tuple[pa.Array, Odd] | None:
    """The column with NULL in the place of odd texts, and those that may come again; None where there are no odd ones,
    or too many."""
    if not pa.types.is_string(values.type) or len(values) - values.null_count < LEAST_VALUES:
        return None
    coded = pa.concat_arrays(values.chunks).dictionary_encode()
    texts = coded.dictionary.to_pylist()
    read = _READ[column.type.kind]
    plain = [_readable(read, text) for text in texts]
    odd = [i for i, one in enumerate(plain) if one is None]
    if not odd or len(odd) > MOST_ODD:
        return None
    counts = np.bincount(coded.indices.drop_null().to_numpy(), minlength=len(texts))
    if counts[odd].sum() > (1 - LEAST_PLAIN) * counts.sum():
        return None
    kept = [(texts[i], int(counts[i])) for i in odd if counts[i] >= protection]
    nulls = values.null_count
    made = _typed(column, texts, plain).take(coded.indices)
    if column.type.kind in ("date", "timestamp", "time") and parse_temporal(made) is None:
        return None
    return made, (*kept, *(((None, nulls),) if nulls and column.nullable else ())) if kept else ()


def _readable(read: Callable[[str], object], text: str) -> object | None:
    try:
        return read(text)
    except ValueError:
        return None


def _typed(column: Column, texts: list[str], plain: list[object | None]) -> pa.Array:
    """The dictionary of a column without its odd texts: numbers as such, dates as they are written."""
    if column.type.kind in ("date", "timestamp", "time"):
        return pa.array([None if one is None else text for text, one in zip(texts, plain, strict=True)], pa.string())
    if column.type.kind == "integer" and all(one is None or abs(one) < 2**63 for one in plain):  # type: ignore[arg-type]
        return pa.array(plain, pa.int64())
    return pa.array([None if one is None else float(one) for one in plain], pa.float64())  # type: ignore[arg-type]
