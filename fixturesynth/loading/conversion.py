"""Values as a source hands them over -> Arrow columns of the declared type, without losing one.

Two steps. ``natural`` and ``unify`` make a column of whatever type holds the values that came. ``fit`` then brings it
to the declared type, or, where a value does not fit (SQLite enforces no types), leaves it in the natural one.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of
from fixturesynth.dataset import arrow_type
from fixturesynth.schema.model import ColumnType

__all__ = ["as_documents", "fit", "infer_text", "natural", "normal_documents", "plain", "unify"]

ISO_DATE = r"^\d{4}-\d\d-\d\d$"
ISO_NAIVE = r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?$"
ISO_ZONED = r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d(:?\d\d)?)$"
ISO_TIME = r"^\d\d:\d\d(:\d\d(\.\d{1,6})?)?$"
INTERVAL = (
    r"^(?:(?P<days>-?\d+) days?)? ?(?:(?P<sign>[+-]?)(?P<hours>\d+):(?P<minutes>\d\d):(?P<seconds>\d\d)"
    r"(?:\.(?P<fraction>\d{1,6}))?)?$"
)

_BUILDERS: dict[type, tuple[pa.DataType | None, ...]] = {
    bool: (pa.bool_(),),
    int: (pa.int64(), pa.uint64()),
    float: (pa.float64(),),
    str: (pa.string(),),
    bytes: (pa.binary(),),
    Decimal: (None,),  # None: Arrow finds precision and scale
    datetime: (pa.timestamp("us"),),
    date: (pa.date32(),),
    time: (pa.time64("us"),),
    timedelta: (pa.duration("us"),),
}
_REFUSED = (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError, UnicodeEncodeError)


def natural(values: Sequence[Any]) -> pa.Array:
    """The Arrow array, shape (n,), of the narrowest type that holds these Python values (None is null).

    >>> natural([1, None, 2.5]).type, natural([1, "x"]).to_pylist()
    (DataType(double), ['1', 'x'])
    """
    classes = set(map(type, values)) - {type(None)}
    if not classes:
        return pa.nulls(len(values))
    candidates = _BUILDERS.get(next(iter(classes)), ()) if len(classes) == 1 else ()
    if classes == {int, float}:
        candidates = (pa.float64(),)
    if classes == {datetime} and any(v is not None and v.tzinfo is not None for v in values):
        candidates = (pa.timestamp("us", tz="UTC"),) if all(v is None or v.tzinfo for v in values) else ()
    for candidate in candidates:
        try:
            return pa.array(values, candidate)
        except _REFUSED:
            continue
    return _written(values, binary=bool(classes & {bytes, bytearray, memoryview}))


def _written(values: Iterable[Any], *, binary: bool) -> pa.Array:
    """Mixed values as their text, or as bytes where some are bytes already."""
    texts = [None if v is None else _text(v) for v in values]
    if not binary:
        try:
            return pa.array(texts, pa.string())
        except UnicodeEncodeError:
            pass  # a lone surrogate has no UTF-8 form: bytes hold it
    return pa.array([t.encode("utf-8", "surrogatepass") if isinstance(t, str) else t for t in texts], pa.binary())


def _text(value: Any) -> str | bytes:
    writer = _WRITERS.get(type(value), str)
    return writer(value)


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


_WRITERS: dict[type, Callable[[Any], str | bytes]] = {
    bytes: bytes,
    bytearray: bytes,
    memoryview: bytes,
    dict: _as_json,
    list: _as_json,
    UUID: str,
    datetime: lambda value: value.isoformat(sep=" "),
}


def unify(chunks: Sequence[pa.Array]) -> pa.ChunkedArray:
    """Batches of one column, perhaps of several natural types, as one column of a type that holds them all."""
    types = {c.type for c in chunks if not pa.types.is_null(c.type)}
    if not types:
        return pa.chunked_array(list(chunks), pa.null())
    if len(types) > 1:
        wide = _wider(chunks, types)
        if wide is not None:
            return wide
        binary = any(pa.types.is_binary(t) for t in types)
        return pa.chunked_array([_written(c.to_pylist(), binary=binary) for c in chunks])
    (one,) = types
    return pa.chunked_array([c.cast(one) if pa.types.is_null(c.type) else c for c in chunks], one)


def _wider(chunks: Sequence[pa.Array], types: set[pa.DataType]) -> pa.ChunkedArray | None:
    """Numbers of several types in the one of them that holds all exactly, if any."""
    for candidate in (pa.int64(), pa.uint64(), pa.float64(), *(t for t in types if pa.types.is_decimal(t))):
        try:
            if all(_is_number(t) for t in types):
                return pa.chunked_array([c.cast(candidate) for c in chunks], candidate)
        except _REFUSED:
            continue
    return None


def _is_number(one: pa.DataType) -> bool:
    return bool(pa.types.is_integer(one) or pa.types.is_floating(one) or pa.types.is_decimal(one))


def fit(values: pa.ChunkedArray, declared: ColumnType) -> pa.ChunkedArray:
    """``values`` in the declared type's Arrow type when every one fits exactly, else as they are.

    >>> fit(pa.chunked_array([["2020-01-02"]]), ColumnType("date", "DATE")).type
    DataType(date32[day])
    >>> fit(pa.chunked_array([["soon"]]), ColumnType("date", "DATE")).type
    DataType(string)
    """
    target = arrow_type(declared)
    given = plain(values)
    if given.type == target:
        return given
    if given.null_count == len(given):
        return pa.chunked_array([pa.nulls(len(given), target)])
    fitted = _FITTERS.get(declared.kind, _fit_text)(given, target)
    return given if fitted is None else fitted


def plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Dictionaries decoded, large and view types and odd units brought to the few types that FixtureSynth uses."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        values = values.cast(kind.value_type)
        kind = values.type
    for test, wanted in _PLAIN:
        if test(kind):
            cast = _cast(values, wanted(kind))
            return values if cast is None else cast
    return values


def as_documents(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Objects, and lists of them, as JSON texts; other values as they are.

    What is NULL in an object is left out: a frame of dicts does not tell a key that is missing from one without value.

    >>> as_documents(pa.chunked_array([[{"a": 1, "b": None}, None]])).to_pylist()
    ['{"a": 1}', None]
    """
    kind = values.type
    inner = kind.value_type if pa.types.is_list(kind) else kind
    if not (pa.types.is_struct(inner) or pa.types.is_map(inner)):
        return values
    texts = [None if v is None else _as_json(_filled(v)) for v in values.to_pylist()]
    return pa.chunked_array([pa.array(texts, pa.string())])


