"""Exclusion constraints on finished columns: cumulative gaps, so that spans of one group never overlap.

With starts s and lengths l in order, a span moves to L(i) + max over j <= i of (s(j) - L(j)), where L are the lengths
before it: the least that every span must move upwards so that none begins before the last one has ended. What then ends
too late is pushed back from the end in the same way. Lengths stay as they are unless a group has no room for them.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, numpy_of, scalar_of
from fixturesynth.errors import CapacityError
from fixturesynth.planning.plan import ExclusionPlan, TablePlan
from fixturesynth.profiling.ranges import range_ends, range_texts, units_of, values_of
from fixturesynth.randomness import below, hashed
from fixturesynth.sampling.assembly import Assembly
from fixturesynth.sampling.dealing import deal_groups
from fixturesynth.sampling.matching import codes_of, pair_keys
from fixturesynth.sampling.searching import Condition
from fixturesynth.schema.model import ColumnType
from fixturesynth.schema.predicates import NotUnderstood, evaluate

__all__ = ["apart_conditions", "place_spans", "placed_columns", "settle_exclusions"]

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Columns = dict[str, pa.Array]

FILLED = 0.7  # share of the usual time that rows without an example may take up
# Lengths are cut to whole steps: days, hours, quarters, minutes, seconds of a moment; else powers of ten.
STEPS = {"timestamp": (86_400_000_000, 3_600_000_000, 900_000_000, 60_000_000, 1_000_000, 1_000, 1)}
TENS = tuple(10**k for k in range(12, -1, -1))
QUARTER = 900_000_000
QUARTERS = (2, 2, 3, 4, 4, 4, 4, 6, 6, 8, 8, 12, 16, 32)  # lengths of appointments, from half an hour to eight


@dataclass
class Spans:
    """Ends of every row's span in units; ``starts`` and ``ends``: which of them are known, each shape (rows,)."""

    low: Integers
    high: Integers
    starts: Mask
    ends: Mask


def settle_exclusions(assembly: Assembly, columns: Columns, late: frozenset[str], *, closed: bool) -> Columns:
    """The columns with every exclusion of the plan held; CapacityError when a group has no room for its rows.

    ``late``: columns that wait until a cycle is closed. ``closed``: exclusions that name one of them, else all others.
    """
    out = dict(columns)
    for plan in assembly.plan.exclusions:
        if plan.brief and not closed:
            _shorten(assembly, plan, out)
        if bool(late & {*plan.groups, plan.low, plan.high}) != closed:
            continue
        rows = _taking_part(assembly, plan, out)
        if plan.how == "apart":
            out = deal_groups(assembly, plan, out, rows)
        if rows.size:
            _WAYS[plan.how](assembly, plan, out, rows)
    return out


def placed_columns(plan: TablePlan) -> frozenset[str]:
    """Columns of exclusions: ends of spans, and what rows that exclude each other agree in."""
    return frozenset(c for e in plan.exclusions for c in (*e.groups, e.low, e.high))


def apart_conditions(assembly: Assembly, late: frozenset[str], *, closed: bool) -> list[Condition]:
    """The exclusions that ``settle_exclusions`` holds when called alike, as the rows that break them."""
    return [
        (frozenset((*e.groups, e.low, e.high)), partial(_excluded, assembly, e))
        for e in assembly.plan.exclusions
        if bool(late & {*e.groups, e.low, e.high}) == closed
    ]


def _excluded(assembly: Assembly, plan: ExclusionPlan, columns: Columns) -> Mask:
    """Rows whose span begins before an earlier one of their group has ended, or whose value is not their group's."""
    out = np.zeros(assembly.rows, dtype=bool)
    rows = _taking_part(assembly, plan, columns)
    groups = _groups(plan, columns, rows)
    if plan.how == "same":
        codes = codes_of(columns[plan.low])[rows]
        _, first, which = np.unique(groups, return_index=True, return_inverse=True)
        out[rows] = codes != codes[first[which]] if rows.size else False
        return out
    kind = assembly.table.column(plan.low).type
    if plan.how == "days":
        days = units_of(columns[plan.low].take(array_of(rows)), kind)
        order = np.lexsort((days, groups))
        near = (np.diff(days[order]) < plan.least) & (np.diff(groups[order]) == 0)
        out[rows[order[1:][near]]] = True
        return out
    kind = kind.element if plan.low == plan.high and kind.element is not None else kind
    spans = _read(columns, plan, rows, kind)
    least, most = np.iinfo(np.int64).min, np.iinfo(np.int64).max
    low = np.where(spans.starts, spans.low, least)
    last = spans.high + plan.slack - (0 if plan.closed else 1)  # the last unit that belongs to it
    high = np.where(spans.ends, last, most)
    full = high >= low
    order = np.flatnonzero(full)[np.lexsort((low[full], groups[full]))]
    if order.size:
        reached = _running_max(groups[order], high[order])
        meets = (low[order][1:] <= reached[:-1]) & (groups[order][1:] == groups[order][:-1])
        out[rows[order[1:][meets]]] = True
    return out


