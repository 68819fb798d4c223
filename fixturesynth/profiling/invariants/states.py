"""Whether a column is NULL, zero or anything else, where a category says so: nothing is sold on days of rest."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.profiling.aggregates import plain_category
from fixturesynth.profiling.columnar import ColumnView, TableView
from fixturesynth.profiling.invariants.evidence import FEWEST, SURPRISE
from fixturesynth.profiling.profile import Invariant

__all__ = ["NAMES", "NULL", "SET", "ZERO", "find_states", "states_of"]

Integers = npt.NDArray[np.int64]

NULL, ZERO, SET = 0, 1, 2
NAMES = ("null", "zero", "set")
LEAST_DISTINCT = 6  # a column of fewer values is a category itself
MOST_CLASSES = 24


def states_of(column: ColumnView) -> Integers:
    """NULL, ZERO or SET for each row, (rows,)."""
    found = np.where(column.valid, SET, NULL)
    if column.family == "number":
        found = np.where(column.valid & (column.numbers == 0), ZERO, found)
    return found.astype(np.int64)


def find_states(view: TableView, first: Collection[str]) -> Iterator[Invariant]:
    """One rule at most for each column whose state another one tells: by its values, or (``by`` state) by its state.

    ``first``: columns that are known after all others, children's totals among them, which are tried before others.
    """
    if view.rows < FEWEST:
        return
    barred = view.references | view.identities | view.opaque
    targets = {
        c.name: states_of(c) for c in view.columns.values()
        if c.name not in barred and c.family in ("number", "datetime", "text") and c.distinct >= LEAST_DISTINCT
    }  # fmt: skip
    targets = {n: s for n, s in targets.items() if 0 < np.count_nonzero(s == SET) < s.size}
    deciders = [("value", c, c.dense, c.classes) for c in view.columns.values() if _is_category(view, c)]
    deciders += [("state", view[n], s, 3) for n, s in targets.items() if (s == ZERO).any()]
    deciders.sort(key=lambda d: (d[1].name not in first, d[0] != "value", d[3]))
    decided: dict[str, str] = {}
    for name, states in targets.items():
        for by, column, codes, size in deciders:
            if column.name == name or decided.get(column.name) == name:
                continue
            told = _told(states, codes, size)
            if told is not None:
                classes = [*_classes(column)] if by == "value" else [*NAMES]
                pairs = [[classes[c], NAMES[s]] for c, s in enumerate(told) if s >= 0]
                if all((state == "null") == (which in (None, "null")) and state != "zero" for which, state in pairs):
                    continue  # NULL where the other one is, and nowhere else: a rule of NULLs says that
                parameters = {"by": by, "states": pairs}
                decided[name] = column.name
                yield Invariant("states", view.table.name, name, (column.name,), None, parameters, view.rows)
                break


def _is_category(view: TableView, column: ColumnView) -> bool:
    plain = column.family in ("text", "boolean", "number") and column.name not in view.identities | view.opaque
    return plain and 1 < column.classes <= MOST_CLASSES and column.name not in view.references


def _classes(column: ColumnView) -> list[Any]:
    """The categories by code, and NULL behind them."""
    assert column.values is not None
    return [*(plain_category(v) for v in column.values.to_pylist()), None]


def _told(states: Integers, codes: Integers, size: int) -> list[int] | None:
    """By class the state that all of its rows have, -1 for a class without rows; None where one has several, or where
    chance would do as well."""
    width = int(max(size, codes.max(initial=0) + 1))
    table = np.bincount(codes * 3 + states, minlength=3 * width).reshape(width, 3)
    if (np.count_nonzero(table, axis=1) > 1).any():
        return None
    totals = table.sum(axis=0)
    if np.count_nonzero(totals >= FEWEST) < 2:
        return None
    shares = totals / totals.sum()
    rows = table.sum(axis=1)
    used = np.flatnonzero(rows)
    # The first row of a class may have any state, the others the same.
    chance = np.log(np.power(shares[None, :], np.maximum(rows[used], 1)[:, None]).sum(axis=1).clip(1e-300))
    if -float(chance.sum()) < SURPRISE:
        return None
    return [int(table[c].argmax()) if rows[c] else -1 for c in range(width)]
