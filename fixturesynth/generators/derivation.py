"""Invariants compiled: columns computed from others, a whole column at a time.

Each operation takes the sources as Arrow arrays of n rows, the parameters of its kind of invariant (JSON; see
``profiling.profile.Invariant``) and the Arrow type of the result, and gives an Arrow array of n rows, null where a
source it needs is null. ``datepart``, ``equal`` and ``copy`` also take ``format``, in which datetimes are written
where the result is text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, combined, fill_null, numpy_of, scalar_of
from fixturesynth.generators.keys import locate
from fixturesynth.loading.conversion import fit
from fixturesynth.profiling.calendars import datepart
from fixturesynth.profiling.elapsed import elapsed
from fixturesynth.profiling.rounding import round_at, shared_product
from fixturesynth.profiling.spelled import FORMS
from fixturesynth.profiling.temporal import format_temporal, parse_temporal
from fixturesynth.schema.model import ColumnType

__all__ = ["OPERATIONS", "agreeing", "as_type", "derive", "find_lookup", "find_rows", "of_nothing"]

Parameters = Mapping[str, Any]
Integers = npt.NDArray[np.int64]

MICROSECONDS = {"days": 86_400_000_000, "seconds": 1_000_000, "microseconds": 1}


def agreeing(values: pa.Array, others: pa.Array) -> npt.NDArray[np.bool_]:
    """Where both are equal, or both NULL, (n,)."""
    equal = fill_null(pc.equal(values, as_type(others, values.type)), False)
    return numpy_of(pc.or_(equal, pc.and_(values.is_null(), others.is_null())))


def as_type(values: pa.Array, kind: pa.DataType, format: str | None = None) -> pa.Array:
    """The values in another Arrow type, shape (n,): numbers are rounded and kept inside the type, never wrapped.

    Datetimes kept as text and typed ones go through their moments; ``format`` writes those that become text.

    >>> as_type(pa.array([1.5, 1e30, None]), pa.int8()).to_pylist()
    [2, 127, None]
    """
    if values.type == kind:
        return values
    for accepts, convert in CONVERSIONS:
        if accepts(values.type, kind):
            return convert(values, kind)
    if pa.types.is_temporal(kind) or pa.types.is_temporal(values.type):
        return _as_moments(values, kind, format)
    return pc.cast(values, kind)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _to_integer(values: pa.Array, kind: pa.DataType) -> pa.Array:
    limits = np.iinfo(kind.to_pandas_dtype())
    if pa.types.is_decimal(values.type) and values.type.precision - values.type.scale <= 18:
        values = pc.cast(pc.round(values), pa.int64(), safe=False)
    if pa.types.is_integer(values.type):
        low, high = (
            max(limits.min, np.iinfo(values.type.to_pandas_dtype()).min),
            min(limits.max, np.iinfo(values.type.to_pandas_dtype()).max),
        )
        inside = pc.max_element_wise(values, scalar_of(low, values.type), skip_nulls=False)
        return pc.cast(pc.min_element_wise(inside, scalar_of(high, values.type), skip_nulls=False), kind)
    data, valid = _floats(values)
    known = valid & ~np.isnan(data)
    top = np.nextafter(float(limits.max), 0.0) if float(limits.max) > limits.max else float(limits.max)
    whole = np.clip(np.rint(np.where(known, data, 0.0)), float(limits.min), top)
    return array_of(whole.astype(kind.to_pandas_dtype()), kind, mask=~known)


def _to_decimal(values: pa.Array, kind: pa.DataType) -> pa.Array:
    wide = pa.decimal128(38, kind.scale)
    if pa.types.is_floating(values.type):
        data, valid = _floats(values)
        known = valid & np.isfinite(data)
        most = np.nextafter(10.0 ** (kind.precision - kind.scale), 0.0)
        inside = np.clip(np.where(known, data, 0.0), -most, most)
        return pc.cast(pc.round(array_of(inside, pa.float64(), mask=~known), kind.scale), kind, safe=False)
    if pa.types.is_decimal(values.type) and values.type.scale > kind.scale:
        values = pc.round(values, kind.scale)
    return pc.cast(pc.cast(values, wide, safe=False), kind, safe=False)


def _as_moments(values: pa.Array, kind: pa.DataType, format: str | None) -> pa.Array:
    parsed = parse_temporal(values)
    if parsed is None:
        return pc.cast(values, kind)
    ints, unit, _ = parsed
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if text and format is None:
        return pc.cast(values, kind)
    made = format_temporal(
        ints, unit, format if text and format is not None else str(kind), ~numpy_of(values.is_valid())
    )
    return made if made.type == kind else pc.cast(made, kind)


def _read(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Texts as times of day or durations."""
    name: Literal["time", "interval"] = "time" if pa.types.is_time(kind) else "interval"
    return pc.cast(combined(fit(pa.chunked_array([values]), ColumnType(name, name))), kind)


Conversion = tuple[Callable[[pa.DataType, pa.DataType], bool], Callable[[pa.Array, pa.DataType], pa.Array]]

