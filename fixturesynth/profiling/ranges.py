"""Ranges as their texts, ``[2024-01-01,2024-02-01)``: their ends in whole units, and back."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, fill_null, join_texts, numpy_of, scalar_of
from fixturesynth.profiling.numerics import number_statistics
from fixturesynth.profiling.profile import ColumnProfile
from fixturesynth.profiling.protection import Protector
from fixturesynth.profiling.texts import length_quantiles
from fixturesynth.schema.model import ColumnType

__all__ = ["profile_ranges", "range_ends", "range_texts", "scale_of", "units_of", "values_of"]

Integers = npt.NDArray[np.int64]

_RANGE = r'^\{?[\[(]"?(?P<low>[^",]+)"?,"?(?P<high>[^",]+)"?[\])]\}?$'
_PLAIN = {"date": pa.date32(), "integer": pa.int64()}


def profile_ranges(base: ColumnProfile, values: pa.Array, kind: ColumnType, protector: Protector) -> ColumnProfile:
    """Where ranges of ``kind`` begin, as quantiles, and how long they are, as ``lengths``; both in units."""
    low, high = range_ends(values, kind)
    known = numpy_of(low.is_valid()) & numpy_of(high.is_valid())
    if not known.any():
        return base
    starts, ends = (units_of(end, kind)[known] for end in (low, high))
    found = number_statistics(starts, base.rows, protector.of_rows(known))
    return replace(
        base, quantiles=found.quantiles, minimum=found.minimum, maximum=found.maximum, step=found.step, decimals=0,
        lengths=length_quantiles(np.maximum(ends - starts, 0), protector.protection),
    )  # fmt: skip


def scale_of(kind: ColumnType) -> int:
    """Digits after the point in which ends are counted."""
    return 0 if kind.kind == "integer" else 2 if kind.scale is None else max(0, kind.scale)


def range_ends(texts: pa.Array, kind: ColumnType) -> tuple[pa.Array, pa.Array]:
    """Lower and upper ends; null where a range is empty or has no end."""
    found = pc.extract_regex(texts.cast(pa.string()), _RANGE)
    low, high = (_parsed(pc.struct_field(found, name), kind) for name in ("low", "high"))
    return low, high


def _parsed(texts: pa.Array, kind: ColumnType) -> pa.Array:
    if kind.kind == "timestamp":
        return pc.replace_substring_regex(texts, r"[+-]\d\d(:?\d\d)?$", "").cast(pa.timestamp("us"))
    return texts.cast(_PLAIN.get(kind.kind, pa.decimal128(38, scale_of(kind))))


def units_of(values: pa.Array, kind: ColumnType) -> Integers:
    """Whole numbers, smallest fractions, days or microseconds, shape (n,); 0 for null."""
    if kind.kind == "timestamp":
        whole = values.cast(pa.timestamp("us", tz=values.type.tz)).cast(pa.int64())
    elif kind.kind == "date":
        whole = values.cast(pa.date32()).cast(pa.int32()).cast(pa.int64())
    elif kind.kind == "integer":
        whole = values.cast(pa.int64())
    else:
        scale = scale_of(kind)
        power = scalar_of(10**scale).cast(pa.decimal128(19, 0))
        whole = pc.multiply(values.cast(pa.decimal128(18, scale), safe=False), power).cast(pa.int64(), safe=False)
    return np.array(numpy_of(fill_null(whole, 0)), dtype=np.int64)


def values_of(units: Integers, kind: ColumnType, target: pa.DataType) -> pa.Array:
    """``units_of`` turned round."""
    if kind.kind == "timestamp":
        return array_of(units).cast(pa.timestamp("us", tz=getattr(target, "tz", None))).cast(target)
    if kind.kind == "date":
        return array_of(units.astype(np.int32)).cast(pa.date32()).cast(target)
    return (array_of(units) if kind.kind == "integer" else _decimal(units, kind)).cast(target)


def _decimal(units: Integers, kind: ColumnType) -> pa.Array:
    words = np.empty((units.size, 2), dtype="<i8")
    words[:, 0], words[:, 1] = units, units >> 63
    return pa.Array.from_buffers(pa.decimal128(38, scale_of(kind)), units.size, [None, pa.py_buffer(words.tobytes())])


def range_texts(low: Integers, high: Integers, kind: ColumnType, *, multiple: bool) -> pa.Array:
    """``[low,high)`` of units, shape (n,); ``multiple``: a multirange of one range."""
    first, last = ("{[", ")}") if multiple else ("[", ")")
    return join_texts(first, _text(low, kind), ",", _text(high, kind), last)


def _text(units: Integers, kind: ColumnType) -> pa.Array:
    if kind.kind == "timestamp":
        micro = array_of(units).cast(pa.timestamp("us"))
        whole = not (units % 1_000_000).any()
        text = micro.cast(pa.timestamp("s") if whole else pa.timestamp("us")).cast(pa.string())
        return join_texts('"', text, '+00"' if kind.timezone else '"')
    if kind.kind == "decimal":
        return _decimal(units, kind).cast(pa.string())
    return values_of(units, kind, _PLAIN[kind.kind]).cast(pa.string())
