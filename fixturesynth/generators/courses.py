"""Tables without a parent whose rows go on from one to the next: weather by day, rates by currency and day, a log.

Their rows are one family, or one for each value of a label, in the order of a date or a key. Where one that is so
ordered tells of the next, rows are learned as siblings are, each beside the one before it. Dates come first: those of
a grid (each day, working days, each month) are dealt out by how often its places are taken, the others drawn by
themselves and put in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import fill_null, numpy_of
from fixturesynth.generators.calendar import LAST, PARTS, PER_DAY, join_parts, months_of, parts_with
from fixturesynth.generators.cart import Cart
from fixturesynth.generators.contract import CodedTable, State, Variable
from fixturesynth.generators.encoding import Encoding, decode, encode
from fixturesynth.generators.encoding.bins import protected_ends
from fixturesynth.generators.encoding.numeric import zero_code
from fixturesynth.generators.steps import repeats
from fixturesynth.profiling.temporal import format_temporal, parse_temporal
from fixturesynth.randomness import hashed, stream, words

__all__ = [
    "SEASONS",
    "Course",
    "course_families",
    "course_values",
    "find_course",
    "find_levels", "find_seasons",
    "in_line",
    "moments_codes",
    "season_variable",
    "seasons_of",
]  # fmt: skip

Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

SEASONS = 24  # halves of months
LEAST_SEASONAL = 0.15  # of its variance, that a number owes to the time of the year
QUANTILES = 16
LEAST_DAYS = 300  # that dates must span for the time of the year to be told

LEAST_ROWS = 100
LEAST_EACH = 20  # rows of a label, in the mean
MOST_LABELS = 100
LONGEST = 750  # rows that are drawn one after the other; of more, several runs side by side
GOES_ON = 0.3  # correlation of neighbours from which on rows hang together
SURE = 6.0  # standard errors
TAKEN = 0.5  # of the places of a grid that are ever taken, that must be
EVER = 64  # of SHARE: how often a place is taken that counts as one
SHARE = 1024
WEEK = 7
MOST_SLOTS = 2_016  # places in a week that are told apart: every five minutes
LEAST_WEEKS = 8


@dataclass(frozen=True)
class Course:
    """``label``: the column whose values are families, ``shares`` rows by its code. ``date``: the column of moments
    that are dealt, by facts of a ``grid`` or, where they keep to none, by ``dates``, learned of their parts."""

    label: str | None = None
    date: str | None = None
    shares: tuple[int, ...] = ()
    unit: str = ""
    format: str = ""
    grid: Mapping[str, Any] | None = None
    dates: State | None = None
    seasons: Mapping[str, Integers] = field(default_factory=dict)  # see find_seasons
    levels: Mapping[str, Integers] = field(default_factory=dict)  # see find_levels


def in_line(
    columns: Mapping[str, pa.Array], dates: Sequence[str], labels: Sequence[str], keys: Sequence[str],
    ascending: Sequence[str],
) -> tuple[str | None, str | None, Integers] | None:  # fmt: skip
    """(label, date, order of the rows (n,)) of rows that go on; None where they do not.

    ``columns``: all that are learned, (n,) each, those that order the rows among them. ``keys``: what orders rows that
    have no dates of their own; ``ascending``: dates that never fall by it.
    """
    n = len(next(iter(columns.values()), ()))
    if n < LEAST_ROWS:
        return None
    codes = {name: dense(columns[name]) for name in {*dates, *labels, *keys}}
    ways: list[tuple[str | None, str | None, list[Integers]]] = []
    for date in dates:
        if columns[date].null_count:
            continue
        if np.unique(codes[date]).size == n:
            ways.append((None, date, [codes[date]]))
            continue
        for label in labels:
            many = np.unique(codes[label]).size
            whole = not columns[label].null_count and 2 <= many <= MOST_LABELS and n >= LEAST_EACH * many
            if whole and np.unique(codes[label] * n + codes[date]).size == n:
                ways.append((label, date, [codes[date], codes[label]]))
        if date in ascending:
            ways.append((None, date, [np.arange(n), codes[date]]))
    if keys:
        ways.append((None, None, [codes[name] for name in reversed(keys)]))
    for named, dated, sort in ways:
        order = np.lexsort(sort)
        family = codes[named][order] if named is not None else np.zeros(n, dtype=np.int64)
        others = [values for name, values in columns.items() if name not in {named, dated, *keys}]
        if any(_goes_on(values.take(pa.array(order)), family) for values in others):
            return named, dated, order
    return None


def season_variable(date: str) -> str:
    """The time of the year, which a date says and its code does not."""
    return f"season {date}"


def seasons_of(values: pa.Array, least_days: int = LEAST_DAYS) -> Codes | None:
    """The half of a month of each date, (n,); None where they span too few days."""
    parsed = parse_temporal(values)
    if parsed is None or parsed[1] not in PER_DAY or not len(values):
        return None
    day = parsed[0] // PER_DAY[parsed[1]]
    if int(day.max() - day.min()) < least_days:
        return None
    month = day.astype("datetime64[D]").astype("datetime64[M]")
    later = day - month.astype("datetime64[D]").astype(np.int64) >= 15
    return (month.astype(np.int64) % 12 * 2 + later).astype(np.int32)


def dense(values: pa.Array) -> Integers:
    """Ranks of values in their order, (n,), equal ones alike, NULL last."""
    encoded = pc.dictionary_encode(values)
    ascending = numpy_of(pc.sort_indices(encoded.dictionary))
    rank = np.zeros(len(ascending) + 1, dtype=np.int64)
    rank[ascending] = np.arange(len(ascending))
    rank[-1] = len(ascending)
    found: Integers = rank[numpy_of(fill_null(encoded.indices, len(ascending)))]
    return found


def _goes_on(values: pa.Array, family: Integers) -> bool:
    """Whether a row surely tells of the next one of its family."""
    codes = dense(values)
    valid = numpy_of(values.is_valid())
    both = valid[1:] & valid[:-1] & (family[1:] == family[:-1])
    one, next_one = codes[:-1][both].astype(np.float64), codes[1:][both].astype(np.float64)
    distinct = int(codes.max()) + 1
    number = pa.types.is_integer(values.type) or pa.types.is_floating(values.type) or pa.types.is_decimal(values.type)
    if one.size < LEAST_ROWS // 2 or distinct < 2:
        return False
    if not number:
        before = np.append(distinct, codes[:-1])
        before[1:][~both] = distinct
        return distinct <= one.size // 10 and repeats(codes.astype(np.int32), before.astype(np.int32), distinct)
    middle = family[1:][both]
    sizes = np.maximum(np.bincount(middle), 1)
    for part in (one, next_one):
        part -= (np.bincount(middle, weights=part) / sizes)[middle]
    spread = float(np.sqrt((one**2).sum() * (next_one**2).sum()))
    strength = float((one * next_one).sum()) / spread if spread > 0 else 0.0
    return strength > GOES_ON and strength * one.size**0.5 > SURE


def find_course(
    label: str | None, date: str | None, values: pa.Array | None, labels: Codes | None, size: int,
    codes: Mapping[str, tuple[Variable, Codes]], groups: Integers, protection: int, seed: int,
) -> Course | None:  # fmt: skip
    """What is known of rows in line. ``values``: of ``date``, ``labels``: codes of ``size`` of ``label``, (n,);
    ``codes``: by part of the date its variable and codes."""
    shares = tuple(np.bincount(labels, minlength=size).tolist()) if labels is not None else (len(groups),)
    if date is None or values is None:
        return Course(label, None, shares)
    parsed = parse_temporal(values)
    if parsed is None:
        return None
    moments, unit, written = parsed
    grid = _grid(moments, unit, labels, groups, protection)
    if grid is not None:
        return Course(label, date, shares, unit, written, grid)
    parts = [codes[part] for part in PARTS if part in codes]
    table = CodedTable(tuple(v for v, _ in parts), np.stack([c for _, c in parts], axis=1), groups)
    return Course(label, date, shares, unit, written, None, Cart().fit(table, seed=seed))


def find_seasons(
    season: Codes, variables: Sequence[Variable], codes: Sequence[Codes], encodings: Mapping[str, Encoding]
) -> dict[str, Integers]:
    """By variable, of numbers that hang on the ``season``, (n,): its codes at even shares of the rows of each season,
    (SEASONS, QUANTILES), in SHARE parts of a code. Halves of months are few rows: those beside them count as well."""
    near = [np.isin(season, [(k - 1) % SEASONS, k, (k + 1) % SEASONS]) for k in range(SEASONS)]
    return {
        variable.name: _levels(near, own)
        for variable, own in zip(variables, codes, strict=True)
        if _wanders(variable, own, encodings) and seasonal_share(own, season) >= LEAST_SEASONAL
    }


def find_levels(
    label: Codes, size: int, variables: Sequence[Variable], codes: Sequence[Codes], encodings: Mapping[str, Encoding]
) -> dict[str, Integers]:
    """The same of numbers by ``label``, (n,) codes of ``size``: no step leads from one label's numbers to another's."""
    near = [label == k for k in range(size)]
    wanted = zip(variables, codes, strict=True)
    return {v.name: _levels(near, own) for v, own in wanted if _wanders(v, own, encodings)}


def _wanders(variable: Variable, own: Codes, encodings: Mapping[str, Encoding]) -> bool:
    """Whether codes are those of numbers that have no NULL, and hardly ever stand at 0."""
    encoding = encodings.get(variable.name)
    if not variable.ordered or encoding is None or encoding.null_code is not None or variable.first:
        return False
    nothing = zero_code(encoding)
    return nothing is None or int((own == nothing).sum()) * LEAST_EACH <= own.size


def _levels(near: Sequence[npt.NDArray[np.bool_]], own: Codes) -> Integers:
    table = np.zeros((len(near), QUANTILES), dtype=np.int64)
    for k, rows in enumerate(near):
        some = own[rows] if int(rows.sum()) >= LEAST_EACH else own
        at = (2 * np.arange(QUANTILES) + 1) * some.size // (2 * QUANTILES)
        table[k] = np.sort(some)[at] * SHARE
    return table


def seasonal_share(codes: Codes, season: Codes) -> float:
    """Share of the variance of codes, (n,), that lies between seasons."""
    own = codes.astype(np.float64)
    sizes = np.maximum(np.bincount(season, minlength=SEASONS), 1)
    middle = np.bincount(season, weights=own, minlength=SEASONS) / sizes
    spread = float(own.var())
    return float(middle[season].var()) / spread if spread > 0 else 0.0


def _grid(
    moments: Integers, unit: str, labels: Codes | None, groups: Integers, protection: int
) -> dict[str, Any] | None:
    """Facts of the grid that moments, (n,), have most of, in each family, between protected ends: days, or months where
    each has one."""
    if unit not in PER_DAY:
        return None
    day = moments // PER_DAY[unit]
    month, inside = months_of(day)
    clock = moments - day * PER_DAY[unit]
    monthly = (inside == inside[0]).all() and (clock == clock[0]).all() and np.unique(month).size > 2
    places = month if monthly else moments
    facts: dict[str, Any] = {"inside": int(inside[0]), "clock": int(clock[0])} if monthly else {}
    distinct = np.unique(places)
    if distinct.size < LEAST_ROWS // 5:
        return None
    step = int(np.gcd.reduce(np.diff(distinct)))
    low, high = protected_ends(places, groups, protection)
    begin = int(distinct[0]) - (int(distinct[0]) - low) // step * step
    many = (high - begin) // step + 1
    places = places[(places >= begin) & (places <= high)]
    if many < 1:
        return None
    families = 1 if labels is None else np.unique(labels).size
    week = 12 if monthly else WEEK * PER_DAY[unit]
    slots = week // step if not monthly and week % step == 0 and week // step <= MOST_SLOTS else 1
    if many < LEAST_WEEKS * slots:
        slots = 1
    there = np.bincount((places - begin) // step % slots, minlength=slots)
    room = (many // slots + (np.arange(slots) < many % slots)) * families
    taken = (there * SHARE // np.maximum(room, 1)).clip(1, SHARE)
    ever = taken >= EVER
    if there.sum() < TAKEN * room[ever].sum():
        return None
    return facts | {"step": step, "begin": begin, "many": many, "taken": taken.tolist()}


def course_families(course: Course, rows: int) -> tuple[Integers, Integers, Integers, Integers]:
    """Of each of ``rows`` rows: the code of its label, its run, its place in it, and the rows of its run; (rows,)."""
    shares = np.array(course.shares, dtype=np.int64)
    exact = shares * rows
    whole = exact // max(int(shares.sum()), 1)
    left = np.argsort(-(exact - whole * int(shares.sum())), kind="stable")[: rows - int(whole.sum())]
    whole[left] += 1
    label = np.repeat(np.arange(shares.size), whole)
    run = runs(label)
    sizes = np.bincount(run, minlength=1)
    first = np.cumsum(sizes) - sizes
    return label, run, np.arange(rows) - first[run] if rows else run, sizes[run] if rows else run


def runs(family: Integers) -> Integers:
    """Families, (n,), rows of each together, cut into even runs that are not too long; numbers from 0."""
    if not family.size:
        return family.astype(np.int64)
    starts = np.flatnonzero(np.diff(family, prepend=family[0] - 1))
    sizes = np.diff(starts, append=family.size)
    place = np.arange(family.size) - np.repeat(starts, sizes)
    pieces = -(-sizes // LONGEST)
    before = np.cumsum(pieces) - pieces
    found: Integers = np.repeat(before, sizes) + place * np.repeat(pieces, sizes) // np.repeat(sizes, sizes)
    return found


def course_values(
    course: Course, label: Integers, calendar: Mapping[str, Any] | None, encodings: Mapping[str, Encoding],
    kind: pa.DataType, seed: int, table: str,
) -> pa.Array | None:  # fmt: skip
    """The dates of rows, (n,), those of each ``label`` in order; None where there are none."""
    if course.date is None:
        return None
    if course.grid is not None:
        moments = _dealt(course, label, seed, table)
        made = format_temporal(moments, course.unit, course.format, np.zeros(label.size, dtype=bool))
        return made if made.type == kind else made.cast(kind)
    assert course.dates is not None
    variables = course.dates.variables
    raw = words(stream(seed, table, course.date, "course"), label.size * len(variables))
    drawn = Cart().sample(
        course.dates, np.zeros((label.size, 0), np.int32), raw.reshape(label.size, len(variables)), stratify=True
    )
    parts = {
        name.split(" ", 1)[0]: decode(encodings[name], drawn[:, i], hashed(np.arange(label.size), seed, table, name))
        for i, name in enumerate(v.name for v in variables)
    }
    values = join_parts(parts, calendar, kind) if calendar is not None else parts["column"]
    return values.take(pa.array(np.lexsort((dense(values), label))))


def _dealt(course: Course, label: Integers, seed: int, table: str) -> Integers:
    """Moments of a grid, (n,), ascending and distinct in each label, its places taken as often as they were."""
    grid = course.grid
    assert grid is not None and course.date is not None
    out = np.zeros(label.size, dtype=np.int64)
    starts = np.flatnonzero(np.diff(label, prepend=-1))
    sizes = np.diff(starts, append=label.size)
    taken = np.array(grid["taken"], dtype=np.int64)
    for start, size in zip(starts.tolist(), sizes.tolist(), strict=True):
        real = max(course.shares[int(label[start])], 1)
        many = max(-(-grid["many"] * size // real), size)
        place = np.arange(many)
        # Sequential Poisson sampling (Ohlsson 1998): as many as are asked for, each in its share. All labels alike.
        chance = (hashed(place, seed, table, course.date, "dealt") >> np.uint64(32)).astype(np.int64)
        order = np.argsort(chance * SHARE // taken[place % taken.size], kind="stable")[:size]
        out[start : start + size] = grid["begin"] + np.sort(order) * grid["step"]
    if "inside" not in grid:
        return out
    begin = out.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    end = (out.astype("datetime64[M]") + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int64) - 1
    day = np.where(grid["inside"] == LAST, end, begin + grid["inside"])
    whole: Integers = day * PER_DAY[course.unit] + grid["clock"]
    return whole


def moments_codes(
    values: pa.Array, calendar: Mapping[str, Any] | None, encodings: Mapping[str, Encoding], names: Mapping[str, str]
) -> dict[str, Codes]:
    """Codes, (n,), of the parts of dates by variable. ``names``: variable by part."""
    parts: Mapping[str, pa.Array] | None = {"column": values}
    if calendar is not None:
        parts = parts_with(values, calendar)
    return {
        names[part]: encode(encodings[names[part]], found)
        for part, found in (parts or {}).items() if names.get(part) in encodings
    }  # fmt: skip