# (whether it is for these two types, how), the first that fits.
CONVERSIONS: tuple[Conversion, ...] = (
    (lambda have, want: _is_number(have) and pa.types.is_integer(want), _to_integer),
    (lambda have, want: _is_number(have) and pa.types.is_decimal(want), _to_decimal),
    (lambda have, want: pa.types.is_decimal(have) and pa.types.is_floating(want), lambda v, k: _by_text(v).cast(k)),
    (lambda have, want: _is_number(have) and pa.types.is_floating(want), lambda v, k: pc.cast(v, k, safe=False)),
    (lambda have, want: pa.types.is_string(have) and (pa.types.is_time(want) or pa.types.is_duration(want)), _read),
)


def _by_text(values: pa.Array) -> pa.Array:
    """Decimals as the floats nearest to them: Arrow's own cast multiplies, and misses some by a bit."""
    return pc.cast(pc.cast(values, pa.string()), pa.float64())


def _floats(values: pa.Array) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    valid = numpy_of(values.is_valid())
    numbers = _by_text(values) if pa.types.is_decimal(values.type) else pc.cast(values, pa.float64(), safe=False)
    return numpy_of(fill_null(numbers, 0.0)), valid


def _number(data: npt.NDArray[np.float64], valid: npt.NDArray[np.bool_], kind: pa.DataType) -> pa.Array:
    return as_type(array_of(data, pa.float64(), mask=~valid), kind)


def _linear(sources: Sequence[pa.Array], parameters: Parameters, kind: pa.DataType) -> pa.Array:
    total: Any = np.float64(parameters.get("constant", 0))
    valid: Any = np.bool_(True)
    for source, coefficient in zip(sources, parameters["coefficients"], strict=True):
        data, here = _floats(source)
        total = total + data * np.float64(coefficient)
        valid = valid & here
    return _number(_rounded(total, parameters), valid, kind)


def _product(sources: Sequence[pa.Array], parameters: Parameters, kind: pa.DataType) -> pa.Array:
    values = [_floats(s) for s in sources]
    made = shared_product([v for v, _ in values], parameters.get("factor", 1), parameters.get("shares", ()))
    return _number(_rounded(made, parameters), np.logical_and.reduce([valid for _, valid in values]), kind)


def _rounded(values: npt.NDArray[np.float64], parameters: Parameters) -> npt.NDArray[np.float64]:
    decimals = parameters.get("decimals")
    return values if decimals is None else round_at(values, int(decimals), parameters.get("rounding", "half_even"))


