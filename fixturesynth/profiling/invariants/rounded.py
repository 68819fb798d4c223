"""Sums that hold but for the rounding of their parts: totals in thousands, shares in cents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from fixturesynth.profiling.columnar import ColumnView, TableView
from fixturesynth.profiling.invariants.arithmetic import SCREEN, half_unit, measures
from fixturesynth.profiling.invariants.evidence import FEWEST, SAMPLE, shuffled
from fixturesynth.profiling.profile import Invariant

__all__ = ["find_rounded_sums"]

Floats = npt.NDArray[np.float64]

EXACT = 0.4  # share of the rows in which rounding makes no difference
LEAST_ROWS = 2 * FEWEST
MATTERS = 0.2  # share of the rows that other values of any part would break
MOST_COLUMNS = 40
MOST_PARTS = 6
NEAR = 0.02  # how far a coefficient may be from 1, -1 or 0
SPREAD = 20  # times what rounding may come to, that every part has to be spread


def find_rounded_sums(view: TableView) -> Iterator[Invariant]:
    """target = ± source ± source ..., in every row by no more than half a unit for each of them (``slack``)."""
    columns = measures(view, values=LEAST_ROWS)[:MOST_COLUMNS]
    columns = [c for c in columns if c.nulls <= 0.2 * view.rows]
    rows = view.sample(SAMPLE)
    for column in columns:
        rows = rows[column.valid[rows]]
    rows = rows[:: max(1, rows.size // SCREEN)]
    if len(columns) < 3 or rows.size < LEAST_ROWS + len(columns):
        return
    found: set[frozenset[str]] = set()
    for target in columns:
        others = [c for c in columns if c is not target]
        signs = _signs(target, others, rows)
        sources = [c for c, sign in zip(others, signs, strict=True) if sign]
        members = frozenset(c.name for c in (target, *sources))
        if members in found or not 2 <= len(sources) <= MOST_PARTS:
            continue
        found.add(members)
        weights = [float(s) for s in signs if s]
        slack = sum(half_unit(c) for c in (target, *sources)) * (1 + 1e-6)
        support = _verified([target, *sources], [-1.0, *weights], slack)
        if support:
            yield from _solved(view, [target, *sources], [-1.0, *weights], slack, support)


def _signs(target: ColumnView, others: Sequence[ColumnView], rows: npt.NDArray[np.int64]) -> list[int]:
    """1, -1 or 0 for each of ``others``, by least squares; all 0 where one is none of them."""
    x = np.column_stack([c.numbers[rows] for c in others])
    scale = np.abs(x).max(axis=0)
    if not scale.all():
        return [0] * len(others)
    solution = np.linalg.lstsq(np.column_stack([np.ones(rows.size), x / scale]), target.numbers[rows], rcond=None)[0]
    raw = solution[1:] / scale
    # What a column adds to the sum tells how much its coefficient has to be trusted.
    adds = np.abs(raw) * x.std(axis=0) > half_unit(target)
    near = np.abs(np.abs(raw) - 1) <= NEAR
    if not (near | ~adds).all():
        return [0] * len(others)
    return [int(sign) for sign in np.where(near & adds, np.sign(raw), 0)]


def _verified(members: Sequence[ColumnView], weights: Sequence[float], slack: float) -> int:
    """Rows that bear witness; 0 where one breaks the rule, or where it says too little."""
    rows = np.flatnonzero(np.logical_and.reduce([m.valid for m in members]))
    if rows.size < LEAST_ROWS:
        return 0
    terms = [w * m.numbers[rows] for m, w in zip(members, weights, strict=True)]
    off = np.sum(terms, axis=0)
    dust = 1e-9 * np.abs(terms[0])
    if not bool((np.abs(off) <= slack + dust).all()) or (np.abs(off) < half_unit(members[0])).mean() < EXACT:
        return 0
    if bool((np.abs(off) <= dust + 1e-6 * half_unit(members[0])).all()):
        return 0  # which other rules say
    turned = shuffled(rows.size)
    for term in terms:
        broken = np.abs(off - term + term[turned]) > slack
        if float(term.std()) < SPREAD * slack or broken.mean() < MATTERS:
            return 0
    return int(rows.size)


def _solved(
    view: TableView, members: Sequence[ColumnView], weights: Sequence[float], slack: float, support: int
) -> Iterator[Invariant]:
    """The sum solved for each of its members."""
    for i, target in enumerate(members):
        sources = [m for j, m in enumerate(members) if j != i]
        factors = [-w / weights[i] + 0.0 for j, w in enumerate(weights) if j != i]
        parameters = {"coefficients": factors, "constant": 0.0, "decimals": target.decimals, "slack": slack}
        names = tuple(s.name for s in sources)
        yield Invariant("linear", view.table.name, target.name, names, None, parameters, support)
