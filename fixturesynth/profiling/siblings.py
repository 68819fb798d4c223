"""Rows that follow each other inside families: in which order they stand, and what one has from the one before.

A family is the rows that agree in ``groups`` (columns; none: the whole table). Rules between siblings are arithmetic on
whole numbers: numbers at so many decimals, days of dates, microseconds of moments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from fixturesynth.arrays import numpy_of
from fixturesynth.profiling.columnar import DAY, ColumnView, TableView, joint_codes

__all__ = ["MOST", "Siblings", "amounts", "by_pace", "line_up", "on_grid", "paced", "sort_key", "unit_of", "within"]

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MOST = 2.0**53  # whole numbers up to here are exact in a float
EXACT = 1e-3  # of a unit: further off it is a float's error, no digit


@dataclass(frozen=True, eq=False)
class Siblings:
    """``order``: row numbers, family by family, each family in its order; ``first``: which of them begin one."""

    order: Integers  # (n,)
    first: Flags  # (n,)

    @cached_property
    def last(self) -> Flags:
        """Which of ``order`` end a family, (n,)."""
        return np.append(self.first[1:], True)[: self.first.size]

    @cached_property
    def family(self) -> Integers:
        """Number of the family of each of ``order``, from 0, (n,)."""
        return np.cumsum(self.first, dtype=np.int64) - 1

    @cached_property
    def place(self) -> Integers:
        """Number of each of ``order`` in its family, from 0, (n,)."""
        starts = np.flatnonzero(self.first)
        return np.arange(self.first.size) - starts[self.family] if self.first.size else self.family

    def among(self, rows: Flags) -> Siblings:
        """The same without the rows that are not in ``rows``, (all rows of the table,)."""
        kept = rows[self.order]
        if kept.all():
            return self
        family = self.family[kept]
        first = np.ones(family.size, dtype=bool)
        first[1:] = family[1:] != family[:-1]
        return Siblings(self.order[kept], first)

    def running(self, steps: Integers) -> Integers:
        """Sums of ``steps``, (n,) in order, from the first of each family on."""
        total = np.cumsum(steps, dtype=np.int64)
        starts = np.flatnonzero(self.first)
        before = np.where(starts > 0, total[starts - 1], 0)
        result: Integers = total - before[self.family] if steps.size else total
        return result


def sort_key(column: ColumnView) -> npt.NDArray[Any]:
    """What sorts as the column does, (rows,): NULL last."""
    if column.family == "number":
        return column.numbers
    if column.family in ("datetime", "time"):
        return np.where(column.valid, column.moments, np.iinfo(np.int64).max)
    if column.values is None:
        return column.dense
    rank = np.empty(column.distinct + 1, dtype=np.int64)
    rank[numpy_of(pc.sort_indices(column.values))] = np.arange(column.distinct)
    rank[-1] = column.distinct
    return rank[column.codes]


def line_up(view: TableView, groups: Sequence[str], order: Sequence[str], rows: Integers | None = None) -> Siblings:
    """Siblings by the columns of ``order``, ties as the rows stand; rows without a family take no part."""
    chosen = np.arange(view.rows, dtype=np.int64) if rows is None else rows
    for name in groups:
        chosen = chosen[view[name].valid[chosen]]
    keys: list[npt.NDArray[Any]] = [sort_key(view[name])[chosen] for name in reversed(order)]
    if not groups:
        at = np.lexsort(keys) if keys else np.arange(chosen.size)
        first = np.zeros(chosen.size, dtype=bool)
        first[:1] = True
        return Siblings(chosen[at], first)
    family, _ = joint_codes([(view[n].codes[chosen], view[n].distinct) for n in groups])
    at = np.lexsort((*keys, family))
    ordered = family[at]
    first = np.ones(chosen.size, dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return Siblings(chosen[at], first)


def unit_of(column: ColumnView) -> int:
    """Microseconds of one unit of a datetime."""
    return DAY if column.dates_only else 1


def on_grid(column: ColumnView, decimals: int, *, exact: bool = True) -> Integers | None:
    """The column in whole units, (rows,), 0 where NULL: numbers times 10 to ``decimals``, dates in days, moments in
    microseconds. None where that is not exact; the nearest ones where that is not asked."""
    if column.family == "datetime":
        return np.where(column.valid, column.moments // unit_of(column), 0)
    scaled = np.where(column.valid, column.numbers, 0.0) * 10.0**decimals
    if not exact:
        return np.rint(np.clip(np.nan_to_num(scaled), -MOST, MOST)).astype(np.int64)
    whole = np.rint(scaled)
    if not np.isfinite(scaled).all() or bool((np.abs(whole) >= MOST).any()):
        return None
    if bool((np.abs(whole - scaled) > EXACT).any()):
        return None
    return whole.astype(np.int64)


def amounts(view: TableView, parameters: Mapping[str, Any], *, exact: bool = True) -> tuple[Integers, Flags] | None:
    """(what each row adds, in units of ``decimals``, 0 for NULL; whether its sign is known), (rows,) each.

    None where a column is finer than ``decimals``, unless the nearest will do.
    """
    total = np.zeros(view.rows, dtype=np.int64)
    for name, factor in parameters["terms"]:
        whole = on_grid(view[name], parameters["decimals"], exact=exact)
        if whole is None:
            return None
        total += int(factor) * whole
    known = np.ones(view.rows, dtype=bool)
    if parameters.get("by"):
        column = view[parameters["by"]]
        signs = {_plain(value): int(sign) for value, sign in parameters["signs"]}
        values = [] if column.values is None else [_plain(v) for v in column.values.to_pylist()]
        other = int(parameters.get("other", 1))
        sign = np.array([signs.get(v, other) for v in [*values, None]], dtype=np.int64)
        told = np.array([v in signs for v in [*values, None]], dtype=bool)
        total, known = total * sign[column.codes], told[column.codes]
    return total, known


def _plain(value: Any) -> Any:
    """A category as JSON has it; numbers of any type alike."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return str(value) if isinstance(value, bool) else value
    try:
        return str(int(value)) if value == int(value) else str(value)
    except (TypeError, ValueError):
        return str(value)


