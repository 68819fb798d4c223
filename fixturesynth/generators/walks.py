"""Columns that never fall from one sibling to the next: the moments of a session, days since a beginning, a counter.

A code is a bin, and a step from one sibling to the next is often far smaller than that: drawn bin by bin, ten clicks
of a minute lie days apart. Where bits of the rows' exact values say that the step tells a
column more shortly, each row has as a variable of its own how far the next sibling lies from it. The next one's value
is then known, to the last digit, before anything else of it is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, numpy_of
from fixturesynth.generators.calendar import DATE, PARTS, PER_DAY, WEEKDAY, join_parts, kept_within, parts_of
from fixturesynth.generators.contract import Variable
from fixturesynth.generators.distances import Known, Way, bits_inside, bits_saved
from fixturesynth.generators.encoding import decode, encode, fit_encoding
from fixturesynth.generators.encoding.bins import Bins, bins_from_arrays, find_bins, from_bins, protected_ends
from fixturesynth.generators.encoding.grids import find_grid, from_grid, to_grid
from fixturesynth.generators.tablemodel import TableModel, Walk, column_variable, part_variable, step_variable
from fixturesynth.profiling.temporal import format_temporal, parse_temporal
from fixturesynth.randomness import hashed

__all__ = ["MOST_WALKS", "Walking", "find_walks", "steps_of", "walk_variables", "walked"]

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int32]
Ends = tuple[Integers, Integers]

MOST_WALKS = 6  # columns of one table, those that save most
FARTHEST = 2**61
TURNS = 12  # of moving families
STRETCHED = 5  # part of a step by which it may change
STRAYED = 0.02  # of the rows, that may stand elsewhere
# Of fewer rows, whose moments come before all else, what a row is like would be told by its date alone: whose it was.
LEAST_ROWS = 2_000
LEAST_FINER = 2.0  # bits a row, by which steps must say more exactly where it is
LEAST_SAVED = 0.5  # bits a row: a variable more has its price


def find_walks(ways: Mapping[str, Way], position: Integers, known: Known) -> dict[str, Walk]:
    """The columns that never fall, and are told more shortly by how far they lie from the sibling before than in their
    ``ways``.

    Rows of one parent stand together, in order of ``position`` (n,).
    """
    found: list[tuple[float, Walk]] = []
    for name, way in ways.items() if position.size >= LEAST_ROWS else ():
        whole = _whole(name, way)
        if whole is None:
            continue
        numbers, valid = whole
        arrived = _arrived(numbers, valid, position)
        if arrived is None or pc.min(arrived).as_py() < 0:  # what falls again would stray, a little further each time
            continue
        plain = array_of(numbers, pa.int64(), mask=~valid)
        encoding = fit_encoding(
            plain, "numeric", protection=known.protection, groups=known.groups, max_codes=known.max_codes
        )
        before = np.roll(encode(encoding, plain), 1)
        step = {step_variable(name): (arrived, "numeric")}
        saved = bits_saved(step, way.parts, before, known)
        if saved < LEAST_SAVED:
            continue
        # Bins that are no coarser than the steps tell a date as well by themselves, and do not stray.
        if bits_inside(way.parts, known) - bits_inside(step, known) >= LEAST_FINER:
            found.append((saved, Walk(name, *_ends(numbers[valid], known.groups[valid], known.protection))))
    found.sort(key=lambda item: -item[0])
    chosen = {walk.column: walk for _, walk in found[:MOST_WALKS]}
    return {name: chosen[name] for name in ways if name in chosen}


def _ends(numbers: Integers, groups: Integers, protection: int) -> tuple[int, int]:
    """Protected ends on the grid that the numbers keep to."""
    distinct = np.unique(numbers)
    step, anchor = max(int(np.gcd.reduce(np.diff(distinct))), 1), int(distinct[0])
    low, high = protected_ends(numbers, groups, protection)
    low, high = anchor + -(-(low - anchor) // step) * step, anchor + (high - anchor) // step * step
    return low, max(low, high)


def steps_of(name: str, way: Way, position: Integers) -> pa.Array:
    """How far the next sibling lies from each row, int64 (n,), NULL where there is none or either is NULL."""
    whole = _whole(name, way)
    assert whole is not None
    arrived = _arrived(*whole, position)
    assert arrived is not None
    return pa.concat_arrays([arrived.slice(1), pa.nulls(min(len(arrived), 1), pa.int64())])


def _whole(name: str, way: Way) -> tuple[Integers, Flags] | None:
    """What goes on, in whole units, and where there is any, (n,) each; None for what cannot be counted on."""
    if way.calendar is not None:
        if way.whole is None or way.offset is not None or way.calendar.get("monthly") or "series" in way.calendar:
            return None
        parsed = parse_temporal(way.whole)
        return None if parsed is None else (parsed[0].astype(np.int64), numpy_of(way.whole.is_valid()))
    values, kind = way.parts[column_variable(name)]
    if kind not in ("numeric", "temporal") or pa.types.is_uint64(values.type):
        return None
    facts = find_grid(values, kind)
    if facts.get("scale") in ("bits", "binary"):
        return None
    numbers, valid = to_grid(values, facts)
    return (numbers, valid) if bool((np.abs(numbers) < 2**61).all()) else None


def _arrived(numbers: Integers, valid: Flags, position: Integers) -> pa.Array | None:
    """How far each row lies from the sibling before, int64 (n,); None where no row has one."""
    there = valid & np.roll(valid, 1) & (position > 0)
    if not there.any():
        return None
    return array_of(numbers - np.roll(numbers, 1), pa.int64(), mask=~there)


def walk_variables(model: TableModel) -> set[str]:
    """Variables that hold where a walk stands and where it goes."""
    parts = {part_variable(part, walk.column) for walk in model.walks for part in PARTS}
    return parts | {step_variable(walk.column) for walk in model.walks}


class Walking:
    """Exact values of the walks of one table while its rows are drawn, all families one sibling further each time.

    ``rank``: which of the table's rows each is, (n,): where inside its code a row lies is the same however often it is
    asked for, and in whichever partition. ``position``: place in its family, (n,); siblings stand together in order.
    """

    def __init__(
        self, model: TableModel, variables: Sequence[Variable], rank: Integers, position: Integers, seed: int
    ) -> None:
        places = {v.name: i for i, v in enumerate(variables)}
        self._walks = [_Going(model, walk, places, rank, position, seed) for walk in model.walks]

    def given(self, rows: Integers) -> dict[str, Codes]:
        """Codes by variable, (rows,), -1 where a row does not go on from the one before."""
        return {name: codes for going in self._walks for name, codes in going.given(rows).items()}

    def follow(self, rows: Integers, codes: Codes) -> None:
        """Where ``rows`` stand, by their ``codes`` (rows, variables), and where their next siblings will."""
        for going in self._walks:
            going.follow(rows, codes)

    def values(self) -> dict[str, pa.Array]:
        """By column: the values of all rows, as ``generators.encoding`` or ``generators.calendar`` give them."""
        return {going.walk.column: going.values() for going in self._walks}

    def settled(self, family: Integers, codes: Codes, room: Mapping[str, Ends], *, among: bool) -> Codes:
        """``codes``, (n, variables), after families, by number from 0, (n,), moved as wholes between the ends, and
        where ``among`` is asked to where those of the real rows stand. ``room``: ends of each row, by column."""
        out = codes.copy()
        for going in self._walks:
            going.settle(family, out, room.get(going.walk.column), among=among)
        return out


class _Going:
    """One walk."""

    def __init__(
        self, model: TableModel, walk: Walk, places: Mapping[str, int], rank: Integers, position: Integers, seed: int
    ) -> None:
        self.walk, self._seed, self._rank = walk, seed, rank
        self._table, self._kind = model.name, model.types[walk.column]
        self._calendar = model.calendars.get(walk.column)
        self._parts = [p for p in PARTS if part_variable(p, walk.column) in places]
        self._places = {p: places[part_variable(p, walk.column)] for p in self._parts}
        self._encodings = {p: model.encodings[part_variable(p, walk.column)] for p in self._parts}
        step = step_variable(walk.column)
        self._step, self._step_place = model.encodings[step], places[step]
        self._step_bins = _bins(self._step.arrays)
        self._bins = {p: _bins(encoding.arrays) for p, encoding in self._encodings.items()}
        if WEEKDAY in self._encodings:
            self._weekdays = encode(self._encodings[WEEKDAY], array_of(np.arange(7)))
        self._words = hashed(rank, seed, model.name, walk.column, "step")
        self._at = np.zeros(rank.size, dtype=np.int64)
        self._valid = np.zeros(rank.size, dtype=bool)
        self._onward = np.zeros(rank.size, dtype=bool)  # whether a row goes on from the one before
        self._follows = np.append(position[1:] > 0, False)[: rank.size]  # whether the next row is its sibling

    def given(self, rows: Integers) -> dict[str, Codes]:
        onward = self._onward[rows]
        found = {part_variable(p, self.walk.column): np.full(rows.size, -1, dtype=np.int32) for p in self._parts}
        if onward.any():
            for part, codes in self._codes(self._at[rows[onward]]).items():
                found[part_variable(part, self.walk.column)][onward] = codes
        return found

    def _codes(self, numbers: Integers) -> dict[str, Codes]:
        """Codes of the parts of exact values, (n,) each."""
        parts = {DATE: numbers} if self._calendar is None else parts_of(numbers, self._calendar)
        return {p: self._weekdays[parts[p]] if p == WEEKDAY else self._binned(p, parts[p]) for p in self._parts}

    def _binned(self, part: str, numbers: Integers) -> Codes:
        bins = self._bins[part]
        return np.zeros(numbers.size, dtype=np.int32) if bins is None else find_bins(bins, numbers)

    def follow(self, rows: Integers, codes: Codes) -> None:
        fresh = ~self._onward[rows]
        if fresh.any():
            self._begin(rows[fresh], codes[fresh])
        step = codes[:, self._step_place]
        onward = self._valid[rows] & self._follows[rows]
        if self._step.null_code is not None:
            onward = onward & (step != self._step.null_code)
        rows, step = rows[onward], step[onward]
        if not rows.size or self._step_bins is None:
            return
        there = np.minimum(self._at[rows], FARTHEST) + from_bins(self._step_bins, step, self._words[rows])
        self._at[rows + 1] = there
        self._valid[rows + 1] = self._onward[rows + 1] = True

    def _begin(self, rows: Integers, codes: Codes) -> None:
        """Rows that are where their own codes say, not where the sibling before leads."""
        drawn = {
            p: decode(self._encodings[p], codes[:, i], hashed(self._rank[rows], self._seed, self._table, p, "begin"))
            for p, i in self._places.items()
        }
        if self._calendar is None:
            (part,) = self._parts
            numbers, valid = to_grid(drawn[part], self._encodings[part].facts)
        else:
            raw = hashed(self._rank[rows], self._seed, self._table, self.walk.column, "within")
            values = join_parts(kept_within(drawn, self._calendar, raw), self._calendar, self._kind)
            parsed = parse_temporal(values)
            numbers = np.zeros(rows.size, np.int64) if parsed is None else parsed[0].astype(np.int64)
            valid = numpy_of(values.is_valid())
        self._at[rows], self._valid[rows] = numbers, valid

    def settle(self, family: Integers, codes: Codes, room: Ends | None, *, among: bool) -> None:
        rows, bins = np.flatnonzero(self._valid), self._bins[DATE]
        if not rows.size or bins is None:
            return
        one = family[rows]
        starts = np.flatnonzero(np.diff(one, prepend=-1))
        sizes = np.diff(starts, append=rows.size)
        unit = 1 if self._calendar is None else PER_DAY[self._calendar["unit"]] * (7 if WEEKDAY in self._parts else 1)
        grain = unit if self._calendar is not None else int(bins.step[0])
        low, high = (np.full(starts.size, end) for end in (self.walk.low, self.walk.high))
        if room is not None:  # of the family's first row: its like have the same
            high = np.maximum(np.minimum(high, room[1][rows][starts]), low)
            low = np.minimum(np.maximum(low, room[0][rows][starts]), high)
        for turn in range(TURNS if among else 1):
            numbers = self._at[rows]
            dates = numbers if self._calendar is None else parts_of(numbers, self._calendar)[DATE]
            wanted = _spread(bins, dates) if among else None
            if wanted is None and turn:
                break
            shift = np.zeros(starts.size, dtype=np.int64)
            if wanted is not None:
                order = np.lexsort((wanted - dates, one))
                shift = (wanted - dates)[order][starts + (sizes - 1) // 2] * unit
            # As far as the family has room, in steps that keep it on its grid.
            least, most = np.minimum.reduceat(numbers, starts), np.maximum.reduceat(numbers, starts)
            lowest, highest = -((least - low) // grain) * grain, (high - most) // grain * grain
            shift = np.maximum(np.minimum(shift, highest), np.minimum(lowest, 0))
            self._at[rows] += np.repeat(shift, sizes)
        if among:
            # What no family as a whole can bring there, rows do as far as they hardly come to lie nearer or farther.
            numbers = self._at[rows]
            dates = numbers if self._calendar is None else parts_of(numbers, self._calendar)[DATE]
            wanted = _spread(bins, dates)
            if wanted is not None:
                self._at[rows] = numbers + _stretched(numbers, (wanted - dates) * unit, starts, grain)
        if room is not None:
            self._at[rows] = _pressed(self._at[rows], starts, high, grain)
        self._at[rows] = np.clip(self._at[rows], np.repeat(low, sizes), np.repeat(high, sizes))
        for part, moved in self._codes(self._at[rows]).items():
            codes[rows, self._places[part]] = moved

    def values(self) -> pa.Array:
        if self._calendar is None:
            (part,) = self._parts
            encoding = self._encodings[part]
            return from_grid(self._at, self._valid, encoding.facts, decode(encoding, *_NOTHING).type)
        made = format_temporal(self._at, self._calendar["unit"], self._calendar["format"], ~self._valid)
        return made if made.type == self._kind else made.cast(self._kind)


def _pressed(numbers: Integers, starts: Integers, high: Integers, grain: int) -> Integers:
    """``numbers`` (n,) of families that begin at ``starts``, those that go beyond ``high``, one for each, pressed
    together evenly from their first on, in whole ``grain``."""
    sizes = np.diff(starts, append=numbers.size)
    least, most = np.minimum.reduceat(numbers, starts), np.maximum.reduceat(numbers, starts)
    beyond = (most > high) & (high > least)
    share = np.where(beyond, (high - least) / np.maximum(most - least, 1), 1.0)
    steps = np.floor((numbers - np.repeat(least, sizes)) * np.repeat(share, sizes) / grain).astype(np.int64)
    return np.where(np.repeat(beyond, sizes), np.repeat(least, sizes) + steps * grain, numbers)


def _stretched(numbers: Integers, shift: Integers, starts: Integers, grain: int) -> Integers:
    """How far rows are to move, (n,), which would move by ``shift``: no step between siblings changes by more than its
    STRETCHED part, in whole ``grain``. ``starts``: the first row of each family."""
    out = shift.copy()
    sizes = np.diff(starts, append=numbers.size)
    place = np.arange(numbers.size) - np.repeat(starts, sizes)
    order = np.argsort(place, kind="stable")
    bounds = np.searchsorted(place[order], np.arange(1, int(sizes.max(initial=1)) + 1))
    for low, high in pairwise(bounds.tolist()):
        rows = order[low:high]
        most = np.abs(numbers[rows] - numbers[rows - 1]) // STRETCHED // grain * grain
        out[rows] = np.clip(out[rows], out[rows - 1] - most, out[rows - 1] + most)
    return out


def _spread(bins: Bins, numbers: Integers) -> Integers | None:
    """What numbers, (n,), would be if they were spread as those that were learned, in their own order; None where they
    nearly are."""
    if not numbers.size:
        return None
    total = int(bins.running[-1])
    _, rank, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    middle = 2 * np.cumsum(counts) - counts  # of twice as many parts as there are rows
    held = np.interp(numbers, *_running(bins)) / total
    strayed = np.abs(held - np.cumsum(counts)[rank] / numbers.size).max()
    if strayed <= STRAYED:
        return None
    at = middle[rank] * total // (2 * numbers.size)
    segment = np.minimum(np.searchsorted(bins.running, at, side="right"), bins.running.size - 1)
    start = np.where(segment > 0, bins.running[segment - 1], 0)
    weight = bins.running[segment] - start
    cells = ((at - start) * bins.cells[segment].astype(np.float64) / weight).astype(np.uint64)
    wanted: Integers = bins.low[segment] + (cells * bins.step[0]).astype(np.int64)
    return wanted


def _running(bins: Bins) -> tuple[Integers, Integers]:
    """The last value of each segment, and how many rows lie up to there."""
    last = bins.low + ((bins.cells - np.uint64(1)) * bins.step[0]).astype(np.int64)
    return last, bins.running


_NOTHING = (np.zeros(0, np.int32), np.zeros(0, np.uint64))


def _bins(arrays: Mapping[str, npt.NDArray[np.generic]]) -> Bins | None:
    return bins_from_arrays(dict(arrays)) if "upper" in arrays else None


def walked(
    model: TableModel | None, codes: Codes, position: Integers, seed: int, first: int, room: Mapping[str, Ends], *,
    settled: bool,
) -> tuple[Codes, dict[str, pa.Array]]:  # fmt: skip
    """Codes of all rows, (n, variables), and the values of the columns that are walks, by the rows' ``position`` (n,).

    ``first``: rank of the first row. ``room``: by column, the least and the greatest value of each row, (n,) each.
    ``settled``: families may move to where those of the real rows stand.
    """
    if model is None or model.state is None or not model.walks:
        return codes, {}
    variables = [v for v in model.state.variables if not v.context]
    going = Walking(model, variables, np.arange(position.size, dtype=np.int64) + first, position, seed)
    order = np.argsort(position, kind="stable")
    bounds = np.searchsorted(position[order], np.arange(int(position.max(initial=0)) + 2))
    for low, high in pairwise(bounds.tolist()):
        rows = order[low:high]
        going.follow(rows, codes[rows])
    return going.settled(np.cumsum(position == 0) - 1, codes, room, among=settled), going.values()
