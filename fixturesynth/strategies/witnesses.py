"""Checks that only whole rows can show to hold: their columns are drawn together, out of rows that pass.

``c = a * b`` leaves no column a range of its own. The planner's own rows satisfy such checks, computed or tried in the
database; distinct ones of them, the simplest first, are what can be drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from fixturesynth.errors import ConstraintError
from fixturesynth.planning.plan import Plan
from fixturesynth.planning.planner import Wishes, make_plan
from fixturesynth.planning.rows import RowsAsked
from fixturesynth.sampling.engine import sample_dataset
from fixturesynth.schema.model import Schema, Table
from fixturesynth.schema.predicates import NotUnderstood, TableConstraints, evaluate, mentioned_columns

__all__ = ["Witnesses", "witnessed"]

ROWS = 256  # of which the distinct ones are kept
EPOCH = datetime(2000, 1, 1)

Witnesses = tuple[tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]], ...]


def witnessed(
    schema: Schema, plan: Plan, table: Table, left: Sequence[tuple[str, str]], constraints: TableConstraints
) -> Witnesses:
    """(columns, rows of their values) for each group of columns that the checks ``left`` tie to each other.

    ConstraintError for a check on a foreign key's columns: whose values are there is not known before rows are drawn.
    """
    linked = {c for fk in table.foreign_keys for c in fk.columns}
    groups: list[set[str]] = []
    for name, text in left:
        columns = set(mentioned_columns(text, table, schema.dialect))
        if columns & linked:
            raise ConstraintError(
                f"{table.name}: constraint {name} ties columns of a foreign key to others in a way that rows cannot be "
                f"drawn by: CHECK ({text}); leave the table out (tables=...)"
            )
        groups = _joined(groups, columns)
    for columns in _tied(constraints):
        if any(columns & g for g in groups):
            groups = _joined(groups, columns - linked)
    rows = _rows(schema, plan, table)
    good = np.ones(rows.num_rows, dtype=bool)
    for _, text in left:
        try:
            good &= evaluate(text, rows, schema.dialect, now=plan.now)
        except NotUnderstood:
            continue  # the planner had the database judge it
    passing = rows.filter(pa.array(good))
    out = []
    for group in groups:
        names = tuple(c for c in table.column_names if c in group and c in passing.column_names)
        found = {tuple(map(_hashable, v)): v for v in zip(*(passing.column(n).to_pylist() for n in names), strict=True)}
        if not found:
            listed = ", ".join(n for n, _ in left)
            raise ConstraintError(
                f"{table.name}: none of {ROWS} trial rows passes {listed}; leave the table out (tables=...)"
            )
        out.append((names, tuple(sorted(found.values(), key=_complexity))))
    return tuple(out)


def _joined(groups: list[set[str]], columns: set[str]) -> list[set[str]]:
    touching = [g for g in groups if g & columns]
    return [g for g in groups if not g & columns] + [columns.union(*touching)]


def _tied(constraints: TableConstraints) -> Iterable[set[str]]:
    for one in constraints.alternatives:
        names: set[str] = set()
        for branch in one.branches:
            names |= set(branch.domains) | {n for d in branch.differences for n in (d.low, d.high)}
            names |= {n for d in branch.distinct for n in (d.a, d.b)}
        yield names
    yield from ({d.low, d.high} for d in constraints.differences)
    yield from ({d.a, d.b} for d in constraints.distinct)


def _rows(schema: Schema, plan: Plan, table: Table) -> pa.Table:
    """Rows of the table and of all that it references, made as ``generate`` makes them."""
    wanted, todo = set(), [table.name]
    while todo:
        name = todo.pop()
        if name not in wanted:
            wanted.add(name)
            todo += [r.parent for r in plan[name].references]
    wishes = Wishes(rows=RowsAsked({}, default=ROWS), locale=plan.locale, now=plan.now)
    tables = tuple(t for t in schema if t.name in wanted)
    whole = make_plan(replace(schema, tables=tables), wishes=wishes)
    return sample_dataset(replace(schema, tables=tables), whole, {}, seed=0).arrow(table.name)


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _complexity(values: Sequence[Any]) -> tuple[Any, ...]:
    """What shrinking prefers: NULL, False, few characters, numbers near 0, days near 2000."""
    sizes = [_size(v) for v in values]
    return (max(s[0] for s in sizes), sum(s[1] for s in sizes), str(values))


def _size(value: Any) -> tuple[int, float]:
    measure = _SIZES.get(type(value))
    return (0, 0.0) if value is None else (1, float(measure(value)) if measure is not None else 0.0)


_SIZES: Mapping[type, Any] = {
    bool: int,
    int: abs,
    float: abs,
    Decimal: abs,
    str: len,
    bytes: len,
    list: len,
    date: lambda v: abs((v - EPOCH.date()).days),
    datetime: lambda v: abs((v.replace(tzinfo=None) - EPOCH).total_seconds()) / 86_400,
    time: lambda v: v.hour,
    timedelta: lambda v: abs(v.total_seconds()),
}
