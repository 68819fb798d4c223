"""Numbers that say how long it is from one moment to another: nights of a stay, minutes of a trip, an age."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.profiling.columnar import ColumnView, TableView
from fixturesynth.profiling.elapsed import UNITS, as_written, elapsed, raw_elapsed
from fixturesynth.profiling.invariants.crossing import lent
from fixturesynth.profiling.invariants.evidence import FEWEST, shuffled
from fixturesynth.profiling.profile import Invariant
from fixturesynth.schema.model import ForeignKey

__all__ = ["find_durations", "find_durations_since_parent"]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Facts = dict[str, Any]

FIRST_LOOK = 60  # rows compared before anything costly is done
MOST_DATES = 12
LEAST_DISTINCT = 3
BROKEN = 0.05  # of the rows, that would break the rule were the numbers dealt out anew
COUNTED = (0, 1, -1)  # days between two days, with both of them, without either
ROUNDINGS = ("half_even", "half_away", "down", "up")
FROM_1970 = ("days", "seconds", "milliseconds")


def find_durations(view: TableView) -> Iterator[Invariant]:
    """target = from sources[1] to sources[0], or from 1970 to sources[0]."""
    numbers, dates = _numbers(view), _dates(view)
    for until in dates:
        for since in (*dates, None):
            if since is until:
                continue
            for target, facts, support in _told(numbers, until, since):
                sources = (until.name,) if since is None else (until.name, since.name)
                yield Invariant("elapsed", view.table.name, target, sources, None, facts, support)


def find_durations_since_parent(
    child: TableView, parent: TableView, fk: ForeignKey, at: Integers
) -> Iterator[Invariant]:
    """target = from the parent's ``theirs`` to sources[0], or the other way round (``sign`` -1).

    ``at``: each row's parent row, -1 for none, (n,).
    """
    numbers, own = _numbers(child), _dates(child)
    if not numbers or not own or int((at >= 0).sum()) < FEWEST:
        return
    for theirs in _dates(parent):
        since = lent(theirs, at)
        for until in own:
            for sign in (1, -1):
                for target, facts, support in _told(numbers, until, since, sign):
                    parameters = facts | {"theirs": theirs.name}
                    yield Invariant("elapsed", child.table.name, target, (until.name,), fk.name, parameters, support)


def _numbers(view: TableView) -> list[ColumnView]:
    barred = view.references | view.opaque | view.identities
    return [
        c for c in view.columns.values()
        if c.family == "number" and c.name not in barred and c.distinct >= LEAST_DISTINCT and c.decimals is not None
    ]  # fmt: skip


def _dates(view: TableView) -> list[ColumnView]:
    return [c for c in view.columns.values() if c.family == "datetime" and c.distinct >= LEAST_DISTINCT][:MOST_DATES]


def _told(
    numbers: Sequence[ColumnView], until: ColumnView, since: ColumnView | None, sign: int = 1
) -> Iterator[tuple[str, Facts, int]]:
    """Of which numbers the distance is the value: (column, parameters, rows that bear witness)."""
    both = until.valid if since is None else until.valid & since.valid
    rows = np.flatnonzero(both)
    if not numbers or rows.size < FEWEST:
        return
    begin = np.zeros(until.rows, dtype=np.int64) if since is None else since.moments
    look = rows[:: max(1, rows.size // FIRST_LOOK)]
    if since is not None and bool((begin[look] == until.moments[look]).all()):
        return
    seen = np.stack([c.numbers[look] for c in numbers])
    step = np.array([10.0 ** -(c.decimals or 0) for c in numbers])[:, None]
    found: set[str] = set()
    for unit in UNITS if since is not None else FROM_1970:
        distance = raw_elapsed(begin[look], until.moments[look], unit) * sign
        for constant in COUNTED if unit == "days" and since is not None else (0,):
            off = np.abs(seen - distance - constant)
            with np.errstate(invalid="ignore"):
                near = np.isnan(seen) | (off < step * (1 + 1e-6) + 1e-8 * np.abs(seen))
            for k in np.flatnonzero(near.all(axis=1) & ~np.isnan(seen).all(axis=1)):
                target = numbers[int(k)]
                facts = {"unit": unit, "decimals": target.decimals}
                facts |= ({"constant": constant} if constant else {}) | ({"sign": sign} if sign != 1 else {})
                if target.name not in found and (kept := _verified(target, begin, until, both, facts)) is not None:
                    found.add(target.name)
                    yield target.name, *kept


def _verified(
    target: ColumnView, begin: Integers, until: ColumnView, both: npt.NDArray[np.bool_], facts: Mapping[str, Any]
) -> tuple[Facts, int] | None:
    rows = np.flatnonzero(both & target.valid)
    if rows.size < FEWEST:
        return None
    decimals = int(facts["decimals"])
    since, moments, wanted = begin[rows], until.moments[rows], target.numbers[rows]
    if np.unique(wanted).size < LEAST_DISTINCT:
        return None
    for rounding in ROUNDINGS:
        parameters = {**facts} if rounding == "half_even" else {**facts, "rounding": rounding}
        made = elapsed(since, moments, parameters)
        if bool(as_written(made, wanted, decimals).all()):
            broken = int(np.count_nonzero(~as_written(made, wanted[shuffled(rows.size)], decimals)))
            enough = broken >= FEWEST and broken >= BROKEN * rows.size
            return (parameters, int(rows.size)) if enough else None
    return None
