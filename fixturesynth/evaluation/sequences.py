"""Rows of one parent as a group and, where they have a date, as a sequence: gaps, memory, likeness."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fixturesynth.evaluation.columns import ComparedColumn
from fixturesynth.evaluation.comparison import GATHERED, Comparison, Edge, Integers, Side
from fixturesynth.evaluation.distances import kolmogorov_smirnov
from fixturesynth.evaluation.intervals import around, correlation_spread, dot, share_spread
from fixturesynth.evaluation.record import Measure
from fixturesynth.evaluation.shapes import side_values

__all__ = ["agreement", "find_gaps", "intraclass", "measure_icc", "measure_interarrival", "measure_lag1"]

Floats = npt.NDArray[np.float64]

FEWEST_PAIRS = 30  # of neighbours, on each side
_MOST_TIMES = 3  # date columns of a table whose gaps are looked at


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Rows with the row before them of the same parent, in the order of a date: all shape (pairs,)."""

    before: Integers
    row: Integers
    owner: Integers
    gap: Floats  # microseconds


def _gathering(comparison: Comparison) -> Iterator[Edge]:
    """Foreign keys whose parents gather rows, 1.5 on average."""
    for edge in comparison.edges:
        at = comparison.parents("real", edge)[0]
        at = at[at >= 0]
        if edge.parent != edge.child and at.size >= GATHERED * np.unique(at).size:
            yield edge


def _times(comparison: Comparison, table: str) -> list[ComparedColumn]:
    """The dates of a table, those with the fewest NULLs first, then in the table's order."""
    dates = [c for c in comparison.tables[table].columns.values() if c.kind == "datetime"]
    return sorted(dates, key=lambda c: int(np.isnan(c.real).sum()))[:_MOST_TIMES]


def _neighbours(comparison: Comparison, side: Side, edge: Edge, time: ComparedColumn) -> Neighbours:
    def make() -> Neighbours:
        at = comparison.parents(side, edge)[0]
        moments = side_values(time, side)
        rows = np.flatnonzero((at >= 0) & ~np.isnan(moments))
        rows = rows[np.lexsort((moments[rows], at[rows]))]
        same = np.flatnonzero(at[rows][1:] == at[rows][:-1])
        before, after = rows[same], rows[same + 1]
        return Neighbours(before, after, at[after], moments[after] - moments[before])

    return comparison.once(("neighbours", side, edge.child, edge.name, time.name), make)


Score = Callable[[Side, Integers | None, Side, Integers | None], float | None]


def _floor(comparison: Comparison, edge: Edge, owners: Integers, score: Score) -> float | None:
    """Mean score of two halves of the real positions that ``owners`` belong to, or of the held-out rows."""
    if comparison.held_out and {edge.child, edge.parent} <= comparison.views["holdout"].keys():
        return score("real", None, "holdout", None)
    halves = comparison.split_by_parent(edge, owners, 2 if owners.size < 5_000 else 1)
    known = [s for s in (score("real", a, "real", b) for a, b in halves) if s is not None]
    return float(np.mean(known)) if known else None


def find_gaps(comparison: Comparison) -> Iterator[tuple[Edge, str, Floats, Floats]]:
    """Each foreign key and date whose gaps ``measure_interarrival`` compares, with real and synthetic gaps."""
    for edge in _gathering(comparison):
        for time in _times(comparison, edge.child):
            real, synthetic = (_neighbours(comparison, side, edge, time).gap for side in ("real", "synthetic"))
            if min(real.size, synthetic.size) >= FEWEST_PAIRS:
                yield edge, time.name, real, synthetic