def _taking_part(assembly: Assembly, plan: ExclusionPlan, columns: Columns) -> Integers:
    """Rows that can conflict: nothing that must agree is NULL, and the predicate is not false."""
    taking = np.ones(assembly.rows, dtype=bool)
    for name in plan.groups:
        taking &= numpy_of(columns[name].is_valid())
    if plan.low == plan.high:
        taking &= numpy_of(columns[plan.low].is_valid())
    if plan.predicate is not None:
        with suppress(NotUnderstood):  # then all rows are kept apart, which is more than is asked
            taking &= evaluate(plan.predicate, pa.table(columns), assembly.dialect)
    return np.flatnonzero(taking)


def _groups(plan: ExclusionPlan, columns: Columns, rows: Integers) -> Integers:
    parts = [codes_of(columns[name])[rows] for name in plan.groups]
    return pair_keys(*parts) if parts else np.zeros(rows.size, dtype=np.int64)


def _shared(assembly: Assembly, plan: ExclusionPlan, columns: Columns, rows: Integers) -> None:
    """Every row takes the value that the first row of its group has."""
    _, first, which = np.unique(_groups(plan, columns, rows), return_index=True, return_inverse=True)
    index = np.arange(assembly.rows)
    index[rows] = rows[first[which]]
    columns[plan.low] = columns[plan.low].take(array_of(index))


def _days_apart(assembly: Assembly, plan: ExclusionPlan, columns: Columns, rows: Integers) -> None:
    """Rows of a group are on days of their own, each moved as little as can be."""
    kind = assembly.table.column(plan.low).type
    days = units_of(columns[plan.low].take(array_of(rows)), kind)
    groups = _groups(plan, columns, rows)
    order = np.lexsort((hashed(rows, assembly.seed, plan.name), days, groups))
    window = int(days.min()), int(days.max()) + plan.least
    placed = np.empty_like(days)
    taken = np.full(rows.size, plan.least, dtype=np.int64)
    placed[order] = place_spans(groups[order], days[order], taken, window)
    columns[plan.low] = _put(columns[plan.low], values_of(placed, kind, columns[plan.low].type), rows)


def _apart(assembly: Assembly, plan: ExclusionPlan, columns: Columns, rows: Integers) -> None:
    kind = assembly.table.column(plan.low).type
    kind = kind.element if plan.low == plan.high and kind.element is not None else kind
    found = _read(columns, plan, rows, kind)
    if plan.low == plan.high:  # a range that is empty or has no end is no span to be moved
        rows, found = _only(rows, found, found.starts & found.ends)
    if plan.learned and not plan.closed:  # what ends where it begins is empty, and in nobody's way
        empty = found.starts & found.ends & (found.low == found.high)
        rows, found = _only(rows, found, ~empty)
    if not rows.size:
        return
    groups = _groups(plan, columns, rows)
    discrete = kind.kind in ("integer", "date")
    closing = 1 if plan.closed else 0
    _close_open_ends(assembly, plan, found, groups, rows)
    soft = _window(plan, found)
    found.low = np.clip(found.low, soft[0], soft[1])
    length = np.maximum(found.high - found.low, 0)
    least = max(0 if plan.closed and discrete else 1, plan.least if plan.least > 1 else 0)
    taken = np.maximum(length, least) + closing + plan.slack
    if not plan.unit:  # what another column counts is as long as that says
        taken = _fitted(assembly, plan, groups, taken, soft, kind, least + closing + plan.slack)
    first_open, last_open = ~found.starts, ~found.ends
    order = np.lexsort((hashed(rows, assembly.seed, plan.name), found.low, last_open, ~first_open, groups))
    low = np.empty(rows.size, dtype=np.int64)
    window = soft[0], soft[1] + closing
    ceiling = None if plan.ceiling is None else plan.ceiling + closing
    low[order] = place_spans(groups[order], found.low[order], taken[order], window, ceiling)
    found.low, found.high = low, low + taken - closing - plan.slack
    _write(columns, plan, rows, found, kind)


