"""Running numbers that are no key: the rows of a family have them one after the other, receipts rise with their dates.

Each value comes once, so nothing of a single one can be learned; what says something is whose numbers stand together,
how far the next one lies, and which other columns name a number nearby (the entry that this one settles).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.profiling.columnar import ColumnView, TableView
from fixturesynth.profiling.invariants.evidence import FEWEST

__all__ = ["find_numberings", "find_pointers", "may_be_numbered"]

Integers = npt.NDArray[np.int64]

LEAST_FAMILIES = 5
APART = 0.25  # share of the rows after the first of a family that may stand away from it
IN_ORDER = 0.98  # share of neighbours in a family whose dates do not fall
ALONG = 0.95  # rank correlation
MOST_ALONG = 4  # columns
NEARER = 0.8  # of what a correlation lacks, that it may lack with a column more
STEPS = 64
EACH = 5  # steps for which one that is stored stands
NEAR = 32  # numbers between a row's own one and the one that it names
POINTING = 0.9  # share of the rows that have a value
WIDE = 50 * NEAR  # numbers on end: in fewer, all are near each other


def may_be_numbered(view: TableView) -> bool:
    """Whether any column of the table could be a running number."""
    return view.rows >= FEWEST and any(_may_run(view, c) for c in view.columns.values())


def _may_run(view: TableView, column: ColumnView) -> bool:
    return column.name not in view.references | view.identities and column.unique and column.whole


def find_numberings(view: TableView, above: Mapping[str, Integers]) -> dict[str, dict[str, Any]]:
    """By column: ``by``, the foreign key whose children have their numbers together (None: no family has), ``along``,
    columns with which the numbers rise, one before the other (none: they rise with the rows' own key, or the
    parents'), ``steps`` inside a family, evenly from the least to the largest, and ``dates`` that never fall inside it.

    ``above``: by foreign key, the parent's row of each row, -1 for none, (n,).
    """
    out = {}
    for column in view.columns.values():
        if _may_run(view, column):
            found = _numbering(view, column, above)
            if found is not None:
                out[column.name] = found
    return out


def _numbering(view: TableView, column: ColumnView, above: Mapping[str, Integers]) -> dict[str, Any] | None:
    numbers = column.integers
    order = np.argsort(numbers, kind="stable")
    best: tuple[int, str] | None = None
    for key, at in above.items():
        standing = at[order]
        follows = (standing[1:] == standing[:-1]) & (standing[1:] >= 0)
        families = int(np.unique(at[at >= 0]).size)
        later = int(np.count_nonzero(at >= 0)) - families
        if families < LEAST_FAMILIES or later < FEWEST or later - int(follows.sum()) > APART * later:
            continue
        if best is None or families > best[0]:
            best = families, key
    if best is None:
        along = _along(view, numbers, np.arange(numbers.size))
        # Families whose numbers are far apart would have theirs together by the key.
        counts = bool(along) or (not above and _as_keyed(view, numbers))
        return {"by": None, "along": along, "steps": [1], "dates": []} if counts else None
    at = above[best[1]]
    family = np.where(at >= 0, at, at.size + np.arange(at.size))
    line = np.lexsort((numbers, family))
    inside = family[line][1:] == family[line][:-1]
    first = line[np.append(True, ~inside)]
    steps = np.diff(numbers[line])[inside]
    dates = [
        c.name for c in view.columns.values()
        if c.family == "datetime" and not c.nulls and (np.diff(c.moments[line])[inside] >= 0).mean() >= IN_ORDER
    ]  # fmt: skip
    points = (np.arange(min(STEPS, max(1, steps.size // EACH))) + 0.5) / min(STEPS, max(1, steps.size // EACH))
    evenly = np.quantile(steps, points, method="nearest").tolist()
    return {"by": best[1], "along": _along(view, numbers, first), "steps": [int(s) for s in evenly], "dates": dates}


def _along(view: TableView, numbers: Integers, rows: Integers) -> list[str]:
    """Columns in whose order those ``rows`` stand by their numbers: a date, or year, month and day."""
    if rows.size < FEWEST:
        return []
    free = {
        c.name: c.ordered[rows] for c in view.columns.values()
        if c.family in ("datetime", "number") and not c.nulls and c.distinct > 2 and not c.unique
        and c.name not in view.references | view.identities
    }  # fmt: skip
    chosen: list[str] = []
    place, reached = np.zeros(rows.size, dtype=np.int64), 0.0
    while len(chosen) < MOST_ALONG:
        places = {name: _placed(place, values) for name, values in free.items() if name not in chosen}
        found = {name: _together(numbers[rows], other) for name, other in places.items()}
        best = max(found, key=lambda name: found[name], default=None)
        if best is None or 1 - found[best] > NEARER * (1 - reached):
            break
        chosen.append(best)
        place, reached = places[best], found[best]
    return chosen if reached >= ALONG else []


def _placed(place: Integers, values: npt.NDArray[Any]) -> Integers:
    """Where rows stand by ``place`` and then by ``values``, (n,): equal ones at the same place."""
    order = np.lexsort((values, place))
    new = (np.diff(place[order]) != 0) | (np.diff(values[order]) != 0)
    out = np.empty(order.size, dtype=np.int64)
    out[order] = np.concatenate(([0], np.cumsum(new)))
    return out


def _as_keyed(view: TableView, numbers: Integers) -> bool:
    """Whether the numbers rise exactly with a number that is the key."""
    keys = [view[n] for n in view.key_columns if n in view.columns]
    alone = len(keys) == 1 and keys[0].whole and keys[0].unique and keys[0].rows >= FEWEST
    return alone and bool((np.diff(numbers[np.argsort(keys[0].integers)]) > 0).all())


def _together(a: Integers, b: Integers) -> float:
    """Rank correlation; equal values share their ranks."""
    ranks = []
    for values in (a, b):
        _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
        ranks.append((np.cumsum(counts) - (counts - 1) / 2)[which])
    if any(float(np.ptp(r)) == 0 for r in ranks):
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def find_pointers(view: TableView, numbered: Mapping[str, Any]) -> dict[str, str]:
    """By column: the numbered column of the same row that nearly all its values lie beside."""
    out: dict[str, str] = {}
    for column in view.columns.values():
        free = column.name not in view.references | view.identities and column.name not in numbered
        if not free or not column.whole or int(np.count_nonzero(column.valid)) < FEWEST:
            continue
        for name in numbered:
            numbers = view[name].integers
            away = np.abs(column.integers - numbers)[column.valid]
            if int(np.ptp(numbers)) >= WIDE and float((away <= NEAR).mean()) >= POINTING:
                out[column.name] = name
                break
    return out
