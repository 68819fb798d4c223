"""Arrow columns as the text or the Python values that databases take, by Arrow's kernels and not value by value.

A ``Wire`` says how one dialect writes what dialects write differently.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from fixturesynth.arrays import array_of, fill_null, join_texts, numpy_of, scalar_of
from fixturesynth.errors import LoadError
from fixturesynth.schema.model import Column, Kind

__all__ = [
    "Wire",
    "batches",
    "csv_bytes",
    "json_texts",
    "postgresql_lists",
    "python_rows",
    "settle",
    "text_columns",
    "text_of",
]

BATCH_BYTES = 16 << 20
BATCH_ROWS = 65_536


@dataclass(frozen=True)
class Wire:
    """How a dialect writes null, truth, bytes and lists in CSV."""

    null: str = ""
    true: str = "true"
    false: str = "false"
    bytes_prefix: str = ""  # before the hexadecimal digits
    lists: Callable[[pa.Array], pa.Array] | None = None  # None: JSON
    clean_text: bool = False  # refuses U+0000 in text
    zone: str = ""  # behind moments of a time zone, which are written in UTC


def settle(values: pa.ChunkedArray, column: Column, table: str) -> pa.ChunkedArray:
    """The column in a plain Arrow type of the target's kind: dictionaries decoded, whole floats as integers.

    Raises LoadError naming table and column when a value does not fit.
    """
    kind = values.type
    try:
        if pa.types.is_dictionary(kind):
            values = values.cast(kind.value_type)
        elif pa.types.is_null(kind):
            values = values.cast(pa.string())
        elif pa.types.is_timestamp(kind) and kind.unit != "us":
            values = values.cast(pa.timestamp("us", tz=kind.tz), safe=False)
        elif pa.types.is_date64(kind):
            values = values.cast(pa.date32())
        rule = _SETTLED.get(column.type.kind)
        return values if rule is None else rule(values)
    except pa.ArrowInvalid as error:
        raise LoadError(
            f"table {table!r}, column {column.name!r}: a value does not fit {column.type.name}: {_first_line(error)}"
        ) from error


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _whole(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Integers that came as floats, as pandas gives them beside nulls; what has a fraction is left to the database."""
    if not pa.types.is_floating(values.type):
        return values.cast(pa.int8()) if pa.types.is_boolean(values.type) else values
    whole = pc.all(pc.equal(pc.floor(values), values)).as_py() is not False
    return values.cast(pa.int64()) if whole else values


