"""Dates and times taken apart, so that what hangs on the hour or the weekday can be learned.

A column becomes weeks or days, the day of the week where days of the week differ, and the time of day where it has
one. Each part is learned by itself; together they are the value again, exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.profiling.temporal import format_temporal, parse_temporal

__all__ = ["CLOCK", "DATE", "WEEKDAY", "join_parts", "parts_with", "split_parts"]

Integers = npt.NDArray[np.int64]

DATE, WEEKDAY, CLOCK = "column", "weekday", "clock"
PER_DAY = {"days": 1, "seconds": 86_400, "microseconds": 86_400_000_000}
LEAST_DAYS = 21  # a shorter span has no use for weeks
LEAST_ROWS = 200
# Chi-square with 6 degrees of freedom goes beyond this once in a million times when all days of the week are alike.
UNEVEN = 38.3


def split_parts(values: pa.Array) -> tuple[dict[str, Any], dict[str, pa.Array]] | None:
    """(facts, parts by name): int64 arrays of n rows, null where the value is. None where there is nothing to split.

    Source of the day numbering: 1970-01-01 was a Thursday; weeks start on Monday.
    """
    parsed = parse_temporal(values)
    if parsed is None:
        return None
    ints, unit, written = parsed
    valid = np.asarray(values.is_valid())
    if valid.sum() < LEAST_ROWS:
        return None
    day = ints // PER_DAY[unit]
    clock = ints - day * PER_DAY[unit]
    used = day[valid]
    if not used.size or int(used.max() - used.min()) < LEAST_DAYS:
        return None
    weekdays = np.bincount((used + 3) % 7, minlength=7).astype(np.float64)
    expected = weekdays.sum() / 7
    uneven = bool(((weekdays - expected) ** 2 / expected).sum() > UNEVEN)
    timed = bool(np.unique(clock[valid]).size > 1)
    if not uneven and not timed:
        return None
    facts = {"unit": unit, "format": written, "weekday": uneven, "clock": timed, "time": int(clock[valid][0])}
    return facts, _parts(day, clock, valid, facts)


def parts_with(values: pa.Array, facts: Mapping[str, Any]) -> dict[str, pa.Array] | None:
    """The parts of other values of the same column, by the facts found before; None where they are no such dates."""
    parsed = parse_temporal(values)
    if parsed is None or parsed[1] != facts["unit"]:
        return None
    day = parsed[0] // PER_DAY[parsed[1]]
    return _parts(day, parsed[0] - day * PER_DAY[parsed[1]], np.asarray(values.is_valid()), facts)


def _parts(
    day: Integers, clock: Integers, valid: npt.NDArray[np.bool_], facts: Mapping[str, Any]
) -> dict[str, pa.Array]:
    parts = {DATE: (day + 3) // 7 if facts["weekday"] else day}
    if facts["weekday"]:
        parts[WEEKDAY] = (day + 3) % 7
    if facts["clock"]:
        parts[CLOCK] = clock
    return {name: pa.array(part, pa.int64(), mask=~valid) for name, part in parts.items()}


def join_parts(parts: Mapping[str, pa.Array], facts: Mapping[str, Any], kind: pa.DataType) -> pa.Array:
    """The column again, n rows in its own type and format."""
    valid = np.asarray(parts[DATE].is_valid())
    numbers = {name: part.fill_null(0).to_numpy(zero_copy_only=False) for name, part in parts.items()}
    day = numbers[DATE] * 7 + numbers[WEEKDAY] - 3 if facts["weekday"] else numbers[DATE]
    clock = numbers[CLOCK] if facts["clock"] else np.int64(facts["time"])
    made = format_temporal(day * PER_DAY[facts["unit"]] + clock, facts["unit"], facts["format"], ~valid)
    return made if made.type == kind else made.cast(kind)