def measure_interarrival(comparison: Comparison) -> Iterator[Measure]:
    """Inter-arrival times: KSComplement of the gaps between one row of a parent and its next, by each date column.

    For every foreign key whose parents gather rows, and up to three dates of the child. Range 0 to 1, higher is better.
    Floor: the gaps of two halves of the real parents. Source: the event-time metric of sequence synthesis, here by
    ``scipy.stats.ks_2samp``.
    """
    for edge in _gathering(comparison):
        for time in _times(comparison, edge.child):
            gaps = {side: _neighbours(comparison, side, edge, time).gap for side in _sides(comparison, edge)}
            if min(gaps["real"].size, gaps["synthetic"].size) < FEWEST_PAIRS:
                continue
            grid, places = np.unique(np.concatenate(list(gaps.values())), return_inverse=True)
            codes = dict(zip(gaps, np.split(places, np.cumsum([g.size for g in gaps.values()])[:-1]), strict=True))

            def counts(
                side: Side, rows: Integers | None, codes: dict[Side, Integers] = codes, width: int = grid.size
            ) -> Integers:
                return np.bincount(codes[side] if rows is None else codes[side][rows], minlength=width)

            def one(
                a: Side, some: Integers | None, b: Side, others: Integers | None,
                counts: Callable[[Side, Integers | None], Integers] = counts,
            ) -> float | None:  # fmt: skip
                found = kolmogorov_smirnov(counts(a, some), counts(b, others))
                return found.score if found else None

            found = kolmogorov_smirnov(counts("real", None), counts("synthetic", None))
            if found is not None:
                floor = _floor(comparison, edge, _neighbours(comparison, "real", edge, time).owner, one)
                detail = {
                    "parent": edge.parent,
                    "real_median_hours": float(np.median(gaps["real"])) / 3.6e9,
                    "synthetic_median_hours": float(np.median(gaps["synthetic"])) / 3.6e9,
                }
                interval = around(found.score, found.spread)
                yield Measure(edge.child, found.score, (time.name,), edge.name, floor, detail, "", interval)


def measure_lag1(comparison: Comparison) -> Iterator[Measure]:
    """Lag-1: how a row goes with the row before it of the same parent, in the order of the table's first date.

    Numbers: 1 minus half the difference of the correlations of neighbours; categories: 1 minus the difference of the
    shares of neighbours that agree. For every foreign key whose parents gather rows. Range 0 to 1, higher is better.
    Floor: two halves of the real parents. Source: the lag-1 autocorrelation of Box and Jenkins (1970).
    """
    for edge in _gathering(comparison):
        time = next(iter(_times(comparison, edge.child)), None)
        if time is None:
            continue
        pairs = {side: _neighbours(comparison, side, edge, time) for side in _sides(comparison, edge)}
        if min(pairs["real"].row.size, pairs["synthetic"].row.size) < FEWEST_PAIRS:
            continue
        for column in comparison.tables[edge.child].columns.values():
            if column is time:
                continue

            def figure(
                side: Side, some: Integers | None, column: ComparedColumn = column,
                pairs: dict[Side, Neighbours] = pairs,
            ) -> tuple[float, int] | None:  # fmt: skip
                of = pairs[side]
                before, row = (of.before, of.row) if some is None else (of.before[some], of.row[some])
                return _memory(side_values(column, side, before), side_values(column, side, row), column.continuous)

            half, spread = (2.0, correlation_spread) if column.continuous else (1.0, share_spread)
            yield from _similar(comparison, edge, column, figure, pairs["real"].owner, half, spread)


def _memory(before: Floats, after: Floats, continuous: bool) -> tuple[float, int] | None:
    """(correlation or share that agrees, pairs) of neighbours that both have a value."""
    whole = ~(np.isnan(before) | np.isnan(after)) if continuous else (before >= 0) & (after >= 0)
    before, after = before[whole], after[whole]
    if before.size < FEWEST_PAIRS:
        return None
    if not continuous:
        return float(np.mean(before == after)), before.size
    x, y = before - before.mean(), after - after.mean()
    scale = float(np.sqrt(dot(x, x)) * np.sqrt(dot(y, y)))
    return (float(np.clip(dot(x, y) / scale, -1, 1)), before.size) if np.isfinite(scale) and scale > 0 else None


def measure_icc(comparison: Comparison) -> Iterator[Measure]:
    """Within-group correlation: how much rows of one parent are alike, for every column and foreign key.

    Numbers: 1 minus the difference of the intraclass correlations ICC(1); categories: of the agreement of two siblings
    beyond chance. Rows that were dealt to the wrong parents show here. Range 0 to 1, higher is better. Floor: two
    halves of the real parents. Source: Shrout and Fleiss, "Intraclass correlations" (1979); Fleiss' kappa (1971).
    """
    for edge in _gathering(comparison):
        at = {side: comparison.parents(side, edge)[0] for side in _sides(comparison, edge)}
        linked = {side: np.flatnonzero(found >= 0) for side, found in at.items()}
        if min(linked["real"].size, linked["synthetic"].size) < FEWEST_PAIRS:
            continue
        for column in comparison.tables[edge.child].columns.values():

            def figure(
                side: Side, some: Integers | None, column: ComparedColumn = column,
                at: dict[Side, Integers] = at, linked: dict[Side, Integers] = linked,
            ) -> tuple[float, int] | None:  # fmt: skip
                rows = linked[side] if some is None else linked[side][some]
                values, owners = side_values(column, side, rows), at[side][rows]
                return intraclass(values, owners) if column.continuous else agreement(values.astype(np.int64), owners)

            owners = at["real"][linked["real"]]
            yield from _similar(comparison, edge, column, figure, owners, 1.0, correlation_spread)


