"""Dates and times taken apart, so that what hangs on the hour or the weekday can be learned.

A column becomes weeks or days, the day of the week where days of the week differ, and the time of day where it has
one; months and the day of the month where hardly any but a few days come (the 1st, the last). Each part is learned by
itself; together they are the value again, exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, fill_null, numpy_of
from fixturesynth.profiling.temporal import format_temporal, parse_temporal
from fixturesynth.randomness import below

__all__ = [
    "CLOCK",
    "DATE",
    "MONTHDAY",
    "PARTS",
    "WEEKDAY",
    "join_parts",
    "kept_within",
    "months_of",
    "parts_of",
    "parts_with",
    "split_parts",
]

Integers = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

DATE, WEEKDAY, MONTHDAY, CLOCK = "column", "weekday", "monthday", "clock"
PARTS = (DATE, WEEKDAY, MONTHDAY, CLOCK)
LAST = 31  # stands for the last day of a month, whichever it is; others count from 0
FEW_DAYS = 4  # of the month that nearly all rows keep to
MOSTLY = 0.97
PER_DAY = {"days": 1, "seconds": 86_400, "microseconds": 86_400_000_000}
LEAST_DAYS = 21  # a shorter span has no use for weeks
LEAST_CLOCKS = 4  # days of which the time of day may be told
DAYPARTS = 8
LEAST_ROWS = 200
# Chi-square with 6 degrees of freedom goes beyond this once in a million times when all days of the week are alike.
UNEVEN = 38.3
SURE = 7.0  # standard errors by which another column must hang on the day of the week
LEAST_EXPECTED = 5  # rows of a class on each day
MOST_CLASSES = 8


def split_parts(
    values: pa.Array, beside: Sequence[pa.Array] = (), since: pa.Array | None = None
) -> tuple[dict[str, Any], dict[str, pa.Array]] | None:
    """(facts, parts by name): int64 arrays of n rows, null where the value is. None where there is nothing to split.

    ``since``: dates, (n,), of which months are counted from theirs; facts then say so.

    ``beside``: other columns, (n,) each: where one of them hangs on the day of the week, that is a part of its own,
    also when all days of the week come as often. Source of the day numbering: 1970-01-01 was a Thursday; weeks start
    on Monday.
    """
    parsed = parse_temporal(values)
    if parsed is None:
        return None
    ints, unit, written = parsed
    valid = numpy_of(values.is_valid())
    if valid.sum() < LEAST_ROWS:
        return None
    day = ints // PER_DAY[unit]
    clock = ints - day * PER_DAY[unit]
    used = day[valid]
    if (facts := _monthly(used, clock[valid], unit, written)) is not None:
        parts = _parts(day, clock, valid, facts)
        if since is None:
            return facts, parts
        begin = _months_before(since)
        if begin is not None:
            parts[DATE] = pc.subtract(parts[DATE], begin)
            return {**facts, "since": True}, parts
    if since is not None:
        return None
    if not used.size:
        return None
    timed = bool(np.unique(clock[valid]).size > 1)
    if int(used.max() - used.min()) < LEAST_DAYS:
        # A few days say nothing of weeks; of the time of day they may.
        part = clock * DAYPARTS // PER_DAY[unit]
        if int(np.unique(used).size) < LEAST_CLOCKS or not any(_hangs_on(o, part, valid, DAYPARTS) for o in beside):
            return None
        facts = {"unit": unit, "format": written, "weekday": False, "clock": True, "time": int(clock[valid][0])}
        return facts, _parts(day, clock, valid, facts)
    weekdays = np.bincount((used + 3) % 7, minlength=7).astype(np.float64)
    expected = weekdays.sum() / 7
    uneven = bool(((weekdays - expected) ** 2 / expected).sum() > UNEVEN)
    uneven = uneven or any(_hangs_on(one, (day + 3) % 7, valid) for one in beside)
    if not uneven and not timed:
        return None
    facts = {"unit": unit, "format": written, "weekday": uneven, "clock": timed, "time": int(clock[valid][0])}
    return facts, _parts(day, clock, valid, facts)


def _monthly(day: Integers, clock: Integers, unit: str, written: str) -> dict[str, Any] | None:
    """Facts of dates that nearly all fall on a few days of the month, in several months."""
    if not day.size or int(np.unique(months_of(day)[0]).size) < 3:
        return None
    counts = np.sort(np.bincount(months_of(day)[1], minlength=LAST + 1))[::-1]
    if counts[:FEW_DAYS].sum() < MOSTLY * day.size:
        return None
    timed = bool(np.unique(clock).size > 1)
    return {
        "unit": unit, "format": written, "weekday": False, "monthly": True, "clock": timed, "time": int(clock[0])
    }  # fmt: skip


def months_of(day: Integers) -> tuple[Integers, Integers]:
    """Months since 1970 and the day in them, from 0, LAST for the last one; (n,) each.

    >>> months_of(np.array([0, 30, 31, 58]))[0].tolist(), months_of(np.array([0, 30, 31, 58]))[1].tolist()
    ([0, 0, 1, 1], [0, 31, 0, 31])
    """
    month = day.astype("datetime64[D]").astype("datetime64[M]")
    inside = day - month.astype("datetime64[D]").astype(np.int64)
    last = (month + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int64) - 1 == day
    return month.astype(np.int64), np.where(last, LAST, inside)


def _day_of(month: Integers, inside: Integers) -> Integers:
    """The day, (n,), of months and days in them as ``months_of`` gives them."""
    months = month.astype("datetime64[M]")
    begin = months.astype("datetime64[D]").astype(np.int64)
    end = (months + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int64) - 1
    found: Integers = np.minimum(begin + inside, end)
    return found


def _hangs_on(values: pa.Array, part: Integers, valid: npt.NDArray[np.bool_], parts: int = 7) -> bool:
    """Whether a column is surely not the same in all ``parts`` of the week or the day, by chi-square over a few
    classes."""
    codes = _classes(values)
    if codes is None:
        return False
    width = int(codes.max()) + 1
    cells = np.bincount(part[valid] * width + codes[valid], minlength=parts * width)
    table = cells.reshape(parts, width).astype(np.float64)
    table = table[:, table.sum(axis=0) >= LEAST_EXPECTED * parts]
    if table.shape[1] < 2:
        return False
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    squares = float(((table - expected) ** 2 / np.maximum(expected, 1e-9)).sum())
    freedom = (parts - 1) * (table.shape[1] - 1)
    return bool(squares > freedom + SURE * (2 * freedom) ** 0.5)


def _classes(values: pa.Array) -> Integers | None:
    """NULL, and quarters of a number or the most frequent categories; (n,). None where all is one class."""
    if pa.types.is_nested(values.type):
        return None
    encoded = pc.dictionary_encode(values)
    distinct = len(encoded.dictionary)
    if distinct < 2 and not values.null_count:
        return None
    codes: Integers = numpy_of(fill_null(encoded.indices, distinct)).astype(np.int64)
    counts = np.bincount(codes, minlength=distinct + 1)
    if distinct <= MOST_CLASSES:
        return codes
    if not pa.types.is_integer(values.type) and not pa.types.is_floating(values.type):
        classes: Integers = np.argsort(np.argsort(-counts, kind="stable"), kind="stable")
        return np.minimum(classes, MOST_CLASSES)[codes]
    ascending = numpy_of(pc.sort_indices(encoded.dictionary))
    middle = np.cumsum(counts[ascending]) - counts[ascending] / 2
    quarter = np.full(distinct + 1, 4, dtype=np.int64)  # the last one is NULL
    quarter[ascending] = np.minimum(4 * middle / max(int(counts[:-1].sum()), 1), 3)
    return quarter[codes]


def parts_with(values: pa.Array, facts: Mapping[str, Any]) -> dict[str, pa.Array] | None:
    """The parts of other values of the same column, by the facts found before; None where they are no such dates."""
    parsed = parse_temporal(values)
    if parsed is None or parsed[1] != facts["unit"]:
        return None
    valid = numpy_of(values.is_valid())
    return {name: array_of(part, pa.int64(), mask=~valid) for name, part in parts_of(parsed[0], facts).items()}


def _parts(
    day: Integers, clock: Integers, valid: npt.NDArray[np.bool_], facts: Mapping[str, Any]
) -> dict[str, pa.Array]:
    numbers = parts_of(day * PER_DAY[facts["unit"]] + clock, facts)
    return {name: array_of(part, pa.int64(), mask=~valid) for name, part in numbers.items()}


def parts_of(numbers: Integers, facts: Mapping[str, Any]) -> dict[str, Integers]:
    """The parts of moments, (n,) in the unit of the facts."""
    day = numbers // PER_DAY[facts["unit"]]
    parts = {DATE: (day + 3) // 7 if facts["weekday"] else day}
    if facts.get("monthly"):
        parts[DATE], parts[MONTHDAY] = months_of(day)
    if facts["weekday"]:
        parts[WEEKDAY] = (day + 3) % 7
    if facts["clock"]:
        parts[CLOCK] = numbers - day * PER_DAY[facts["unit"]]
    return parts


def _months_before(since: pa.Array) -> pa.Array | None:
    """Months since 1970 of dates, int64 (n,)."""
    parsed = parse_temporal(since)
    if parsed is None:
        return None
    return array_of(months_of(parsed[0] // PER_DAY[parsed[1]])[0], mask=~numpy_of(since.is_valid()))


def kept_within(parts: Mapping[str, pa.Array], facts: Mapping[str, Any], words: Words) -> dict[str, pa.Array]:
    """The parts, n rows, with dates beyond the ``first`` and the ``last`` moment of the facts moved between them.

    Where dates are weeks, the first and the last week are hardly ever whole: a day that is not in them becomes another
    one of the same week, by ``words`` (n,). What is beyond by its hour alone moves by a day.

    >>> facts = {"unit": "days", "weekday": True, "clock": False, "first": 6, "last": 26}  # a Wednesday, a Tuesday
    >>> parts = {DATE: pa.array([1, 2, 4]), WEEKDAY: pa.array([0, 0, 6])}
    >>> {k: v.to_pylist() for k, v in kept_within(parts, facts, np.zeros(3, np.uint64)).items()}
    {'column': [1, 2, 4], 'weekday': [2, 0, 0]}
    """
    out = dict(parts)
    if "first" not in facts or facts.get("monthly"):
        return out
    date = numpy_of(fill_null(parts[DATE], 0))
    clock = numpy_of(fill_null(parts[CLOCK], 0)) if facts["clock"] else np.zeros_like(date)
    unit = PER_DAY[facts["unit"]]
    low, high = -((clock - facts["first"]) // unit), (facts["last"] - clock) // unit
    day = date
    if facts["weekday"]:
        monday = date * 7 - 3
        day = monday + numpy_of(fill_null(parts[WEEKDAY], 0))
        begin, days = np.maximum(monday, low), np.minimum(monday + 6, high) - np.maximum(monday, low) + 1
        beyond = ((day < low) | (day > high)) & (days > 0)
        day = np.where(beyond, begin + below(words, np.maximum(days, 1)), day)
    day = np.maximum(np.minimum(day, high), low)
    empty = numpy_of(parts[DATE].is_null())
    out[DATE] = array_of((day + 3) // 7 if facts["weekday"] else day, pa.int64(), mask=empty)
    if facts["weekday"]:
        out[WEEKDAY] = array_of((day + 3) % 7, pa.int64(), mask=numpy_of(parts[WEEKDAY].is_null()))
    return out


def join_parts(
    parts: Mapping[str, pa.Array], facts: Mapping[str, Any], kind: pa.DataType, since: pa.Array | None = None
) -> pa.Array:
    """The column again, n rows in its own type and format. ``since``: what its months are counted from, if they are."""
    if since is not None:
        begin = _months_before(since)
        parts = {**parts, DATE: pa.nulls(len(since), pa.int64()) if begin is None else pc.add(parts[DATE], begin)}
    valid = numpy_of(parts[DATE].is_valid())
    numbers = {name: numpy_of(fill_null(part, 0)) for name, part in parts.items()}
    day = numbers[DATE] * 7 + numbers[WEEKDAY] - 3 if facts["weekday"] else numbers[DATE]
    if facts.get("monthly"):
        day = _day_of(numbers[DATE], numbers[MONTHDAY])
    clock = numbers[CLOCK] if facts["clock"] else np.int64(facts["time"])
    made = format_temporal(day * PER_DAY[facts["unit"]] + clock, facts["unit"], facts["format"], ~valid)
    return made if made.type == kind else made.cast(kind)
