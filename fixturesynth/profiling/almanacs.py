"""Calendars kept as tables: a row for each day (week, month) or for each second (minute, hour) of a day.

Warehouses have them. Nobody's secrets are in one, and a made-up one would be wrong: such a table is told by rows that
follow each other evenly, by columns that are parts of the date or of the time of day, and by having nothing else but
what goes on with the days or is a label of some.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.profiling.calendars import DAY, PARTS, datepart
from fixturesynth.profiling.columnar import ColumnView, TableView, view_table
from fixturesynth.profiling.profile import ColumnProfile
from fixturesynth.profiling.semantics import PERSONAL
from fixturesynth.schema.model import Table

__all__ = ["LARGEST_CALENDAR", "find_calendar"]

Integers = npt.NDArray[np.int64]

LARGEST_CALENDAR = 100_000
LEAST_ROWS = 24
LEAST_PARTS = 2  # columns that are parts of the date, or of the time of day, to the last row
MOST_LABELS = 60  # names of days: holidays, seasons
FEW_NUMBERS = 12  # flags, months of another year
LONG_TEXT = 40  # characters, of texts that differ from day to day
FEW_STEPS = 4  # days of a month, a year's end
ONWARD = 0.9  # of the steps from row to row: the same number, or the next
_UNITS = (1_000_000, 60_000_000, 3_600_000_000)  # seconds, minutes, hours, in microseconds


def find_calendar(table: Table, rows: pa.Table, columns: Mapping[str, ColumnProfile]) -> str | None:
    """The column that a calendar's rows follow, one for each day or moment of a day; None where it is none."""
    if not LEAST_ROWS <= rows.num_rows <= LARGEST_CALENDAR or table.foreign_keys:
        return None
    if any(c.meaning in PERSONAL for c in columns.values() if c.kind != "empty"):
        return None
    view = view_table(table, rows)
    for column, moments, parts in _leading(view):
        order = np.argsort(moments, kind="stable")
        told = {p: datepart(moments, p) for p in parts}
        others = [c for c in view.columns.values() if c is not column]
        exact = [c for c in others if _is_part(c, told)]
        if len(exact) >= LEAST_PARTS and all(c in exact or _goes_along(c, order) for c in others):
            return column.name
    return None


def _leading(view: TableView) -> Iterator[tuple[ColumnView, Integers, tuple[str, ...]]]:
    """Columns that are a date or a time of day for each row, evenly: their moments, (rows,), and parts that these
    have."""
    of_dates = tuple(p for p in PARTS if p not in ("hour", "minute", "second", "date"))
    of_clocks = ("hour", "minute", "second")
    for column in view.columns.values():
        if not column.unique:
            continue
        if column.family == "datetime" and column.dates_only and _even(column.moments // DAY):
            yield column, column.moments, of_dates
        elif column.family == "time" and _even(column.moments):
            yield column, column.moments, of_clocks
        elif column.whole:
            moments = _written(column.integers)
            if moments is not None and _even(moments // DAY):
                yield column, moments, of_dates
            low, high = int(column.integers.min()), int(column.integers.max())
            if low in (0, 1) and _even(column.integers):
                yield from ((column, (column.integers - low) * u, of_clocks) for u in _UNITS if (high - low) * u < DAY)


def _even(values: Integers) -> bool:
    """Whether they follow each other in one step, or from month to month."""
    steps = np.unique(np.diff(np.sort(values)))
    return steps.size == 1 or (int(steps[0]) >= 28 and int(steps[-1]) <= 31)


def _written(numbers: Integers) -> Integers | None:
    """Dates written as numbers (20240131), as moments; None where one is no date."""
    year, month, day = numbers // 10_000, numbers // 100 % 100, numbers % 100
    if not bool(((year >= 1) & (year <= 9_999) & (month >= 1) & (month <= 12) & (day >= 1)).all()):
        return None
    months = np.array((year - 1970) * 12 + month - 1, dtype="datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64) + day - 1
    moments: Integers = days * DAY
    return moments if bool((datepart(moments, "month") == month).all()) else None


def _is_part(column: ColumnView, told: Mapping[str, Integers]) -> bool:
    return (
        bool(column.whole)
        and column.distinct > 1
        and not column.nulls
        and any(bool((part == column.integers).all()) for part in told.values())
    )


def _grain(column: ColumnView) -> int:
    return DAY if column.family == "datetime" else 1


def _goes_along(column: ColumnView, order: Integers) -> bool:
    """Whether the column goes on with the days, begins again and again, or is a label of some."""
    codes = column.dense[order]
    if column.classes <= 2 or column.family == "boolean":
        return True
    if column.family in ("number", "datetime", "time"):
        if column.nulls:
            return False
        values = column.numbers[order] if column.family == "number" else (column.moments[order] // _grain(column))
        steps = np.diff(values.astype(np.float64))
        # Sums of what happened never fall either, but by any step.
        if np.unique(steps).size <= FEW_STEPS or np.isin(steps, (0, 1)).mean() >= ONWARD:
            return True
        return column.family == "number" and bool(column.whole) and column.distinct <= FEW_NUMBERS
    if column.family != "text":
        return False
    runs = 1 + int(np.count_nonzero(np.diff(codes)))
    if runs == column.classes:  # each comes once, for a while
        return column.values is not None and max(map(len, column.values.to_pylist())) <= LONG_TEXT
    return column.classes <= MOST_LABELS