def _filled(value: Any) -> Any:
    """Without members that are NULL; pairs of a map as an object."""
    if isinstance(value, list):
        if value and all(isinstance(v, tuple) for v in value):
            return _filled(dict(value))
        return [_filled(v) for v in value]
    return {k: _filled(v) for k, v in value.items() if v is not None} if isinstance(value, dict) else value


def normal_documents(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts of documents as the type jsonb writes them, so that equal ones are equal texts."""
    from fixturesynth.schema.predicates.documents import normal_document  # with it comes a parser of SQL

    if not pa.types.is_string(values.type):
        return values
    coded = values.combine_chunks().dictionary_encode()
    whole = pa.concat_arrays(coded.chunks) if isinstance(coded, pa.ChunkedArray) else coded
    texts = pa.array([normal_document(text) for text in whole.dictionary.to_pylist()], pa.string())
    return pa.chunked_array([texts.take(whole.indices)])


_PLAIN: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.DataType], pa.DataType]], ...] = (
    (lambda t: t == pa.uint64(), lambda _: pa.uint64()),
    (pa.types.is_integer, lambda _: pa.int64()),
    (pa.types.is_floating, lambda _: pa.float64()),
    (pa.types.is_large_string, lambda _: pa.string()),
    (pa.types.is_string_view, lambda _: pa.string()),
    (pa.types.is_large_binary, lambda _: pa.binary()),
    (pa.types.is_binary_view, lambda _: pa.binary()),
    (pa.types.is_fixed_size_binary, lambda _: pa.binary()),
    (pa.types.is_date64, lambda _: pa.date32()),
    (pa.types.is_time, lambda _: pa.time64("us")),
    (pa.types.is_timestamp, lambda t: pa.timestamp("us", tz="UTC" if t.tz else None)),
    (pa.types.is_duration, lambda _: pa.duration("us")),
    (pa.types.is_large_list, lambda t: pa.list_(t.value_type)),
    (pa.types.is_fixed_size_list, lambda t: pa.list_(t.value_type)),
)


def _cast(values: pa.ChunkedArray, target: pa.DataType) -> pa.ChunkedArray | None:
    """A safe cast, or None where a value would change."""
    try:
        return values.cast(target, safe=True)
    except _REFUSED:
        return None


def _matches(values: pa.ChunkedArray, pattern: str) -> bool:
    found = pc.all(pc.match_substring_regex(values, pattern)).as_py()
    return found is not False


def _fit_number(values: pa.ChunkedArray, target: pa.DataType) -> pa.ChunkedArray | None:
    return _cast(values, target)


def _fit_boolean(values: pa.ChunkedArray, target: pa.DataType) -> pa.ChunkedArray | None:
    """0 and 1 only: texts such as 't' stay texts, since a check of the database may name them."""
    if not _is_number(values.type):
        return None
    whole = _cast(values, pa.int64())
    if whole is None or not pc.all(pc.is_in(whole, pa.array([0, 1, None], pa.int64()))).as_py():
        return None
    return whole.cast(target)


def _fit_decimal(values: pa.ChunkedArray, target: pa.DataType) -> pa.ChunkedArray | None:
    wide = pa.decimal128(38, target.scale)
    if pa.types.is_floating(values.type):
        return _decimal_from_float(values, target)
    if pa.types.is_integer(values.type) or pa.types.is_decimal(values.type):
        fitted = _cast(values, target)
        return _cast(values, wide) if fitted is None else fitted
    if not pa.types.is_string(values.type) or not _matches(values, r"^[+-]?\d+(\.\d*)?$"):
        return None
    # Arrow's cast from text neither widens nor, beyond 38 digits, notices: so count the digits first.
    parts = pc.extract_regex(pc.drop_null(values), r"^[+-]?0*(?P<whole>\d*?)(?:\.(?P<digits>\d*?)0*)?$")
    whole, digits = (pc.max(pc.utf8_length(pc.struct_field(parts, n))).as_py() or 0 for n in ("whole", "digits"))
    scale = max(target.scale, digits)
    for candidate in (*((target,) if scale == target.scale else ()), *_decimals(scale)):
        if candidate.precision - candidate.scale >= whole:
            fitted = _cast(values, candidate)
            if fitted is not None:
                return fitted
    return None


def _decimals(scale: int) -> tuple[pa.DataType, ...]:
    sizes = ((pa.decimal128, 38), (pa.decimal256, 76))
    return tuple(make(precision, scale) for make, precision in sizes if scale <= precision)


def _decimal_from_float(values: pa.ChunkedArray, target: pa.DataType) -> pa.ChunkedArray | None:
    """Floats that are the nearest to a decimal of this scale, as that decimal; None when one is not."""
    array = values.combine_chunks()
    array = pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array
    floats = array.fill_null(0.0).to_numpy(zero_copy_only=False)
    power = float(10 ** min(target.scale, 22))
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.rint(floats * power)
        exact = (np.abs(scaled) < 2.0**53) & (scaled / power == floats) if target.scale <= 22 else np.array([False])
    if not exact.all():
        return None
    units = scaled.astype(np.int64)
    precision = target.precision if int(np.abs(units).max(initial=0)) < 10**target.precision else 38
    words = np.empty((len(units), 2), dtype="<i8")
    words[:, 0] = units
    words[:, 1] = units >> 63
    valid = pc.is_valid(array)
    built = pa.Array.from_buffers(
        pa.decimal128(precision, target.scale), len(units), [valid.buffers()[1], pa.py_buffer(words.tobytes())]
    )
    return pa.chunked_array([built])


def _fit_date(values: pa.ChunkedArray, target: pa.DataType) -> pa.ChunkedArray | None:
    if pa.types.is_string(values.type):
        return _cast(values, target) if _matches(values, ISO_DATE) else _timestamp(values)
    if pa.types.is_timestamp(values.type):
        return _cast(values, target)
    return None


def _fit_timestamp(values: pa.ChunkedArray, target: pa.DataType) -> pa.ChunkedArray | None:
    parsed = _timestamp(values) if pa.types.is_string(values.type) else values
    if parsed is None or not (pa.types.is_temporal(parsed.type) and not pa.types.is_time(parsed.type)):
        return None
    if pa.types.is_duration(parsed.type):
        return None
    if pa.types.is_date(parsed.type):
        parsed = parsed.cast(pa.timestamp("us"))
    if target.tz and not parsed.type.tz:
        return pc.assume_timezone(parsed, "UTC")
    return parsed


def _timestamp(values: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """ISO texts as timestamps, when all of them are of one form: dates, local times, or times with one offset."""
    if _matches(values, ISO_NAIVE) or _matches(values, ISO_DATE):
        return _cast(values, pa.timestamp("us"))
    if not _matches(values, ISO_ZONED):
        return None
    offsets = pc.unique(pc.struct_field(pc.extract_regex(values, r"(?P<offset>Z|[+-]\d\d(?::?\d\d)?)$"), "offset"))
    utc = {"Z", "+00", "+00:00", "+0000"}
    return _cast(values, pa.timestamp("us", tz="UTC")) if set(offsets.drop_null().to_pylist()) <= utc else None


def _fit_time(values: pa.ChunkedArray, target: pa.DataType) -> pa.ChunkedArray | None:
    if pa.types.is_string(values.type):
        if not _matches(values, ISO_TIME):
            return None
        moments = _cast(pc.binary_join_element_wise("1970-01-01T", values, ""), pa.timestamp("us"))
        return None if moments is None else moments.cast(target)
    if pa.types.is_duration(values.type):
        ticks = values.cast(pa.int64())
        bounds = pc.min_max(ticks)
        if bounds["min"].as_py() >= 0 and bounds["max"].as_py() < 86_400_000_000:
            return ticks.cast(target)
    return None


def _fit_interval(values: pa.ChunkedArray, target: pa.DataType) -> pa.ChunkedArray | None:
    """PostgreSQL's text of an interval without months, as microseconds; a day counts as 24 hours, as when compared."""
    if not pa.types.is_string(values.type) or not _matches(values, INTERVAL):
        return None
    found = pc.extract_regex(values, INTERVAL)

    def field(name: str) -> pa.ChunkedArray:
        texts = pc.struct_field(found, name)
        return pc.if_else(pc.equal(texts, ""), "0", texts)

    sign = pc.if_else(pc.equal(pc.struct_field(found, "sign"), "-"), -1, 1)
    fraction = pc.utf8_rpad(field("fraction"), 6, "0").cast(pa.int64())
    clock = fraction
    for name, size in (("hours", 3_600_000_000), ("minutes", 60_000_000), ("seconds", 1_000_000)):
        clock = pc.add(clock, pc.multiply(field(name).cast(pa.int64()), size))
    days = pc.multiply(field("days").cast(pa.int64()), 86_400_000_000)
    return pc.add(days, pc.multiply(clock, sign)).cast(target)


def _fit_array(values: pa.ChunkedArray, target: pa.DataType) -> pa.ChunkedArray | None:
    if pa.types.is_string(values.type) and _matches(values, r"^\s*\["):  # JSON, as files have it
        try:
            parsed = [None if v is None else json.loads(v) for v in values.to_pylist()]
            return pa.chunked_array([pa.array(parsed, target)])
        except (ValueError, *_REFUSED):
            return None
    return _cast(values, target) if pa.types.is_list(values.type) else None


def _fit_text(values: pa.ChunkedArray, target: pa.DataType) -> pa.ChunkedArray | None:
    if pa.types.is_binary(values.type) or pa.types.is_nested(values.type):
        return None
    if pa.types.is_floating(values.type) or pa.types.is_temporal(values.type):
        return pa.chunked_array([_written(c.to_pylist(), binary=False) for c in values.chunks])
    return _cast(values, target)


def _keep(values: pa.ChunkedArray, target: pa.DataType) -> pa.ChunkedArray | None:
    return None


_FITTERS: dict[str, Callable[[pa.ChunkedArray, pa.DataType], pa.ChunkedArray | None]] = {
    "integer": _fit_number,
    "year": _fit_number,
    "float": _fit_number,
    "decimal": _fit_decimal,
    "boolean": _fit_boolean,
    "date": _fit_date,
    "timestamp": _fit_timestamp,
    "time": _fit_time,
    "interval": _fit_interval,
    "bytes": _keep,
    "array": _fit_array,
    "other": _keep,  # a column without a type: what the values are is all there is to know
}

_WHOLE = r"^(0|-?[1-9]\d*)$"  # "007" and "+1" are texts: as a number they would lose something
# More than 15 digits may not survive as a float; such texts are decimals, or stay texts.
_REAL = r"^-?(0|[1-9]\d{0,14})([eE][+-]?\d{1,2}|\.\d{1,15}([eE][+-]?\d{1,2})?)?$"
_LONG = r"^-?(0|[1-9]\d*)(\.\d+)?$"
_NOTHING = array_of(["", "NA", "N/A", "NULL", "null", "\\N", "NaN", "nan", "None"])


def infer_text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts of a file without a schema, in the type that all of them are written in; strings when in doubt.

    Empty cells and NA, NULL, \\N count as null in a column that is otherwise numbers, dates or booleans; in a column of
    texts they are texts. Numbers with leading zeros stay texts.

    >>> [infer_text(pa.chunked_array([texts])).to_pylist() for texts in (["1", "NA"], ["01", "NA"])]
    [[1, None], ['01', 'NA']]
    """
    seen = pc.unique(values).drop_null()
    kept = seen.filter(pc.invert(pc.is_in(seen, _NOTHING)))
    if not len(kept):
        return values
    sample = pa.chunked_array([kept])
    for pattern, target in (
        (_WHOLE, pa.int64()),
        (_REAL, pa.float64()),
        (r"^(?i:true|false)$", pa.bool_()),
        (ISO_DATE, pa.date32()),
    ):
        if _matches(sample, pattern) and _cast(sample, target) is not None:
            return _without_nothing(values).cast(target)
    if _matches(sample, _LONG):
        exact = _fit_decimal(sample, pa.decimal128(38, 0))
        return values if exact is None else _without_nothing(values).cast(exact.type)
    parsed = _timestamp(sample)
    return values if parsed is None else _without_nothing(values).cast(parsed.type)


def _without_nothing(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.is_in(values, _NOTHING), None, values)
