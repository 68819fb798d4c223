"""A sampled row under another parent, or with other values: what follows from those follows again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from fixturesynth.planning.plan import Constant, Derived, Plan, Rule, TablePlan
from fixturesynth.sampling.assembly import Assembly, Made, compute
from fixturesynth.schema.model import Schema, Table
from pytest_fixturesynth.stock import repeated

__all__ = ["dependents", "moved_in_time", "recomputed"]


def dependents(plan: TablePlan, changed: frozenset[str], keys: frozenset[str]) -> frozenset[str]:
    """Columns that are computed from ``changed`` columns of the row, or through the foreign keys ``keys``."""
    found: set[str] = set()
    while True:
        more = {c.name for c in plan.columns if c.name not in found and _hangs(c.source, changed | found, keys)}
        if not more:
            return frozenset(found - changed)
        found |= more


def _hangs(source: Any, names: frozenset[str], keys: frozenset[str]) -> bool:
    if isinstance(source, Rule):
        return bool(names & set(source.needs)) or any(key in keys for key, _ in source.parents)
    if isinstance(source, Derived):
        if source.operation in ("ordinal", "numbered"):
            return False  # a place among siblings is found by looking at them
        if "theirs" in source.parameters:
            return source.foreign_key in keys or bool(names & set(source.sources))
        return source.foreign_key in keys if source.foreign_key is not None else bool(names & set(source.sources))
    return False


def recomputed(
    schema: Schema, plan: Plan, table: Table, row: Mapping[str, Any], rank: int, seed: int, wanted: frozenset[str],
    kinds: Mapping[str, pa.DataType], parents: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:  # fmt: skip
    """Values of the columns ``wanted`` in a row whose other values are as they are. ``parents`` by foreign key."""
    own = plan[table.name]
    columns = tuple(c if c.name in wanted else replace(c, source=Constant(None)) for c in own.columns)
    base = {n: repeated(v, 1, kinds[n]) for n, v in row.items() if n in kinds and n not in wanted}
    given: dict[str, list[Mapping[str, Any]]] = {fk.parent: [] for fk in table.foreign_keys}
    ranks = {}
    for fk in table.foreign_keys:
        values = parents.get(fk.name)
        ranks[fk.name] = np.full(1, -1 if values is None else len(given[fk.parent]), dtype=np.int64)
        if values is not None:
            given[fk.parent].append(values)
    made = {
        name: Made(len(rows), {n: pa.array([r.get(n) for r in rows]) for n in {n for r in rows for n in r}})
        for name, rows in given.items()
    }
    assembly = Assembly(
        replace(own, columns=columns, rows=1), table, None, 1, seed, plan.locale, plan.now, base,
        np.zeros((1, 0), dtype=np.int32), np.zeros(1, dtype=np.int64), ranks, made, plan.dialect, rank,
    )  # fmt: skip
    values = compute(assembly)
    return {name: values[name][0].as_py() for name in wanted if name in values}


def moved_in_time(
    row: Mapping[str, Any], fixed: frozenset[str], before: Any, after: Any, now: str, own: frozenset[str]
) -> dict[str, Any]:
    """Moments of a row that was sampled for a parent of ``before``, under a parent of ``after``.

    What lies between the parent's moment and now moves to the same place between the other parent's moment and now, so
    that the order of moments is kept and nothing comes before its parent. ``own``: the columns that are moments.
    """
    start, target, end = as_moment(before), as_moment(after), as_moment(datetime.fromisoformat(now))
    if start is None or target is None or end is None or start == target:
        return {}
    out = {}
    for name in own - fixed:
        moment = as_moment(row.get(name))
        if moment is None or moment < start:
            continue
        share = (moment - start) / (end - start) if end > start and moment <= end and target < end else None
        new = target + (moment - start) if share is None else target + (end - target) * share
        out[name] = _like(row[name], new)
    return out


def as_moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if isinstance(value, str) and len(value) >= 10 and value[4] == value[7] == "-":
        try:
            return as_moment(datetime.fromisoformat(value))
        except ValueError:
            return None
    return None


def _like(value: Any, moment: datetime) -> Any:
    if isinstance(value, datetime):
        if value.microsecond == 0:
            moment = (moment + timedelta(microseconds=999_999)).replace(microsecond=0)
        return moment.replace(tzinfo=UTC) if value.tzinfo else moment
    if isinstance(value, date):
        return moment.date()
    return moment.isoformat(sep=" ")