def intraclass(values: Floats, groups: Integers) -> tuple[float, int] | None:
    """(ICC(1), groups of two and more): the share of the variance that lies between groups; NaN does not count.

    >>> intraclass(np.array([1.0, 1, 5, 5, 9, 9]), np.array([0, 0, 1, 1, 2, 2]))
    (1.0, 3)
    """
    whole = np.isfinite(values)
    values, groups = values[whole], groups[whole]
    if not values.size:
        return None
    size = np.bincount(groups)
    used = size > 0
    number, rows = int(np.count_nonzero(used)), values.size
    if number < 2 or rows <= number:
        return None
    centred = values - values.mean()
    sums = np.bincount(groups, centred)
    between = float((sums[used] ** 2 / size[used]).sum())
    total = dot(centred, centred)
    if not np.isfinite(total) or total <= 0:
        return None
    mean_between, mean_within = between / (number - 1), max(0.0, total - between) / (rows - number)
    per_group = (rows - float((size[used].astype(np.float64) ** 2).sum()) / rows) / (number - 1)
    found = (mean_between - mean_within) / (mean_between + (per_group - 1) * mean_within)
    return float(np.clip(found, -1.0, 1.0)), int(np.count_nonzero(size > 1))


def agreement(codes: Integers, groups: Integers) -> tuple[float, int] | None:
    """(how much more often two rows of a group agree than any two rows, over what is possible; groups of two and more).

    Negative codes are NULL and do not count.

    >>> agreement(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]))
    (1.0, 2)
    """
    whole = codes >= 0
    codes, groups = codes[whole], groups[whole]
    if codes.size < 2:
        return None
    width = int(codes.max()) + 1
    size = np.bincount(groups).astype(np.float64)
    pairs = float((size * (size - 1)).sum())
    shares = np.bincount(codes) / codes.size
    chance = float(shares @ shares)
    if not pairs or chance >= 1:
        return None
    cells = groups * width + codes
    if size.size * width <= 4 * cells.size + 1_000_000:
        together = np.bincount(cells).astype(np.float64)
    else:
        together = np.unique(cells, return_counts=True)[1].astype(np.float64)
    return (float((together * (together - 1)).sum()) / pairs - chance) / (1 - chance), int(np.count_nonzero(size > 1))


Figure = Callable[[Side, Integers | None], tuple[float, int] | None]


def _similar(
    comparison: Comparison, edge: Edge, column: ComparedColumn, figure: Figure, owners: Integers, half: float,
    spread: Callable[[float, float, int, int], float],
) -> Iterator[Measure]:  # fmt: skip
    """1 minus the difference of a figure between the sides, over ``half``; nothing where the real rows have none."""

    def one(a: Side, some: Integers | None, b: Side, others: Integers | None) -> float | None:
        first, second = figure(a, some), figure(b, others)
        return None if first is None or second is None else max(0.0, 1.0 - abs(first[0] - second[0]) / half)

    real, synthetic = figure("real", None), figure("synthetic", None)
    if real is None:
        return
    score = one("real", None, "synthetic", None)
    detail = {
        "parent": edge.parent, "real": real[0], "synthetic": synthetic[0] if synthetic else None,
        "strength": abs(real[0]),
    }  # fmt: skip
    error = spread(real[0], synthetic[0], real[1], synthetic[1]) / half if synthetic else None
    note = "" if score is not None else "the synthetic rows say nothing"
    interval = around(score, error)
    yield Measure(
        edge.child, score, (column.name,), edge.name, _floor(comparison, edge, owners, one), detail, note, interval
    )  # fmt: skip


def _sides(comparison: Comparison, edge: Edge) -> list[Side]:
    return [s for s in comparison.views if {edge.child, edge.parent} <= comparison.views[s].keys()]