def _truth(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return values.cast(pa.bool_()) if pa.types.is_integer(values.type) or pa.types.is_floating(values.type) else values


_SETTLED: Mapping[Kind, Callable[[pa.ChunkedArray], pa.ChunkedArray]] = {
    "integer": _whole,
    "year": _whole,
    "boolean": _truth,
}  # fmt: skip


def batches(table: pa.Table) -> Iterator[pa.RecordBatch]:
    """Slices of at most 65,536 rows and about 16 MB."""
    per_row = max(1, table.nbytes // max(1, table.num_rows))
    size = max(1, min(BATCH_ROWS, BATCH_BYTES // per_row))
    for start in range(0, table.num_rows, size):
        piece = table.slice(start, size).combine_chunks()
        yield pa.RecordBatch.from_arrays(
            [c.chunk(0) if c.num_chunks == 1 else pa.concat_arrays(c.chunks) for c in piece.columns],
            names=piece.column_names,
        )


def csv_bytes(batch: pa.RecordBatch, wire: Wire, table: str) -> bytes:
    """The batch as CSV: text quoted, null bare, so that null and empty text differ."""
    columns = [_csv_column(array, wire) for array in batch.columns]
    sink = pa.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(include_header=False, null_string=wire.null, batch_size=8192)
    plain = pa.RecordBatch.from_arrays(columns, names=[str(i) for i in range(len(columns))])
    pyarrow.csv.write_csv(plain, sink, options)
    written = bytes(sink.getvalue())
    if wire.clean_text and b"\0" in written:
        for name, array in zip(batch.schema.names, columns, strict=True):
            _refuse_nul(array, table, name)
    return written


def text_columns(batch: pa.RecordBatch, wire: Wire) -> list[list[str | None]]:
    """Each column as a list of texts, None for null."""
    return [_objects(text_of(array, wire)).tolist() for array in batch.columns]


def _csv_column(array: pa.Array, wire: Wire) -> pa.Array:
    return array if array.type.id in _CSV_KNOWS else text_of(array, wire)


def text_of(array: pa.Array, wire: Wire) -> pa.Array:
    """Every value as its text, shape (n,), null stays null."""
    writer = _TEXTS.get(array.type.id)
    return writer(array, wire) if writer else array.cast(pa.string())


def _refuse_nul(array: pa.Array, table: str, column: str) -> None:
    if array.type.id not in (pa.lib.Type_STRING, pa.lib.Type_LARGE_STRING):
        return
    rows = pc.indices_nonzero(pc.match_substring(array, "\0"))
    if len(rows):
        raise LoadError(
            f"table {table!r}, column {column!r}: row {rows[0].as_py()} of a batch holds the character U+0000, "
            "which PostgreSQL cannot store in text; remove it or use a bytea column"
        )


def iso_timestamp(array: pa.Array, wire: Wire | None = None) -> pa.Array:
    """``YYYY-MM-DD HH:MM:SS``, with ``.ffffff`` only where there is a fraction; where there is a time zone in UTC,
    marked as the wire has it."""
    texts = _without_empty_fraction(array.cast(pa.timestamp("us")), pa.timestamp("s"))
    return join_texts(texts, wire.zone) if wire is not None and wire.zone and array.type.tz else texts


def iso_time(array: pa.Array, wire: Wire | None = None) -> pa.Array:
    return _without_empty_fraction(array.cast(pa.time64("us")), pa.time32("s"))


def _without_empty_fraction(micros: pa.Array, seconds: pa.DataType) -> pa.Array:
    fractions = array_of(numpy_of(fill_null(micros.cast(pa.int64()), 0)) % 1_000_000 != 0)
    short = micros.cast(seconds, safe=False).cast(pa.string())
    if not pc.any(fractions).as_py():
        return short
    return pc.if_else(fractions, micros.cast(pa.string()), short)


def _duration(array: pa.Array, wire: Wire) -> pa.Array:
    """``[-]H:MM:SS[.ffffff]``, hours without a limit."""
    micros = array.cast(pa.duration("us")).cast(pa.int64())
    size = pc.abs(micros)
    seconds = pc.divide(size, 1_000_000)
    fraction = pc.subtract(size, pc.multiply(seconds, 1_000_000))
    minutes = pc.divide(seconds, 60)
    hours = pc.divide(minutes, 60)

    def two(value: pa.Array) -> pa.Array:
        return pc.utf8_lpad(value.cast(pa.string()), 2, "0")

    clock = pc.binary_join_element_wise(
        hours.cast(pa.string()), two(pc.subtract(minutes, pc.multiply(hours, 60))),
        two(pc.subtract(seconds, pc.multiply(minutes, 60))), ":",
    )  # fmt: skip
    tail = pc.if_else(
        pc.equal(fraction, 0),
        "",
        pc.binary_join_element_wise("", pc.utf8_lpad(fraction.cast(pa.string()), 6, "0"), "."),
    )
    return pc.binary_join_element_wise(pc.if_else(pc.less(micros, 0), "-", ""), clock, tail, "")


_HEX = np.frombuffer(b"".join(b"%02x" % i for i in range(256)), np.uint16)


def _hex(array: pa.Array, wire: Wire) -> pa.Array:
    """Hexadecimal digits; Arrow has no kernel for it, a table of 256 pairs does."""
    plain = fill_null(array.cast(pa.large_binary()), b"")
    offsets = np.frombuffer(plain.buffers()[1], np.int64)[plain.offset : plain.offset + len(plain) + 1]
    data = plain.buffers()[2]
    raw = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]] if data is not None else np.empty(0, np.uint8)
    digits = pa.Array.from_buffers(
        pa.large_string(), len(plain),
        [None, pa.py_buffer(np.ascontiguousarray((offsets - offsets[0]) * 2)), pa.py_buffer(_HEX[raw])],
    )  # fmt: skip
    prefix, nothing = (scalar_of(text, pa.large_string()) for text in (wire.bytes_prefix, ""))
    texts = pc.binary_join_element_wise(prefix, digits, nothing) if wire.bytes_prefix else digits
    return pc.if_else(pc.is_valid(array), texts, None) if array.null_count else texts


def _boolean(array: pa.Array, wire: Wire) -> pa.Array:
    return pc.if_else(array, scalar_of(wire.true), scalar_of(wire.false))


def _list(array: pa.Array, wire: Wire) -> pa.Array:
    return (wire.lists or json_texts)(array)


def json_texts(array: pa.Array) -> pa.Array:
    """Nested values as JSON; they are rare enough for a step per value."""
    return array_of(
        [None if v is None else json.dumps(v, ensure_ascii=False, default=str) for v in array.to_pylist()], pa.string()
    )


def postgresql_lists(array: pa.Array) -> pa.Array:
    """Lists as PostgreSQL array literals: ``{"a","say \\"hi\\"",NULL}``."""
    array = array.cast(pa.list_(array.type.value_type))
    values = array.flatten()
    inner = pa.types.is_list(values.type) or pa.types.is_large_list(values.type)
    texts = text_of(values, Wire(bytes_prefix="\\x", lists=postgresql_lists))
    if not inner:
        texts = pc.replace_substring(pc.replace_substring(texts.cast(pa.string()), "\\", "\\\\"), '"', '\\"')
        texts = join_texts('"', texts, '"')
    texts = fill_null(texts, "NULL").cast(pa.string())
    lengths = fill_null(pc.list_value_length(array), 0)
    offsets = pa.concat_arrays([array_of([0], pa.int32()), pc.cumulative_sum(lengths).cast(pa.int32())])
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, texts), scalar_of(","))
    literal = join_texts("{", joined, "}")
    return pc.if_else(pc.is_valid(array), literal, None)