def _only(rows: Integers, spans: Spans, mask: Mask) -> tuple[Integers, Spans]:
    return rows[mask], Spans(spans.low[mask], spans.high[mask], spans.starts[mask], spans.ends[mask])


def _close_open_ends(assembly: Assembly, plan: ExclusionPlan, spans: Spans, groups: Integers, rows: Integers) -> None:
    """One row of a group may have no end, the last one, and one no beginning, the first: all others get one."""
    known = spans.starts & spans.ends
    turned = known & (spans.high < spans.low + (0 if plan.closed else 1))
    lengths = (spans.high - spans.low)[known & ~turned]
    words = hashed(rows, assembly.seed, assembly.table.name, plan.name, "length")
    drawn = lengths[below(words, lengths.size)] if lengths.size else np.ones(rows.size, dtype=np.int64)
    drawn = np.maximum(drawn, 1)
    spans.high[turned] = (spans.low + drawn)[turned]
    somewhere = np.flatnonzero(spans.starts | spans.ends)
    for missing, here, there, sign in (
        (~spans.ends, spans.high, spans.low, 1),
        (~spans.starts, spans.low, spans.high, -1),
    ):
        both = missing & ~spans.starts & ~spans.ends
        if both.any() and somewhere.size:
            donors = somewhere[below(words[both], somewhere.size)]
            there[both] = np.where(spans.starts[donors], spans.low[donors], spans.high[donors])
        here[missing] = there[missing] + sign * drawn[missing]
    for flags, place in ((spans.ends, -spans.low), (spans.starts, spans.high)):
        open_rows = np.flatnonzero(~flags)
        order = open_rows[np.lexsort((place[open_rows], groups[open_rows]))]
        keeps = np.ones(order.size, dtype=bool)
        keeps[1:] = groups[order][1:] != groups[order][:-1]
        flags[order[~keeps]] = True
    # Without either end a span would be everything: it may stay so only where the row is alone.
    alone = np.bincount(groups)[groups] == 1
    spans.starts |= ~spans.ends & ~spans.starts & ~alone


def _shorten(assembly: Assembly, plan: ExclusionPlan, columns: Columns) -> None:
    """Moments that begin at a quarter of an hour and take hours, as appointments do, in all rows."""
    rows = np.arange(assembly.rows)
    kind = assembly.table.column(plan.low).type
    spans = _read(columns, plan, rows, kind)
    words = hashed(rows, assembly.seed, assembly.table.name, plan.name, "brief")
    length = QUARTER * np.array(QUARTERS, dtype=np.int64)[below(words, len(QUARTERS))]
    low = spans.low - spans.low % QUARTER
    spans.high = np.where(spans.starts, low + length, spans.high)
    spans.low = np.where(spans.starts, low, spans.high - length)
    _write(columns, plan, rows, spans, kind)


def _window(plan: ExclusionPlan, spans: Spans) -> tuple[int, int]:
    """Where the rows' spans lie as they were made, inside the limits."""
    low, high = int(spans.low.min()), int(spans.high.max())
    if plan.floor is not None:
        low = max(low, plan.floor) if high > plan.floor else plan.floor
    if plan.ceiling is not None:
        high = min(high, plan.ceiling) if low < plan.ceiling else plan.ceiling
    return low, max(high, low + 1) if plan.ceiling is None else max(high, low)


