"""Columns whose rows are not what is declared, as they are learned from.

SQLite keeps a text in an INTEGER column and eleven characters in a ``varchar(5)``: such columns are what their rows
hold, not what nobody enforced. PostgreSQL keeps ``infinity``, years before our era and NaN beside ordinary dates and
numbers: such values have no place on a calendar or among numbers, and ordinary ones stand for them.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_DOWN, Decimal, localcontext

import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.dataset import Dataset, arrow_type
from fixturesynth.schema.model import Column, ColumnType, Schema, Table

__all__ = ["kind_of_values", "legible", "loosen"]

UNENFORCED = frozenset(("sqlite",))

# What stands for dates before the calendar and after it; MySQL's timestamps begin in 1970.
FIRST = {"mysql": datetime(1970, 1, 2)}
BEFORE, AFTER = datetime(1, 1, 1), datetime(9999, 12, 31)
_MOMENT = r"^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?(Z|[+-]00(:?00)?)?$"
_EARLY = r"(?i)^-| BC$|^0000-"
_NUMBER = r"^[+-]?\d+(\.\d*)?$"
WIDEST = 38  # digits of a decimal that is learned

_KINDS: tuple[tuple[Callable[[pa.DataType], bool], ColumnType], ...] = (
    (pa.types.is_boolean, ColumnType("boolean", "boolean")),
    (pa.types.is_uint64, ColumnType("integer", "bigint", bits=64, unsigned=True)),
    (pa.types.is_integer, ColumnType("integer", "bigint", bits=64)),
    (pa.types.is_floating, ColumnType("float", "double")),
    (pa.types.is_date, ColumnType("date", "date")),
    (pa.types.is_time, ColumnType("time", "time")),
    (pa.types.is_timestamp, ColumnType("timestamp", "timestamp")),
    (pa.types.is_duration, ColumnType("interval", "interval")),
    (pa.types.is_binary, ColumnType("bytes", "bytes")),
    (pa.types.is_large_binary, ColumnType("bytes", "bytes")),
    (pa.types.is_nested, ColumnType("json", "json")),
)


def kind_of_values(kind: pa.DataType) -> ColumnType:
    """The column type that holds values of this Arrow type; text for what is not known."""
    if pa.types.is_decimal(kind):
        return ColumnType("decimal", str(kind), precision=kind.precision, scale=max(0, kind.scale))
    if pa.types.is_timestamp(kind) and kind.tz:
        return ColumnType("timestamp", "timestamptz", timezone=True)
    return next((found for test, found in _KINDS if test(kind)), ColumnType("text", "text"))


def loosen(schema: Schema, dataset: Dataset) -> tuple[Schema, Dataset]:
    """The schema as its rows are, and the rows with texts that can be read; both as they came where types are enforced.

    A column of another kind than declared takes the kind of its values, a text or number that is longer than declared
    loses its bound. Columns of declared references follow the column that they reference.
    """
    if schema.dialect not in UNENFORCED:
        return schema, legible(dataset, schema)
    rows = legible(dataset, schema)
    tables = {
        table.name: replace(table, columns=tuple(_as_its_rows(c, rows.arrow(table.name)) for c in table.columns))
        if table.name in rows
        else table
        for table in schema
    }
    for _ in tables:  # a chain of references is at most that long
        followed = {name: _following(table, tables) for name, table in tables.items()}
        if followed == tables:
            break
        tables = followed
    return replace(schema, tables=tuple(tables[t.name] for t in schema)), rows


def legible(dataset: Dataset, schema: Schema) -> Dataset:
    """Bytes in columns that are no bytes as text, texts in columns of bytes as bytes, dates and numbers on their scale.

    U+FFFD stands for what is not UTF-8, and for U+0000, which other databases do not take; the first and the last day
    of the calendar for infinity and years before our era, NULL (0 where the column takes none) for NaN.
    """
    changed = {}
    for name in dataset:
        table = dataset.arrow(name)
        given = table.columns
        columns = [
            _plain(values, schema[name].column(c), schema.dialect) if name in schema and c in schema[name] else values
            for c, values in zip(table.column_names, given, strict=True)
        ]
        if any(a is not b for a, b in zip(columns, given, strict=True)):
            changed[name] = pa.table(columns, names=table.column_names)
    return Dataset({name: changed.get(name, dataset.arrow(name)) for name in dataset}) if changed else dataset


def _legible(values: pa.ChunkedArray, declared: ColumnType) -> pa.ChunkedArray:
    kind = values.type
    if declared.kind == "bytes":
        plain = pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)
        return values.cast(pa.string()).cast(pa.binary()) if plain else values
    if not pa.types.is_binary(kind) or declared.kind == "bit" or _only_bytes(values, declared):
        return values
    try:
        texts = values.cast(pa.string())
    except pa.ArrowInvalid:
        texts = None
    if texts is None or pc.any(pc.match_substring(texts, "\0")).as_py():
        coded = pa.concat_arrays(values.chunks).dictionary_encode()
        texts = pa.array(
            [v.decode("utf-8", "replace").replace("\0", "\ufffd") for v in coded.dictionary.to_pylist()], pa.string()
        )
        return pa.chunked_array([texts.take(coded.indices)])
    return texts


def _plain(values: pa.ChunkedArray, column: Column, dialect: str) -> pa.ChunkedArray:
    kind = column.type.kind
    if dialect not in UNENFORCED and pa.types.is_string(values.type):
        if kind in ("date", "timestamp"):
            return _on_calendar(values, column.type, FIRST.get(dialect, BEFORE))
        if kind == "decimal":
            return _finite(values, column)
    return _legible(values, column.type)


def _on_calendar(values: pa.ChunkedArray, declared: ColumnType, first: datetime) -> pa.ChunkedArray:
    """Texts of dates and moments, some of them beyond the calendar, in the declared type."""
    target = arrow_type(declared)
    coded = pa.concat_arrays(values.chunks).dictionary_encode()
    texts = coded.dictionary
    known = pc.match_substring_regex(texts, _MOMENT)
    early = pc.match_substring_regex(texts, _EARLY)
    bare = pc.replace_substring_regex(texts, r"(Z|[+-]00(:?00)?)$", "")
    edge = pc.if_else(early, pa.scalar(str(first)), pa.scalar(str(AFTER)))
    usable = pc.if_else(pc.and_(known, pc.invert(early)), bare, edge)
    moments = usable.cast(pa.timestamp("us"))
    made = moments.cast(target) if not getattr(target, "tz", None) else pc.assume_timezone(moments, "UTC")
    return pa.chunked_array([made.take(coded.indices)])


def _finite(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    """Texts of numbers, some of them no numbers or wider than 38 digits, as decimals of at most that many."""
    coded = pa.concat_arrays(values.chunks).dictionary_encode()
    finite = pc.match_substring_regex(coded.dictionary, _NUMBER).to_pylist()
    numbers = [Decimal(t) if ok else None for t, ok in zip(coded.dictionary.to_pylist(), finite, strict=True)]
    used = [n for n in numbers if n is not None]
    whole = max((n.adjusted() + 1 for n in used if n), default=1)
    digits = max((-int(n.as_tuple().exponent) for n in used), default=0)
    scale = max(min(digits, WIDEST - whole), 0)
    with localcontext() as context:
        context.prec = 2 * WIDEST
        most = Decimal(10) ** (WIDEST - scale) - Decimal(1).scaleb(-scale)
        empty = None if column.nullable else Decimal(0)
        made = [
            empty if n is None else max(min(n, most), -most).quantize(Decimal(1).scaleb(-scale), ROUND_DOWN)
            for n in numbers
        ]
        return pa.chunked_array([pa.array(made, pa.decimal128(WIDEST, scale)).take(coded.indices)])


def _only_bytes(values: pa.ChunkedArray, declared: ColumnType) -> bool:
    """A column without a type whose values are no texts is one of bytes."""
    if declared.kind != "other":
        return False
    try:
        values.cast(pa.string())
    except pa.ArrowInvalid:
        return True
    return False


def _as_its_rows(column: Column, rows: pa.Table) -> Column:
    if column.name not in rows.column_names:
        return column
    values, declared = rows.column(column.name), column.type
    if values.null_count == len(values):
        return column
    found = declared
    if declared.kind == "other" or not _same_kind(values.type, declared):
        found = replace(kind_of_values(values.type), name=declared.name)
    elif pa.types.is_decimal(values.type) and values.type != arrow_type(declared):
        found = replace(declared, precision=values.type.precision, scale=values.type.scale)
    elif declared.kind == "integer" and not _within(values, declared):
        found = replace(declared, bits=64, unsigned=False)
    elif declared.length is not None and declared.kind in ("text", "bytes") and _longest(values) > declared.length:
        found = replace(declared, length=None, fixed=False)
    return column if found is declared else replace(column, type=found)


def _same_kind(kind: pa.DataType, declared: ColumnType) -> bool:
    wanted = arrow_type(declared)
    return bool(kind == wanted or (pa.types.is_decimal(kind) and pa.types.is_decimal(wanted)))


def _within(values: pa.ChunkedArray, declared: ColumnType) -> bool:
    low, high = declared.integer_range
    bounds = pc.min_max(values)
    return bool(low <= bounds["min"].as_py() and bounds["max"].as_py() <= high)


def _longest(values: pa.ChunkedArray) -> int:
    lengths = pc.binary_length(values) if pa.types.is_binary(values.type) else pc.utf8_length(values)
    return int(pc.max(lengths).as_py() or 0)


def _following(table: Table, tables: dict[str, Table]) -> Table:
    """The table with each referencing column in the type of what it references, where the two differ in kind."""
    taken = {
        child: tables[fk.parent].column(parent).type
        for fk in table.foreign_keys
        if fk.declared and fk.parent in tables
        for child, parent in zip(fk.columns, fk.parent_columns, strict=True)
        if parent in tables[fk.parent]
    }
    return replace(
        table,
        columns=tuple(
            replace(c, type=replace(taken[c.name], name=c.type.name))
            if c.name in taken and taken[c.name].kind != c.type.kind
            else c
            for c in table.columns
        ),
    )