_NESTED = (pa.lib.Type_LIST, pa.lib.Type_LARGE_LIST, pa.lib.Type_FIXED_SIZE_LIST)
_TEXTS: Mapping[int, Callable[[pa.Array, Wire], pa.Array]] = {
    pa.lib.Type_BOOL: _boolean,
    pa.lib.Type_TIMESTAMP: iso_timestamp,
    pa.lib.Type_TIME64: iso_time,
    pa.lib.Type_TIME32: iso_time,
    pa.lib.Type_DURATION: _duration,
    **dict.fromkeys((pa.lib.Type_BINARY, pa.lib.Type_LARGE_BINARY, pa.lib.Type_FIXED_SIZE_BINARY), _hex),
    **dict.fromkeys(_NESTED, _list),
    **dict.fromkeys((pa.lib.Type_STRUCT, pa.lib.Type_MAP), lambda array, wire: json_texts(array)),
}
_CSV_KNOWS = frozenset(
    (
        pa.lib.Type_INT8, pa.lib.Type_INT16, pa.lib.Type_INT32, pa.lib.Type_INT64, pa.lib.Type_UINT8,
        pa.lib.Type_UINT16, pa.lib.Type_UINT32, pa.lib.Type_UINT64, pa.lib.Type_FLOAT, pa.lib.Type_DOUBLE,
        pa.lib.Type_DATE32, pa.lib.Type_STRING, pa.lib.Type_LARGE_STRING,
    )
)  # fmt: skip


# Python values, for drivers that take nothing else.


def python_rows(batch: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
    """The batch's rows as tuples of int, float, str, bytes and None: dates as ISO text, truth as 0 and 1."""
    return zip(*(_objects(_sql_plain(array)).tolist() for array in batch.columns), strict=True)


def _sql_plain(array: pa.Array) -> pa.Array:
    writer = _PLAIN.get(array.type.id)
    return writer(array) if writer else array


def _number(array: pa.Array) -> pa.Array:
    if array.type.scale == 0 and array.type.precision < 19:
        return array.cast(pa.int64())
    # Arrow's own cast multiplies and misses the nearest float by a bit: 29.99 would be stored as 29.990000000000002.
    return array.cast(pa.string()).cast(pa.float64())


_TEXT_WIRE = Wire()
_PLAIN: Mapping[int, Callable[[pa.Array], pa.Array]] = {
    pa.lib.Type_BOOL: lambda array: array.cast(pa.int8()),
    pa.lib.Type_DATE32: lambda array: array.cast(pa.string()),
    **dict.fromkeys((pa.lib.Type_DECIMAL128, pa.lib.Type_DECIMAL256), _number),
    **{
        kind: (lambda array: text_of(array, _TEXT_WIRE))
        for kind in (
            pa.lib.Type_TIMESTAMP, pa.lib.Type_TIME64, pa.lib.Type_TIME32, pa.lib.Type_DURATION, *_NESTED,
            pa.lib.Type_STRUCT, pa.lib.Type_MAP,
        )
    },
}  # fmt: skip


def _objects(array: pa.Array) -> np.ndarray[Any, Any]:
    """Shape (n,) of Python objects, None for null; integers stay integers beside nulls."""
    if not pa.types.is_integer(array.type) and not pa.types.is_floating(array.type):
        return np.asarray(numpy_of(array), object)
    if not array.null_count:
        return np.asarray(numpy_of(array))
    objects = numpy_of(fill_null(array, 0)).astype(object)
    objects[np.asarray(numpy_of(pc.is_null(array)))] = None
    return np.asarray(objects, object)