def _clock(sources: Sequence[pa.Array], parameters: Parameters, kind: pa.DataType) -> pa.Array:
    """sources[0] + sources[1] minutes on a HHMM clock whose midnight is written 0 or 2400."""
    (a, valid_a), (b, valid_b) = _floats(sources[0]), _floats(sources[1])
    clock = a.astype(np.int64)
    minutes = (clock // 100 * 60 + clock % 100 + b.astype(np.int64)) % 1440
    out = minutes // 60 * 100 + minutes % 60
    if parameters.get("midnight") == 2400:
        out = np.where(out == 0, 2400, out)
    return as_type(array_of(out, pa.int64(), mask=~(valid_a & valid_b)), kind)


def _elapsed(sources: Sequence[pa.Array], parameters: Parameters, kind: pa.DataType) -> pa.Array:
    """Time from sources[1], or 1970, to sources[0]; NULL where either is."""
    moments, valid = [], np.ones(len(sources[0]), dtype=bool)
    for source in sources:
        parsed = parse_temporal(source)
        if parsed is None:
            return pa.nulls(len(source), kind)
        moments.append(parsed[0] * MICROSECONDS[parsed[1]])
        valid &= numpy_of(source.is_valid())
    until, since = (*moments, np.zeros(valid.size, dtype=np.int64))[:2]
    return _number(elapsed(np.where(valid, since, 0), np.where(valid, until, 0), parameters), valid, kind)


def _datepart(sources: Sequence[pa.Array], parameters: Parameters, kind: pa.DataType) -> pa.Array:
    """A part of a datetime; a date comes in the column's own type, or as text in ``format`` (ISO without it)."""
    parsed = parse_temporal(sources[0])
    if parsed is None:
        return pa.nulls(len(sources[0]), kind)
    ints, unit, _ = parsed
    empty = ~numpy_of(sources[0].is_valid())
    found = datepart(ints * MICROSECONDS[unit], parameters["part"], parameters.get("zone"))
    if parameters["part"] != "date":
        return as_type(array_of(found, pa.int64(), mask=empty), kind)
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    format = str(parameters.get("format") or "%Y-%m-%d") if text else str(kind)
    made = format_temporal(found, "microseconds", format, empty)
    return made if made.type == kind else pc.cast(made, kind)


def _same(sources: Sequence[pa.Array], parameters: Parameters, kind: pa.DataType) -> pa.Array:
    form = parameters.get("form", "same")
    return as_type(sources[0] if form == "same" else FORMS[form](sources[0]), kind, parameters.get("format"))


def _presence(sources: Sequence[pa.Array], parameters: Parameters, kind: pa.DataType) -> pa.Array:
    """One of two values by whether the source is NULL."""
    missing, present = (array_of([parameters[name]]).cast(kind)[0] for name in ("null", "set"))
    return pc.if_else(sources[0].is_valid(), present, missing)


Operation = Callable[[Sequence[pa.Array], Parameters, pa.DataType], pa.Array]

# copy and equal read one array; ordinal gets the position as its source; determines gets a lookup (see find_lookup).
OPERATIONS: Mapping[str, Operation] = {
    "linear": _linear,
    "product": _product,
    "clock": _clock,
    "elapsed": _elapsed,
    "datepart": _datepart,
    "equal": _same,
    "copy": _same,
    "presence": _presence,
}


def derive(
    operation: str,
    sources: Sequence[pa.Array],
    parameters: Parameters,
    kind: pa.DataType,
    lookup: pa.Table | None = None,
) -> pa.Array:
    """One derived column, n rows of Arrow type ``kind``.

    >>> derive("clock", [pa.array([2350]), pa.array([15])], {"midnight": 2400}, pa.int64()).to_pylist()
    [5]
    """
    if operation == "determines":
        assert lookup is not None
        return _look_up(sources, lookup, kind)
    if operation == "ordinal":
        return as_type(pc.add(sources[0], int(parameters.get("start", 1))), kind)
    return OPERATIONS[operation](sources, parameters, kind)


CONSISTENT = 0.9  # share of shorter determinants with one target that makes them a stand-in for the whole


def find_lookup(sources: Sequence[pa.Array], target: pa.Array, protection: int, groups: Integers) -> pa.Table:
    """Distinct (sources, target) that at least ``protection`` root entities have: columns s0, s1, ..., target, rows.

    Its metadata may name a source to ``drop``: without it the others still nearly always determine the target; and say
    that the rows of all other determinants have a target (``always``).
    """
    names = [f"s{i}" for i in range(len(sources))]
    table = pa.table([*sources, target, array_of(groups)], names=[*names, "target", "group"])
    grouped = table.group_by([*names, "target"], use_threads=False)
    counted = grouped.aggregate([("group", "count_distinct"), ("group", "count")])
    kept = counted.filter(pc.greater_equal(counted["group_count_distinct"], protection))
    kept = kept.select([*names, "target", "group_count"]).rename_columns([*names, "target", "rows"])
    kept = kept.sort_by([("rows", "descending")])
    drop = _least_needed(kept, names)
    found = kept.replace_schema_metadata({} if drop is None else {"drop": str(drop)})
    rest = target.filter(array_of(find_rows(sources, found) < 0))
    if len(rest) and not rest.null_count:
        found = found.replace_schema_metadata({**(found.schema.metadata or {}), "always": "yes"})
    return found


def of_nothing(lookup: pa.Table) -> pa.Table:
    """The rows of a lookup of which a source is NULL: all that is known where every other value will be a new one."""
    missing = np.zeros(lookup.num_rows, dtype=bool)
    for name in lookup.column_names:
        if name.startswith("s"):
            missing |= numpy_of(combined(lookup[name]).is_null())
    return lookup.filter(array_of(missing)).replace_schema_metadata({})


def _least_needed(lookup: pa.Table, names: list[str]) -> int | None:
    """The source whose loss leaves most of the others' tuples with a single target."""
    if len(names) < 2 or not lookup.num_rows:
        return None
    shares = []
    for name in names:
        rest = [n for n in names if n != name]
        pairs = lookup.group_by([*rest, "target"], use_threads=False).aggregate([([], "count_all")])
        counts = pairs.group_by(rest, use_threads=False).aggregate([([], "count_all")])
        shares.append(float(np.mean(numpy_of(counts["count_all"]) == 1)))
    best = int(np.argmax(shares))
    return best if shares[best] >= CONSISTENT else None


def find_rows(sources: Sequence[pa.Array], lookup: pa.Table) -> Integers:
    """Lookup row of every determinant, shape (n,), NULL being a value like any other; -1 where it was never seen."""
    out = np.full(len(sources[0]), -1, dtype=np.int64)
    if not lookup.num_rows:
        return out
    every = range(len(sources))
    drop = (lookup.schema.metadata or {}).get(b"drop")
    tries = [list(every)] + ([[i for i in every if i != int(drop)]] if drop is not None else [])
    for chosen in tries:
        rows = np.flatnonzero(out < 0)
        if rows.size:
            wanted = [sources[i].take(array_of(rows)) for i in chosen]
            known = [combined(lookup[f"s{i}"]) for i in chosen]
            out[rows] = locate(wanted, known, nulls_match=True)
    return out


def _look_up(sources: Sequence[pa.Array], lookup: pa.Table, kind: pa.DataType) -> pa.Array:
    """Values by determinant, null where it was never seen."""
    rows = find_rows(sources, lookup)
    if not lookup.num_rows:
        return pa.nulls(rows.size, kind)
    return as_type(combined(lookup["target"]).take(array_of(rows, pa.int64(), mask=rows < 0)), kind)
