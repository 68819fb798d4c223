"""Pair trends: how two columns go together, real against synthetic, inside a table and across a foreign key."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.evaluation.columns import ComparedColumn
from fixturesynth.evaluation.comparison import FEWEST, Comparison, Edge, Half, Integers, Side
from fixturesynth.evaluation.intervals import Interval, around, correlation_spread, dot, shares_spread
from fixturesynth.evaluation.record import Measure
from fixturesynth.evaluation.shapes import side_values
from fixturesynth.profiling.columnar import distinct_codes
from fixturesynth.randomness import permutation

__all__ = [
    "contingency_similarity",
    "correlation_similarity",
    "discretise",
    "measure_edge_pairs",
    "measure_pairs",
    "measure_two_join_pairs",
]

Floats = npt.NDArray[np.float64]

BINS = 10
BUDGET = 10_000_000  # rows x pairs of one table or edge that are looked at exactly
FEWEST_ROWS = 20_000  # ... and rows that always are


def correlation_similarity(a1: Floats, a2: Floats, b1: Floats, b2: Floats) -> tuple[float | None, float, float]:
    """(1 - |difference of Pearson's correlations| / 2, correlation in a, correlation in b); NaN is NULL.

    Rows with a NULL are left out. None where a's correlation is not defined (a column that never changes); where only
    b's is not, it counts as 0. Range 0 to 1, higher is better. Source: sdmetrics CorrelationSimilarity.
    """
    first, second = _pearson(a1, a2), _pearson(b1, b2)
    if first is None:
        return None, np.nan, np.nan
    other = second or 0.0
    return 1.0 - abs(first - other) / 2.0, first, other


def _pearson(x: Floats, y: Floats) -> float | None:
    whole = ~(np.isnan(x) | np.isnan(y))
    x, y = (x, y) if whole.all() else (x[whole], y[whole])
    if x.size < 2 or x.min() == x.max() or y.min() == y.max():
        return None
    x, y = x - x.mean(), y - y.mean()
    spread = float(np.sqrt(dot(x, x)) * np.sqrt(dot(y, y)))
    if not np.isfinite(spread) or spread == 0.0:
        return None
    return float(np.clip(dot(x, y) / spread, -1.0, 1.0))


def discretise(column: ComparedColumn, real: Floats | None = None) -> npt.NDArray[np.float64] | None:
    """Inner edges of 10 equal bins over the real values; None for categories.

    Source: sdmetrics ``discretize_column``.
    """
    if not column.continuous:
        return None
    values = column.real if real is None else real
    values = values[~np.isnan(values)]
    if not values.size:
        return np.empty(0)
    low, high = float(values.min()), float(values.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    # As numpy.histogram_bin_edges, which refuses moments so near each other that floats cannot tell ten bins apart.
    edges: npt.NDArray[np.float64] = np.linspace(low, high, BINS + 1)[1:-1]
    return edges


def _coded(values: Floats, edges: Floats | None) -> tuple[Integers, int]:
    """Codes from 0 for a column as contingency tables see it, NULL a code of its own; and how many there may be."""
    if edges is None:
        codes = values.astype(np.int64) + 1
        return codes, int(codes.max(initial=0)) + 1
    codes = np.digitize(values, edges).astype(np.int64) + 1
    codes[np.isnan(values)] = 0
    return codes, edges.size + 2


def contingency_similarity(
    a1: Integers, a2: Integers, b1: Integers, b2: Integers, *, associated: bool = True
) -> tuple[float | None, float]:
    """(1 - total variation distance of the two joint distributions of codes, Cramér's V in a if it is asked for).

    Range 0 to 1, higher is better. Source: sdmetrics ContingencySimilarity; V without bias correction, as in
    ``scipy.stats.contingency.association``.
    """
    return _contingency(a1, a2, b1, b2, associated=associated)[:2]


def _contingency(
    a1: Integers, a2: Integers, b1: Integers, b2: Integers, *, associated: bool
) -> tuple[float | None, float, float | None]:
    """The same with the standard error of the score, if the association is asked for."""
    if not a1.size or not b1.size:
        return None, np.nan, None
    height, width = int(max(a1.max(), b1.max())) + 1, int(max(a2.max(), b2.max())) + 1
    joint_a, joint_b = a1 * width + a2, b1 * width + b2
    if height * width <= 4 * (a1.size + b1.size) + 65_536:
        counts_a = np.bincount(joint_a, minlength=height * width)
        counts_b = np.bincount(joint_b, minlength=height * width)
        strength = _cramer(counts_a.reshape(height, width)) if associated else np.nan
    else:
        codes, size = distinct_codes(np.concatenate([joint_a, joint_b]))
        counts_a = np.bincount(codes[: a1.size], minlength=size)
        counts_b = np.bincount(codes[a1.size :], minlength=size)
        strength = _cramer_of_many(a1, a2) if associated else np.nan
    p, q = counts_a / a1.size, counts_b / b1.size
    spread = 0.5 * shares_spread(np.sign(p - q), p, q, a1.size, b1.size) if associated else None
    return float(1.0 - 0.5 * np.abs(p - q).sum()), strength, spread


def _cramer(table: Integers) -> float:
    table = table[table.any(axis=1)][:, table.any(axis=0)].astype(np.float64)
    if min(table.shape) < 2:
        return np.nan
    rows, columns, total = table.sum(axis=1), table.sum(axis=0), table.sum()
    chi = (table**2 / np.outer(rows, columns)).sum() - 1.0  # over the total
    return float(np.sqrt(max(0.0, chi) / (min(table.shape) - 1))) if total else np.nan


def _cramer_of_many(x: Integers, y: Integers) -> float:
    """The same without the whole table, which would be too large."""
    (x, rows), (y, columns) = distinct_codes(x), distinct_codes(y)
    if min(rows, columns) < 2:
        return np.nan
    cells, size = distinct_codes(x * columns + y)
    counts = np.bincount(cells, minlength=size).astype(np.float64)
    first = np.zeros(size, dtype=np.int64)
    first[cells] = np.arange(cells.size)
    expected = np.bincount(x)[x[first]].astype(np.float64) * np.bincount(y)[y[first]]
    return float(np.sqrt(max(0.0, ((counts**2 / expected).sum() - 1.0)) / (min(rows, columns) - 1)))


@dataclass(frozen=True)
class _Joined:
    """One column of a pair on every side, in both readings."""

    column: ComparedColumn
    edges: Floats | None
    rows: dict[Side, Integers | None]  # which rows of the column's own table, one for each row that is looked at

    def values(self, side: Side, some: Integers | None) -> Floats:
        rows = self.rows.get(side)
        taken = some if rows is None else rows if some is None else rows[some]
        return side_values(self.column, side, taken)


class _Pairs:
    """Pairs of columns over aligned rows; discretised codes are made once for each column and selection."""

    def __init__(self) -> None:
        self._codes: dict[tuple[int, Side, int], Integers] = {}

    def codes(self, joined: _Joined, side: Side, some: Integers | None) -> Integers:
        key = (id(joined), side, id(some) if some is not None else 0)
        if key not in self._codes:
            self._codes[key] = _coded(joined.values(side, some), joined.edges)[0]
        return self._codes[key]

    def score(
        self,
        x: _Joined,
        y: _Joined,
        a: Side,
        some: Integers | None,
        b: Side,
        others: Integers | None,
        *,
        full: bool = False,
    ) -> tuple[float | None, dict[str, Any], float | None]:
        if x.column.continuous and y.column.continuous:
            first, second = x.values(a, some), x.values(b, others)
            score, real, synthetic = correlation_similarity(first, y.values(a, some), second, y.values(b, others))
            detail = {"method": "CorrelationSimilarity", "real": real, "synthetic": synthetic, "strength": abs(real)}
            spread = correlation_spread(real, synthetic, first.size, second.size) / 2 if full else None
            return score, detail, spread
        codes = [self.codes(of, side, rows) for side, rows in ((a, some), (b, others)) for of in (x, y)]
        score, strength, spread = _contingency(*codes, associated=full)
        return score, {"method": "ContingencySimilarity", "strength": strength}, spread


def measure_pairs(comparison: Comparison) -> Iterator[Measure]:
    """Pair trends: every two compared columns of a table.

    Two continuous columns by CorrelationSimilarity; discrete or mixed ones by ContingencySimilarity with continuous
    columns in 10 equal bins over the real range, NULL being a value. Range 0 to 1, higher is better. Floor: two halves
    of the real rows. Wide tables of many rows are sampled, which is noted with its error. Source: sdmetrics
    ColumnPairTrends; ``strength`` (|correlation| or Cramér's V of the real rows) tells which pairs depend.
    """
    for done, (name, table) in enumerate(comparison.tables.items()):
        comparison.told("pair trends", done, len(comparison.tables))
        pairs = list(combinations(table.columns.values(), 2))
        if not pairs or not comparison.rows("real", name) or not comparison.rows("synthetic", name):
            continue
        limit = max(FEWEST_ROWS, BUDGET // len(pairs))
        rows: dict[Side, Integers | None] = {}
        for side in comparison.views:
            if name in comparison.views[side]:
                rows[side] = _some(comparison, comparison.rows(side, name), limit, name, side)
        if any(r is not None for r in rows.values()):
            comparison.notes.append(_sampled(f"pair trends of {name!r}", limit))
        joined = {c.name: _Joined(c, discretise(c), rows) for c in table.columns.values()}
        halves = () if comparison.held_out else _halves_within(comparison, name, rows["real"])
        for columns, score, floor, detail, interval in _measured(
            [(joined[x.name], joined[y.name]) for x, y in pairs], halves, comparison.held_out and "holdout" in rows
        ):
            note = "" if score is not None else "a column never changes"
            yield Measure(name, score, columns, None, floor, detail, note, interval)


def measure_edge_pairs(comparison: Comparison) -> Iterator[Measure]:
    """Inter-table pair trends: every column of the parent with every one of the child, over the child rows.

    The same two measures as inside a table. Range 0 to 1, higher is better. Floor: the real child rows split by parent
    (by row where parents are fewer than 40, or a list kept word for word). Source: sdmetrics InterTableTrends.
    """
    for done, edge in enumerate(comparison.edges):
        comparison.told("pair trends between tables", done, len(comparison.edges))
        yield from _across(comparison, edge, (edge,))


def measure_two_join_pairs(comparison: Comparison) -> Iterator[Measure]:
    """Pair trends over two references: every column of a grandparent with every one of the grandchild.

    The same two measures as inside a table, over the rows of the grandchild. Range 0 to 1, higher is better. Floor: the
    real rows split by grandparent. Source: the k-hop similarity of SyntheRela (Hudovernik and others 2024), k = 2.
    """
    chains = [
        (first, second) for first in comparison.edges for second in comparison.edges
        if second.child == first.parent and len({first.child, first.parent, second.parent}) == 3
    ]  # fmt: skip
    for done, chain in enumerate(chains):
        comparison.told("pair trends over two references", done, len(chains))
        yield from _across(comparison, chain[0], chain)


def _across(comparison: Comparison, edge: Edge, chain: tuple[Edge, ...]) -> Iterator[Measure]:
    """Pairs of the child's columns with those of the table where the chain of references ends."""
    last = chain[-1]
    child, parent = comparison.tables[edge.child], comparison.tables[last.parent]
    if not child.columns or not parent.columns:
        return
    limit = max(FEWEST_ROWS, BUDGET // (len(child.columns) * len(parent.columns)))
    own: dict[Side, Integers | None] = {}
    above: dict[Side, Integers | None] = {}
    for side, views in comparison.views.items():
        if {edge.child, *(e.parent for e in chain)} <= views.keys():
            at = _followed(comparison, side, chain)
            linked = np.flatnonzero(at >= 0)
            some = _some(comparison, linked.size, limit, edge.child, *(e.name for e in chain), side)
            own[side] = linked if some is None else linked[some]
            above[side] = at[own[side]]
    real, synthetic, real_above = own["real"], own["synthetic"], above["real"]
    assert real is not None and synthetic is not None and real_above is not None
    if not real.size or not synthetic.size:
        return
    if max(real.size, synthetic.size) >= limit:
        comparison.notes.append(_sampled(f"pair trends of {edge.child!r} with {last.parent!r}", limit))
    # Bins over the joined rows, as sdmetrics makes them after its join.
    left = [_Joined(c, discretise(c, side_values(c, "real", real_above)), above) for c in parent.columns.values()]
    right = [_Joined(c, discretise(c, side_values(c, "real", real)), own) for c in child.columns.values()]
    times = 2 if real.size < 5_000 else 1
    halves = () if comparison.held_out else comparison.split_by_parent(last, real_above, times)
    where = {"parent": last.parent} | ({"through": edge.parent} if len(chain) > 1 else {})
    for columns, score, floor, detail, interval in _measured(
        [(x, y) for x in left for y in right], halves, comparison.held_out and "holdout" in own
    ):
        note = "" if score is not None else "a column never changes"
        yield Measure(edge.child, score, columns, edge.name, floor, detail | where, note, interval)


def _followed(comparison: Comparison, side: Side, chain: tuple[Edge, ...]) -> Integers:
    """The row where the references lead from each row of the first child, -1 where one of them is missing."""
    at = comparison.parents(side, chain[0])[0]
    for edge in chain[1:]:
        above = comparison.parents(side, edge)[0]
        at = np.where(at >= 0, above[np.maximum(at, 0)], -1) if above.size else np.full(at.size, -1)
    return at


Measured = tuple[tuple[str, str], float | None, float | None, dict[str, Any], Interval | None]


def _measured(pairs: Iterable[tuple[_Joined, _Joined]], halves: tuple[Half, ...], held: bool) -> Iterator[Measured]:
    scoring = _Pairs()
    for x, y in pairs:
        score, detail, spread = scoring.score(x, y, "real", None, "synthetic", None, full=True)
        floors = [scoring.score(x, y, "real", a, "real", b)[0] for a, b in halves]
        if held:
            floors = [scoring.score(x, y, "real", None, "holdout", None)[0]]
        known = [f for f in floors if f is not None]
        floor = float(np.mean(known)) if known else None
        yield (x.column.name, y.column.name), score, floor, detail, around(score, spread)


def _halves_within(comparison: Comparison, table: str, rows: Integers | None) -> tuple[Half, ...]:
    """Halves as positions among the rows that are looked at; only two splits: pairs are many."""
    halves = comparison.halves(table)
    halves = halves if comparison.rows("real", table) < FEWEST else halves[:2]
    if rows is None:
        return halves
    first = np.zeros(comparison.rows("real", table), dtype=bool)
    found = []
    for a, _ in halves:
        first[:] = False
        first[a] = True
        found.append((np.flatnonzero(first[rows]), np.flatnonzero(~first[rows])))
    return tuple(found)


def _some(comparison: Comparison, rows: int, limit: int, *address: str) -> Integers | None:
    """At most ``limit`` row numbers, ascending; None for all."""
    if rows <= limit:
        return None
    return np.sort(permutation(rows, comparison.seed, "evaluation", "pairs", *address)[:limit])


def _sampled(what: str, limit: int) -> str:
    error = 0.5 / np.sqrt(limit)
    return f"{what}: measured on {limit:,} rows of each side; the standard error of a share is at most {error:.4f}"