def by_pace(
    line: Siblings, parameters: Mapping[str, Any], categories: Sequence[Any]
) -> list[tuple[Flags, Siblings, Mapping[str, Any]]]:
    """(which of the line, those, their even gap): all in one, or those of each category; ``categories`` by row."""
    if "paces" not in parameters:
        return [(np.ones(line.order.size, dtype=bool), line, parameters)]
    heads = line.order[line.first].tolist()
    own = [_plain(categories[row]) for row in heads]
    found = []
    for category, step in parameters["paces"]:
        mask = np.array([c == _plain(category) for c in own], dtype=bool)[line.family]
        found.append((mask, Siblings(line.order[mask], line.first[mask]), step))
    return found


def within(
    start: Integers, places: Integers, parameters: Mapping[str, Any], unit: int, low: int, high: int
) -> Integers:
    """Starts moved by whole steps towards ``low``, so that the last of so many ``places`` lies at ``high`` at the most.

    (families,) each. What does not fit between the two begins at ``low``; ``phase`` moves starts on their grid.

    >>> tens = {"every": 10, "of": "units", "phase": 0}
    >>> within(np.array([3, 90, 95]), np.array([2, 2, 11]), tens, 1, 10, 100).tolist()
    [0, 80, 10]
    """
    every = int(parameters["every"])
    if "phase" in parameters:
        start = start - (start - int(parameters["phase"]) + abs(every) // 2) % abs(every) + abs(every) // 2
    if every <= 0:
        return start
    length = every * {"units": 1, "weekdays": DAY // unit, "months": 31 * (DAY // unit)}[parameters["of"]]
    over = np.maximum(paced(start, places, parameters, unit) - high, 0)
    steps = np.minimum(-(-over // length), np.maximum(start - low, 0) // length)
    return paced(start, -steps, parameters, unit)


def paced(start: Integers, place: Integers, parameters: Mapping[str, Any], unit: int) -> Integers:
    """Where the sibling ``place`` steps after ``start`` stands, (n,) each, in units of ``unit`` microseconds.

    ``parameters``: ``every``: how many; ``of``: units, months (the same day of the month, or its last; see
    ``month_end``), or weekdays (Monday to Friday).

    >>> day = np.array([30, 30, 30])  # 1970-01-31
    >>> monthly = paced(day, np.arange(3), {"every": 1, "of": "months"}, DAY)
    >>> monthly.astype("datetime64[D]").astype(str).tolist()
    ['1970-01-31', '1970-02-28', '1970-03-31']
    """
    every, of = int(parameters["every"]), parameters["of"]
    if of == "units":
        return start + place * every
    per_day = DAY // unit
    day, rest = start // per_day, start % per_day
    if of == "weekdays":
        # Weekdays counted from a Monday; a start on a weekend counts as the Monday after.
        since = day + 3
        count = since // 7 * 5 + np.minimum(since % 7, 5) + place * every
        return (count // 5 * 7 + count % 5 - 3) * per_day + rest
    month = day.astype("datetime64[D]").astype("datetime64[M]")
    inside = (day - month.astype("datetime64[D]").astype(np.int64)).astype(np.int64)
    then = month + (place * every).astype("timedelta64[M]")
    begin = then.astype("datetime64[D]").astype(np.int64)
    length = (then + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int64) - begin
    wanted = length - 1 if parameters.get("month_end") else np.minimum(inside, length - 1)
    then_day: Integers = (begin + wanted) * per_day + rest
    return then_day
