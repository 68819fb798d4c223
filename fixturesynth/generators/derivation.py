"""Invariants compiled: columns computed from others, a whole column at a time.

Each operation takes the sources as Arrow arrays of n rows, JSON parameters and the Arrow type of the result, and gives
an Arrow array of n rows, null where a source it needs is null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.generators.keys import combined, locate
from fixturesynth.profiling.temporal import format_temporal, parse_temporal

__all__ = ["OPERATIONS", "as_type", "derive", "find_lookup"]

Parameters = Mapping[str, Any]


def as_type(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """The values in another Arrow type; numbers go through exact text or rounding, never through a silent wrap."""
    if values.type == kind:
        return values
    if pa.types.is_integer(kind) and pa.types.is_floating(values.type):
        return pc.cast(pc.round(values), kind)
    if pa.types.is_decimal(kind):
        if pa.types.is_floating(values.type):
            values = pc.round(values, kind.scale)
        return pc.cast(values, kind, safe=False)
    return pc.cast(values, kind)


def _floats(values: pa.Array) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    valid = np.asarray(values.is_valid())
    numbers = pc.cast(values, pa.float64(), safe=False)
    return numbers.fill_null(0.0).to_numpy(zero_copy_only=False), valid


def _number(data: npt.NDArray[np.float64], valid: npt.NDArray[np.bool_], kind: pa.DataType) -> pa.Array:
    return as_type(pa.array(data, pa.float64(), mask=~valid), kind)


def _linear(sources: Sequence[pa.Array], parameters: Parameters, kind: pa.DataType) -> pa.Array:
    total: Any = np.float64(parameters.get("constant", 0))
    valid: Any = np.bool_(True)
    for source, coefficient in zip(sources, parameters["coefficients"], strict=True):
        data, here = _floats(source)
        total = total + data * np.float64(coefficient)
        valid = valid & here
    decimals = parameters.get("decimals")
    return _number(np.round(total, decimals) if decimals is not None else total, valid, kind)


def _product(sources: Sequence[pa.Array], parameters: Parameters, kind: pa.DataType) -> pa.Array:
    (a, valid_a), (b, valid_b) = _floats(sources[0]), _floats(sources[1])
    result = a * b * np.float64(parameters.get("factor", 1))
    decimals = parameters.get("decimals")
    return _number(np.round(result, decimals) if decimals is not None else result, valid_a & valid_b, kind)


def _clock(sources: Sequence[pa.Array], parameters: Parameters, kind: pa.DataType) -> pa.Array:
    """sources[0] + sources[1] minutes on a HHMM clock; with ``subtract``, the minutes from sources[1] to sources[0].

    A difference is the one in [``lowest``, ``lowest`` + 24 h).
    """
    (a, valid_a), (b, valid_b) = _floats(sources[0]), _floats(sources[1])
    clock = a.astype(np.int64)
    minutes = clock // 100 * 60 + clock % 100 + b.astype(np.int64)
    minutes = minutes % 1440
    out = minutes // 60 * 100 + minutes % 60
    if parameters.get("midnight") == 2400:
        out = np.where(out == 0, 2400, out)
    return as_type(pa.array(out, pa.int64(), mask=~(valid_a & valid_b)), kind)


def _datepart(sources: Sequence[pa.Array], parameters: Parameters, kind: pa.DataType) -> pa.Array:
    parsed = parse_temporal(sources[0])
    valid = np.asarray(sources[0].is_valid())
    if parsed is None:
        return pa.nulls(len(sources[0]), kind)
    ints, unit, _ = parsed
    per_day = {"days": 1, "seconds": 86_400, "microseconds": 86_400_000_000}[unit]
    days = ints // per_day
    second = (ints - days * per_day) * 86_400 // per_day
    part = parameters["part"]
    if part == "date":
        text = format_temporal(days, "days", "%Y-%m-%d", ~valid)
        return text if kind == text.type else pc.cast(text, kind)
    date = days.astype("datetime64[D]")
    months = date.astype("datetime64[M]").astype(np.int64)
    parts = {
        "year": months // 12 + 1970,
        "month": months % 12 + 1,
        "day": (date - date.astype("datetime64[M]")).astype(np.int64) + 1,
        "weekday": (days + 3) % 7,
        "hour": second // 3600,
        "minute": second // 60 % 60,
        "second": second % 60,
    }
    return as_type(pa.array(parts[part], pa.int64(), mask=~valid), kind)


def _same(sources: Sequence[pa.Array], parameters: Parameters, kind: pa.DataType) -> pa.Array:
    return as_type(sources[0], kind)


Operation = Callable[[Sequence[pa.Array], Parameters, pa.DataType], pa.Array]

# copy and equal read one array; ordinal gets the position as its source; determines gets a lookup (see find_lookup).
OPERATIONS: Mapping[str, Operation] = {
    "linear": _linear,
    "product": _product,
    "clock": _clock,
    "datepart": _datepart,
    "equal": _same,
    "copy": _same,
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


def find_lookup(sources: Sequence[pa.Array], target: pa.Array, protection: int) -> pa.Table:
    """Distinct (sources, target) that at least ``protection`` rows have: columns s0, s1, ..., target, rows."""
    names = [f"s{i}" for i in range(len(sources))]
    table = pa.table([*sources, target], names=[*names, "target"])
    counted = table.group_by([*names, "target"], use_threads=False).aggregate([([], "count_all")])
    kept = counted.filter(pc.greater_equal(counted["count_all"], protection))
    return kept.rename_columns([*names, "target", "rows"]).sort_by([("rows", "descending")])


def _look_up(sources: Sequence[pa.Array], lookup: pa.Table, kind: pa.DataType) -> pa.Array:
    """Values by determinant. One that was never seen takes the value of the first determinant alone, else of the
    most frequent row: the same for every row that has it, so the dependency holds all the same."""
    n = len(sources[0])
    out = np.full(n, -1, dtype=np.int64)
    for width in range(len(sources), 0, -1):
        open_rows = out < 0
        if not open_rows.any():
            break
        known = [combined(lookup[f"s{i}"]) for i in range(width)]
        out[open_rows] = locate(sources[:width], known)[open_rows]
    if lookup.num_rows:
        out[out < 0] = 0
    missing = np.zeros(n, dtype=bool)
    for source in sources:
        missing |= ~np.asarray(source.is_valid())
    index = pa.array(np.maximum(out, 0), pa.int64(), mask=missing | (out < 0))
    values = combined(lookup["target"]) if lookup.num_rows else pa.nulls(1, lookup.schema.field("target").type)
    return as_type(values.take(index), kind)
