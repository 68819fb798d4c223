"""Even gaps from sibling to sibling: every month, every 14 days, every working day, or as a category has it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.profiling.aggregates import plain_category
from fixturesynth.profiling.columnar import DAY, ColumnView, TableView
from fixturesynth.profiling.invariants.evidence import FEWEST
from fixturesynth.profiling.invariants.succession import SCREEN, Line
from fixturesynth.profiling.profile import Invariant
from fixturesynth.profiling.siblings import Siblings, paced, unit_of

__all__ = ["find_paced", "keeps_pace"]

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MONTHS = (1, 2, 3, 4, 6, 12)
ON_ONE_GRID = 7.0  # surprise that firsts of families stand on one grid; that they go on evenly is known by then
MOSTLY = 0.8  # of the rows must be in categories whose gap is known
MOST_CATEGORIES = 8  # of a column that decides the gap


def find_paced(
    line: Line, parents: Mapping[str, TableView], located: Mapping[str, Integers], taken: set[str]
) -> Iterator[Invariant]:
    """target = the sibling's before it and a step: so many days, seconds, months or weekdays; of numbers, so much."""
    view = line.view
    steps = int(np.count_nonzero(~line.whole.first))
    for target in view.columns.values():
        dated = target.family == "datetime"
        if target.name in taken or target.nulls or target.distinct < 4 or target.name not in line.grids:
            continue
        if steps < 3 * FEWEST or target.name in view.references or target.name in view.identities:
            continue
        if line.order[0] != target.name and (dated or target.name in line.order):
            continue
        whole, decimals = line.grids[target.name]
        own: tuple[str, ...] = ()
        if dated:
            unit = unit_of(target)
            step = _pace(line.few, whole, unit)
            if step is None or not keeps_pace(line.whole, whole, unit, step).all():
                found = _by_category(line, whole, unit, parents, located)
                if found is None:
                    continue
                step = found
                own = (step["by"],) if step["key"] is None else ()
            else:
                step |= _phase(line.whole, whole, step)
            step["unit"] = unit
        else:
            gap = _even(line.few, whole)
            if gap is None or _even(line.whole, whole) != gap or not line.groups:
                continue
            step = {"every": gap, "of": "units", "decimals": decimals}
            step |= _phase(line.whole, whole, step)
        taken.add(target.name)
        sources = tuple(n for n in dict.fromkeys([*line.groups, *line.order, *own]) if n != target.name)
        yield Invariant("paced", view.table.name, target.name, sources, None, {**step, **line.named}, steps)


def _phase(line: Siblings, whole: Integers, step: Mapping[str, Any]) -> dict[str, int]:
    """``phase``: what is left of every first one when it is divided by the gap, where that is the same for all."""
    every = abs(int(step["every"]))
    if step["of"] != "units" or every < 2:
        return {}
    left = whole[line.order[line.first]] % every
    sure = (left.size - 1) * math.log(every) >= ON_ONE_GRID
    return {"phase": int(left[0])} if sure and (left == left[0]).all() else {}


def _by_category(
    line: Line, days: Integers, unit: int, parents: Mapping[str, TableView], located: Mapping[str, Integers]
) -> dict[str, Any] | None:
    """A gap for each category of the parent, or of the rows themselves where all of a family share it."""
    view, whole = line.view, line.whole
    if line.key is None or line.key not in located:
        return None
    parent, at = parents[view.table.foreign_key(line.key).parent], located[line.key]
    if not parent.rows or (at[whole.order] < 0).any():
        return None
    heads = whole.order[whole.first][whole.family]
    for key, column, codes in [
        *((line.key, c, c.dense[at[whole.order]]) for c in _deciders(parent)),
        *((None, c, c.dense[whole.order]) for c in _deciders(view) if (c.dense[heads] == c.dense[whole.order]).all()),
    ]:
        values = [*(column.values.to_pylist() if column.values is not None else []), None]
        paces, rows = [], 0
        for code in np.unique(codes).tolist():
            mask = codes == code
            some = Siblings(whole.order[mask], whole.first[mask])
            step = _pace(Siblings(some.order[:SCREEN], some.first[:SCREEN]), days, unit)
            if step is None and np.count_nonzero(~some.first) < FEWEST:
                continue
            if step is None or not keeps_pace(some, days, unit, step).all():
                break
            paces.append([plain_category(values[code]), step])
            rows += int(mask.sum())
        else:
            if rows >= MOSTLY * codes.size and len({str(p) for _, p in paces}) > 1:
                return {"by": column.name, "key": key, "paces": paces}
    return None


def _deciders(view: TableView) -> list[ColumnView]:
    return [
        c for c in view.columns.values()
        if 2 <= c.classes <= MOST_CATEGORIES and c.values is not None and c.name not in view.opaque
        and (c.family in ("text", "boolean") or c.whole)
    ]  # fmt: skip


def _even(line: Siblings, whole: Integers) -> int | None:
    """By how much each sibling differs from the one before, where that is the same everywhere, and something."""
    gaps = np.diff(whole[line.order], prepend=0)[~line.first]
    return int(gaps[0]) if gaps.size and gaps[0] and (gaps == gaps[0]).all() else None


def _pace(few: Siblings, days: Integers, unit: int) -> dict[str, Any] | None:
    after = np.flatnonzero(~few.first)
    if after.size < FEWEST:
        return None
    ordered = days[few.order]
    gaps = ordered[after] - ordered[after - 1]
    if gaps[0] > 0 and (gaps == gaps[0]).all():
        return {"every": int(gaps[0]), "of": "units"}
    tries = [{"every": m, "of": "months", "month_end": end} for m in MONTHS for end in (True, False)]
    for step in [*tries, {"every": 1, "of": "weekdays"}]:
        if keeps_pace(few, days, unit, step).all():
            return step
    return None


def keeps_pace(line: Siblings, days: Integers, unit: int, parameters: Mapping[str, Any]) -> Flags:
    """Whether each row stands where its family's first leads to, (n,) in order; the first always does.

    Of months, the day is the family's latest one or the last of the month, whichever comes first.
    """
    ordered = days[line.order]
    if parameters["of"] != "months":
        return np.asarray(paced(ordered[line.first][line.family], line.place, parameters, unit) == ordered)
    per_day = DAY // unit
    month, inside, length = _in_month(ordered // per_day)
    if parameters.get("month_end"):
        right = inside == length - 1
    else:
        latest = np.zeros(int(line.family.max(initial=-1)) + 1, dtype=np.int64)
        np.maximum.at(latest, line.family, inside)
        right = inside == np.minimum(latest[line.family], length - 1)
    right &= month == month[line.first][line.family] + line.place * int(parameters["every"])
    clock = ordered % per_day
    return np.asarray(right & (clock == clock[line.first][line.family]))


def _in_month(day: Integers) -> tuple[Integers, Integers, Integers]:
    """Months since 1970, the day of the month from 0, and how many it has, (n,) each."""
    month = day.astype("datetime64[D]").astype("datetime64[M]")
    begin = month.astype("datetime64[D]").astype(np.int64)
    end = (month + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int64)
    return month.astype(np.int64), day - begin, end - begin