def _fitted(
    assembly: Assembly,
    plan: ExclusionPlan,
    groups: Integers,
    taken: Integers,
    soft: tuple[int, int],
    kind: ColumnType,
    least: int,
) -> Integers:
    """What every span takes up, cut in groups that have no room for it."""
    sizes = np.bincount(groups)
    total = np.bincount(groups, weights=taken.astype(np.float64))
    width = float(soft[1] - soft[0])
    if plan.learned:
        hard = None if plan.floor is None or plan.ceiling is None else float(plan.ceiling - plan.floor)
        room = np.full(sizes.size, np.inf if hard is None else hard)
    else:
        room = np.full(sizes.size, width * FILLED)
    factor = np.minimum(room / np.maximum(total, 1), 1.0)
    mean = room / sizes
    steps = np.array(STEPS.get(kind.kind, TENS), dtype=np.int64)
    # The widest step of which one for each row of the group fits.
    step = steps[np.argmax(steps[None, :] <= np.maximum(mean, 1)[:, None], axis=1)]
    tight = (factor < 1)[groups]
    cut = np.floor(taken * factor[groups]).astype(np.int64)
    own = np.minimum(step[groups], np.maximum(cut, 1))
    own = np.where(own < step[groups], steps[np.argmax(steps[None, :] <= own[:, None], axis=1)], own)
    cut = np.maximum(cut // own * own, least)
    out = np.where(tight, cut, taken)
    if plan.floor is not None and plan.ceiling is not None:
        widest = plan.ceiling - plan.floor + (1 if plan.closed and kind.kind in ("integer", "date") else 0)
        needed = np.bincount(groups, weights=out.astype(np.float64))
        full = needed > widest
        out = np.where(full[groups], least, out)
        if int(np.bincount(groups, weights=out.astype(np.float64)).max()) > widest:
            raise CapacityError(
                f"{assembly.table.name}: {int(sizes.max())} rows of one group find no room side by side between the "
                f"limits that the checks set (exclusion constraint {plan.name}); ask for fewer rows"
            )
    return np.asarray(out, dtype=np.int64)


def place_spans(
    groups: Integers, low: Integers, taken: Integers, window: tuple[int, int], ceiling: int | None = None
) -> Integers:
    """Starts, shape (n,), of spans that follow each other in their group, each moved as little as can be.

    ``groups`` ascends and ``low`` gives the order inside of a group; ``taken`` is what each span takes up. A group that
    finds no room in the window goes on after it, up to ``ceiling``, or begins before it.

    >>> place_spans(np.array([0, 0, 1]), np.array([3, 4, 4]), np.array([2, 2, 2]), (0, 10)).tolist()
    [3, 5, 4]
    """
    head = np.searchsorted(groups, groups, side="left")
    before = np.cumsum(taken) - taken
    before -= before[head]
    total = (before + taken)[np.searchsorted(groups, groups, side="right") - 1]
    end = np.maximum(window[1], window[0] + total)
    if ceiling is not None:
        end = np.minimum(end, ceiling)
    start = np.minimum(window[0], end - total)
    moved = before + _running_max(groups, np.maximum(low, start) - before)
    placed: Integers = np.minimum(moved, end - (total - before))
    return placed


def _running_max(groups: Integers, values: Integers) -> Integers:
    """Largest value so far inside each group; ``groups`` ascending. By ranks, so that nothing overflows."""
    distinct, codes = np.unique(values, return_inverse=True)
    shift = groups * distinct.size
    out: Integers = distinct[np.maximum.accumulate(codes + shift) - shift]
    return out


# -- columns to units and back ----------------------------------------------------------------------------------------
def _read(columns: Columns, plan: ExclusionPlan, rows: Integers, kind: ColumnType) -> Spans:
    index = array_of(rows)
    if plan.unit:
        start, count = columns[plan.low].take(index), pc.fill_null(columns[plan.high].take(index).cast(pa.int64()), 0)
        begins = units_of(start, kind)
        valid = np.array(start.is_valid(), dtype=bool)
        return Spans(begins, begins + numpy_of(count) * plan.unit, valid, valid.copy())
    if plan.low == plan.high:
        low, high = range_ends(columns[plan.low].take(index), kind)
    else:
        low, high = (columns[name].take(index) for name in (plan.low, plan.high))
    known = [np.array(end.is_valid(), dtype=bool) for end in (low, high)]
    return Spans(units_of(low, kind), units_of(high, kind), *known)


def _write(columns: Columns, plan: ExclusionPlan, rows: Integers, spans: Spans, kind: ColumnType) -> None:
    if plan.low == plan.high:
        column = columns[plan.low]
        multiple = bool(pc.any(pc.starts_with(column.take(array_of(rows[:1])), "{")).as_py())
        columns[plan.low] = _put(column, range_texts(spans.low, spans.high, kind, multiple=multiple), rows)
        return
    ends = ((plan.low, spans.low, spans.starts), (plan.high, spans.high, spans.ends))
    for name, values, known in ends[: 1 if plan.unit else 2]:
        target = columns[name].type
        made = pc.if_else(array_of(known), values_of(values, kind, target), scalar_of(None, target))
        columns[name] = _put(columns[name], made, rows)


def _put(column: pa.Array, made: pa.Array, rows: Integers) -> pa.Array:
    index = np.arange(len(column))
    index[rows] = len(column) + np.arange(rows.size)
    return pa.concat_arrays([column, made.cast(column.type)]).take(array_of(index))


_WAYS = {"apart": _apart, "days": _days_apart, "same": _shared}
