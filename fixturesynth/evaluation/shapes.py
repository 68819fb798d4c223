"""How one column is distributed, real against synthetic: distances, coverage, the last digits, what is missing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fixturesynth.evaluation.columns import ComparedColumn
from fixturesynth.evaluation.comparison import Comparison, Integers, Side
from fixturesynth.evaluation.distances import (
    Distance,
    category_coverage,
    jensen_shannon,
    kolmogorov_smirnov,
    range_coverage,
    total_variation,
    wasserstein,
)
from fixturesynth.evaluation.intervals import around
from fixturesynth.evaluation.record import Measure

__all__ = [
    "ks_complement",
    "last_places",
    "measure_categories",
    "measure_digits",
    "measure_jensen_shannon",
    "measure_null_patterns",
    "measure_nulls",
    "measure_ranges",
    "measure_shapes",
    "measure_wasserstein",
    "side_values",
    "tv_complement",
]

Floats = npt.NDArray[np.float64]

_DECIMALS = 14  # as sdmetrics rounds, so that 0.1 + 0.2 is 0.3
BINS = 10
MOST_PLACES = 9  # decimals, and trailing zeros, that are told apart
_UNITS = (1_000, 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000)  # of moments: ms, s, min, h, d
_MOST_PATTERN_COLUMNS = 62


@dataclass(frozen=True, eq=False)
class Cells:
    """The values of a column on all sides as places in one list: ``grid`` ascending for numbers and moments.

    ``codes`` by side, shape (rows,), -1 where NULL. For categories the grid is the place among the labels.
    """

    grid: Floats
    codes: dict[Side, Integers]

    def counts(self, side: Side, rows: Integers | None, places: Integers | None = None) -> Integers:
        """How many rows have each value; ``places`` maps the grid to fewer cells."""
        codes = self.codes[side] if rows is None else self.codes[side][rows]
        found = np.bincount(codes + 1, minlength=self.grid.size + 1)[1:]
        if places is None:
            return found
        return np.bincount(places, found, minlength=int(places.max(initial=-1)) + 1).astype(np.int64)


def ks_complement(real: npt.ArrayLike, synthetic: npt.ArrayLike) -> float | None:
    """1 minus the two-sample Kolmogorov-Smirnov statistic of the values that are set; None without any.

    Range 0 to 1, higher is better. Source: sdmetrics KSComplement; the statistic as in ``scipy.stats.ks_2samp``.

    >>> ks_complement([1, 2, 3, 4], [3, 4, 5, 6])
    0.5
    """
    grid, (a, b) = _joint([np.asarray(v, dtype=np.float64) for v in (real, synthetic)])
    counts = [np.bincount(codes[codes >= 0], minlength=grid.size) for codes in (a, b)]
    found = kolmogorov_smirnov(counts[0], counts[1])
    return None if found is None else found.score


def tv_complement(real: Integers, synthetic: Integers) -> float | None:
    """1 minus the total variation distance of two arrays of codes; negative codes are NULL and do not count.

    Range 0 to 1, higher is better. Source: sdmetrics TVComplement.

    >>> tv_complement(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]))
    0.75
    """
    width = int(max(real.max(initial=-1), synthetic.max(initial=-1))) + 1
    found = total_variation(*(np.bincount(v[v >= 0], minlength=width) for v in (real, synthetic)))
    return None if found is None else found.score


def side_values(column: ComparedColumn, side: Side, rows: Integers | None = None) -> npt.NDArray[np.float64]:
    """The values of one side, or of some rows of it."""
    values = {"real": column.real, "synthetic": column.synthetic, "holdout": column.holdout}[side]
    assert values is not None
    return values if rows is None else values[rows]


def cells(comparison: Comparison, table: str, column: ComparedColumn) -> Cells:
    """Made once for each column."""

    def make() -> Cells:
        sides: list[Side] = [s for s in comparison.views if table in comparison.views[s]]
        sides = [s for s in sides if s != "holdout" or column.holdout is not None]
        values = [side_values(column, side) for side in sides]
        if not column.continuous:
            width = max((int(v.max(initial=-1)) for v in values), default=-1) + 1
            return Cells(
                np.arange(width, dtype=np.float64),
                {s: v.astype(np.int64) for s, v in zip(sides, values, strict=True)},
            )
        grid, codes = _joint(values)
        return Cells(grid, dict(zip(sides, codes, strict=True)))

    return comparison.once(("cells", table, column.name), make)


def _joint(sides: list[Floats]) -> tuple[Floats, list[Integers]]:
    everything = np.concatenate(sides) if sides else np.empty(0)
    whole = ~np.isnan(everything)
    values = everything[whole]
    if values.size and np.abs(values).max() < 1e9:
        values = np.round(values, _DECIMALS)
    grid, places = np.unique(values, return_inverse=True)
    codes = np.full(everything.size, -1, dtype=np.int64)
    codes[whole] = places
    return grid, np.split(codes, np.cumsum([s.size for s in sides])[:-1])


Compute = Callable[[Integers, Integers], Distance | None]


def _each(
    comparison: Comparison,
    choose: Callable[[ComparedColumn, Cells], tuple[str, Compute, Integers | None] | None],
) -> Iterator[Measure]:
    """One measure for each compared column that ``choose`` has (method, distance of counts, places) for."""
    for name, table in comparison.tables.items():
        for column in table.columns.values():
            of = cells(comparison, name, column)
            chosen = choose(column, of)
            if chosen is None:
                continue
            method, compute, places = chosen

            def one(
                a: Side, some: Integers | None, b: Side, others: Integers | None,
                of: Cells = of, compute: Compute = compute, places: Integers | None = places,
            ) -> float | None:  # fmt: skip
                found = compute(of.counts(a, some, places), of.counts(b, others, places))
                return None if found is None else found.score

            counts = of.counts("synthetic", None, places)
            found = compute(of.counts("real", None, places), counts)
            score: float | None = 0.0
            note = column.note or "the synthetic rows have no values"
            if not comparison.rows("synthetic", name):
                score, note = None, "no synthetic rows"
            elif found:
                score, note = found.score, column.note
            elif counts.any():
                score, note = None, "a column that never changes"
            interval = around(score, found.spread) if found else None
            detail = {"method": method, "kind": column.kind}
            yield Measure(name, score, (column.name,), None, comparison.floor(name, one), detail, note, interval)


def measure_shapes(comparison: Comparison) -> Iterator[Measure]:
    """Column shapes: KSComplement of numbers and datetimes, TVComplement of categories; NULL does not count.

    Range 0 to 1, higher is better. Floor: two halves of the real rows (or the held-out rows) against each other.
    Synthetic rows without a value where the real ones have some score 0. Source: sdmetrics, ColumnShapes.
    """
    return _each(
        comparison,
        lambda column, of: (
            ("KSComplement", kolmogorov_smirnov, None) if column.continuous else ("TVComplement", total_variation, None)
        ),
    )


def measure_jensen_shannon(comparison: Comparison) -> Iterator[Measure]:
    """Jensen-Shannon: 1 minus the distance (base 2) of the two distributions, 10 equal bins over the real range.

    Range 0 to 1, higher is better; numbers beyond the real range fall into the outer bins. Floor: two halves of the
    real rows. Source: Lin, "Divergence measures based on the Shannon entropy" (1991); bins as in SyntheRela.
    """

    def choose(column: ComparedColumn, of: Cells) -> tuple[str, Compute, Integers | None]:
        return "JensenShannon", jensen_shannon, _binned(of) if column.continuous else None

    return _each(comparison, choose)


def _binned(of: Cells) -> Integers:
    """The bin of each value of the grid: equal ones over the real range."""
    used = of.grid[of.counts("real", None) > 0]
    if not used.size:
        return np.zeros(of.grid.size, dtype=np.int64)
    low, high = float(used[0]), float(used[-1])
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, BINS + 1)[1:-1]
    return np.digitize(of.grid, edges).astype(np.int64)


def measure_wasserstein(comparison: Comparison) -> Iterator[Measure]:
    """Wasserstein: 1 minus the first Wasserstein distance over the range of both sides together.

    Of numbers, datetimes and times. Range 0 to 1, higher is better. It says how far values would have to be moved,
    where KS says how many. Floor: two halves of the real rows. Source: SyntheRela; scipy ``wasserstein_distance``.
    """

    def choose(column: ComparedColumn, of: Cells) -> tuple[str, Compute, Integers | None] | None:
        return ("Wasserstein", lambda a, b: wasserstein(of.grid, a, b), None) if column.continuous else None

    return _each(comparison, choose)


def measure_ranges(comparison: Comparison) -> Iterator[Measure]:
    """Range coverage: how much of the span of the real values the synthetic ones reach into, at both ends.

    Of numbers, datetimes and times. Range 0 to 1, higher is better. Extremes of real rows are held back on purpose to
    protect whom they belong to, so that 1 is not wanted. Floor: two halves. Source: sdmetrics RangeCoverage.
    """

    def choose(column: ComparedColumn, of: Cells) -> tuple[str, Compute, Integers | None] | None:
        return ("RangeCoverage", lambda a, b: range_coverage(of.grid, a, b), None) if column.continuous else None

    return _each(comparison, choose)


def measure_categories(comparison: Comparison) -> Iterator[Measure]:
    """Category coverage: share of the real categories that occur among the synthetic rows.

    Range 0 to 1, higher is better. Categories that few entities have are held back on purpose, so that 1 is not wanted.
    Floor: two halves. Source: sdmetrics CategoryCoverage.
    """
    return _each(comparison, lambda c, of: None if c.continuous else ("CategoryCoverage", category_coverage, None))


def measure_digits(comparison: Comparison) -> Iterator[Measure]:
    """Last digits: 1 minus the total variation distance of where values end: decimals, whole tens, full hours.

    Of numbers the place of the last digit that is not zero, of moments the largest unit (ms to day) they are whole in.
    Rounded or over-precise numbers show here and hardly anywhere else. Range 0 to 1, higher is better. Floor: two
    halves. Source: heaping, as in Roberts and Brewer, "Measures and tests of heaping in discrete data" (2001).
    """

    def choose(column: ComparedColumn, of: Cells) -> tuple[str, Compute, Integers | None] | None:
        if not column.continuous:
            return None
        return "LastDigits", total_variation, last_places(of.grid, column.kind != "number")

    return _each(comparison, choose)


def last_places(values: Floats, moments: bool = False) -> Integers:
    """Where each value ends: 9 is a whole number, 10 a multiple of 10, 8 one decimal; of moments the unit, 0 to 5.

    >>> last_places(np.array([7.0, 30.0, 0.25])).tolist()
    [9, 10, 7]
    """
    found = np.zeros(values.size, dtype=np.int64)
    if moments:
        whole = np.where(np.isfinite(values), values, 0).astype(np.int64)
        for unit in _UNITS:
            found += whole % unit == 0
        return found
    size = np.abs(np.where(np.isfinite(values), values, 0.0))
    for place in range(-MOST_PLACES + 1, MOST_PLACES + 1):
        # The value is a multiple of 10**place when it is, over that, as good as an integer.
        scaled = size / 10.0**place if place >= 0 else size * 10.0**-place
        multiple = np.abs(scaled - np.round(scaled)) <= 1e-9 * np.maximum(1.0, scaled)
        found += multiple & ((scaled >= 0.5) | (size == 0))
    return found


def measure_nulls(comparison: Comparison) -> Iterator[Measure]:
    """Missing values: 1 minus the difference between the shares of NULL, for columns that have any on either side.

    All columns take part, keys and references and texts too. Range 0 to 1, higher is better.
    Source: sdmetrics, MissingValueSimilarity.
    """
    for name in comparison.tables:
        real, synthetic = comparison.views["real"][name], comparison.views["synthetic"][name]
        if not real.rows or not synthetic.rows:
            continue
        for column in real.columns:
            if column not in synthetic.columns or not (real[column].nulls or synthetic[column].nulls):
                continue

            def counts(side: Side, rows: Integers | None, name: str = name, column: str = column) -> Integers:
                valid = comparison.views[side][name][column].valid
                valid = valid if rows is None else valid[rows]
                some = int(np.count_nonzero(valid))
                return np.asarray([some, valid.size - some])

            def one(
                a: Side, some: Integers | None, b: Side, others: Integers | None,
                counts: Callable[[Side, Integers | None], Integers] = counts,
            ) -> float | None:  # fmt: skip
                found = total_variation(counts(a, some), counts(b, others))
                return None if found is None else found.score

            found = total_variation(counts("real", None), counts("synthetic", None))
            detail = {"real": real[column].nulls / real.rows, "synthetic": synthetic[column].nulls / synthetic.rows}
            if found is not None:
                yield Measure(
                    name, found.score, (column,), None, comparison.floor(name, one), detail,
                    interval=around(found.score, found.spread),
                )  # fmt: skip


def measure_null_patterns(comparison: Comparison) -> Iterator[Measure]:
    """What is missing together: 1 minus the total variation distance of the patterns of NULL over a table's columns.

    Of tables with at least two columns that hold NULL (the first 62 of them). NULLs that are moved to other rows keep
    their share and show here. Range 0 to 1, higher is better. Floor: two halves. Source: the missing-data patterns of
    Little and Rubin, "Statistical analysis with missing data" (2002).
    """
    for name in comparison.tables:
        views = {side: v[name] for side, v in comparison.views.items() if name in v}
        real, synthetic = views["real"], views["synthetic"]
        columns = [
            c for c in real.columns
            if all(c in v.columns for v in views.values()) and (real[c].nulls or synthetic[c].nulls)
        ][:_MOST_PATTERN_COLUMNS]  # fmt: skip
        if len(columns) < 2 or not real.rows or not synthetic.rows:
            continue
        patterns = {}
        for side, view in views.items():
            packed = np.zeros(view.rows, dtype=np.int64)
            for i, column in enumerate(columns):
                packed |= view[column].valid.astype(np.int64) << i
            patterns[side] = packed
        grid, places = np.unique(np.concatenate(list(patterns.values())), return_inverse=True)
        ends = np.cumsum([p.size for p in patterns.values()])[:-1]
        of = Cells(grid.astype(np.float64), dict(zip(patterns, np.split(places, ends), strict=True)))

        def one(
            a: Side, some: Integers | None, b: Side, others: Integers | None, of: Cells = of
        ) -> float | None:  # fmt: skip
            found = total_variation(of.counts(a, some), of.counts(b, others))
            return None if found is None else found.score

        found = total_variation(of.counts("real", None), of.counts("synthetic", None))
        if found is not None:
            detail = {"columns": len(columns), "patterns": int(grid.size)}
            yield Measure(
                name, found.score, (), None, comparison.floor(name, one), detail,
                interval=around(found.score, found.spread),
            )  # fmt: skip
