"""A schema for tables that come without one: types from Arrow, keys and references guessed from names and values."""

import re
from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.dataset import Dataset
from fixturesynth.loading.closure import rows_among
from fixturesynth.schema.model import Column, ColumnType, ForeignKey, PrimaryKey, Schema, Table

__all__ = ["infer_schema"]

UUID = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
GENERIC = {
    "id",
    "key",
    "code",
    "name",
    "uuid",
    "guid",
    "no",
    "nr",
    "number",
    "value",
    "type",
}  # says nothing of the table
KEY_KINDS = ("integer", "uuid", "text")

_TYPES: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.DataType], ColumnType]], ...] = (
    (lambda t: t == pa.uint64(), lambda _: ColumnType("integer", "bigint unsigned", bits=64, unsigned=True)),
    (pa.types.is_integer, lambda _: ColumnType("integer", "bigint", bits=64)),
    (pa.types.is_floating, lambda _: ColumnType("float", "double precision")),
    (
        pa.types.is_decimal,
        lambda t: ColumnType("decimal", f"numeric({t.precision},{t.scale})", precision=t.precision, scale=t.scale),
    ),
    (pa.types.is_boolean, lambda _: ColumnType("boolean", "boolean")),
    (pa.types.is_date, lambda _: ColumnType("date", "date")),
    (
        pa.types.is_timestamp,
        lambda t: ColumnType("timestamp", "timestamptz" if t.tz else "timestamp", timezone=bool(t.tz)),
    ),
    (pa.types.is_time, lambda _: ColumnType("time", "time")),
    (pa.types.is_duration, lambda _: ColumnType("interval", "interval")),
    (pa.types.is_binary, lambda _: ColumnType("bytes", "bytea")),
    (pa.types.is_list, lambda t: _array(t)),
)


def infer_schema(dataset: Dataset) -> Schema:
    """The schema that the rows suggest; every guessed foreign key has ``declared=False``.

    A primary key is a column without nulls or repetitions: the one named ``id`` or ``<table>_id``, else the first
    such column of integers or texts, else all references of a link table together. A reference needs both the name
    (``customer_id``, ``customerId``, ``billing_address_id``) and that every value is found in the parent's key.
    """
    tables = [_table(name, dataset.arrow(name)) for name in dataset]
    keyed = [t for t in tables if t.primary_key]
    guessed = []
    for table in tables:
        found = (_reference(dataset, table, c, keyed) for c in table.columns)
        guessed.append(_linked(replace(table, foreign_keys=tuple(fk for fk in found if fk)), dataset))
    return Schema(tuple(guessed))


def _array(listed: pa.DataType) -> ColumnType:
    element = _column_type(listed.value_type)
    return ColumnType("array", f"{element.name}[]", element=element)


def _column_type(arrow: pa.DataType) -> ColumnType:
    return next((make(arrow) for test, make in _TYPES if test(arrow)), ColumnType("text", "text"))


def _table(name: str, rows: pa.Table) -> Table:
    columns = tuple(_column(n, rows.column(n)) for n in rows.column_names)
    words = _words(name)
    own = {("id",), (*words, "id"), (*_singular(words), "id")}
    unique = [c for c in columns if c.type.kind in KEY_KINDS and _unique(rows, (c.name,))]
    named = [c for c in unique if _words(c.name) in own]
    # In a table of one row or none every column is unique, which says nothing: only names do.
    key = next(iter(named or (unique if rows.num_rows > 1 else [])), None)
    return Table(
        name,
        tuple(replace(c, nullable=False) if c is key else c for c in columns),
        primary_key=PrimaryKey((key.name,)) if key else None,
    )


def _column(name: str, values: pa.ChunkedArray) -> Column:
    kind = _column_type(values.type)
    if kind.kind == "text" and values.null_count < len(values) and _all_match(values, UUID):
        kind = ColumnType("uuid", "uuid")
    return Column(name, kind, nullable=values.null_count > 0 or not len(values))


def _all_match(values: pa.ChunkedArray, pattern: str) -> bool:
    return pa.types.is_string(values.type) and bool(pc.all(pc.match_substring_regex(values, pattern)).as_py())


def _unique(rows: pa.Table, columns: tuple[str, ...]) -> bool:
    chosen = rows.select(list(columns))
    if any(c.null_count or pa.types.is_null(c.type) for c in chosen.columns):
        return False
    if len(columns) == 1:
        return bool(pc.count_distinct(chosen.column(0)).as_py() == rows.num_rows)
    return bool(chosen.group_by(list(columns)).aggregate([]).num_rows == rows.num_rows)


def _linked(table: Table, dataset: Dataset) -> Table:
    """A link table's key: its references together, when they are unique."""
    columns = tuple(dict.fromkeys(c for fk in table.foreign_keys for c in fk.columns))
    if table.primary_key or len(columns) < 2 or not _unique(dataset.arrow(table.name), columns):
        return table
    return replace(
        table,
        primary_key=PrimaryKey(columns),
        columns=tuple(replace(c, nullable=False) if c.name in columns else c for c in table.columns),
    )


def _reference(dataset: Dataset, table: Table, column: Column, parents: list[Table]) -> ForeignKey | None:
    rows = dataset.arrow(table.name)
    if rows.column(column.name).null_count == rows.num_rows:
        return None
    is_key = table.primary_key is not None and table.primary_key.columns == (column.name,)
    matches = []
    for parent in parents:
        assert parent.primary_key is not None
        (key,) = parent.primary_key.columns
        strength = _similarity(_words(column.name), _words(parent.name), _words(key), itself=parent.name == table.name)
        own = is_key and _similarity(_words(column.name), _words(table.name), ("id",), itself=False)
        if not strength or (parent.name == table.name and column.name == key) or (is_key and (own or not strength)):
            continue
        if parent.column(key).type.kind == column.type.kind:
            matches.append((strength, parent.name, key))
    for _, parent_name, key in sorted(matches, key=lambda m: -m[0]):
        found = rows_among(rows, (column.name,), dataset.arrow(parent_name), (key,))
        if int((found >= 0).sum()) == rows.num_rows - rows.column(column.name).null_count:
            return ForeignKey(f"fk_{column.name}", (column.name,), parent_name, (key,), declared=False)
    return None


def _similarity(column: tuple[str, ...], parent: tuple[str, ...], key: tuple[str, ...], *, itself: bool) -> int:
    """How well a column's name points at a parent's key: the words that agree, 0 when it does not point there."""
    if itself and column in {("parent", *key), ("parent", "id"), ("manager", "id"), ("reports", "to")}:
        return 1
    targets = [(*name, *end) for name in (parent, _singular(parent)) for end in (key, ("id",), ())]
    if not set(key) <= GENERIC:
        targets.append(key)
    fitting = [t for t in targets if t and column[-len(t) :] == t]
    # An exact name is worth more than one behind a prefix (billing_address_id).
    return max((2 * len(t) + (t == column) for t in fitting), default=0)


def _words(name: str) -> tuple[str, ...]:
    return tuple(w.lower() for w in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+", name))


def _singular(words: tuple[str, ...]) -> tuple[str, ...]:
    if not words:
        return words
    last = words[-1]
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("ss", "ss"), ("s", "")):
        if last.endswith(ending) and len(last) > len(ending):
            return (*words[:-1], last[: len(last) - len(ending)] + instead)
    return words
