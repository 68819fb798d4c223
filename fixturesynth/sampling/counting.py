"""Columns that are counted from others, moved along with these where they moved after all was put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import fill_null
from fixturesynth.generators.offsets import add_offset, base_of, offsets
from fixturesynth.planning.plan import Modelled, TablePlan

__all__ = ["moved_along"]

Columns = dict[str, pa.Array]


def moved_along(
    plan: TablePlan, counted: Mapping[str, Mapping[str, Any]], before: Columns, columns: Columns, changed: set[str]
) -> Columns:
    """``columns`` where those learned as distances from the ``changed`` ones keep what distance they had ``before``, in
    rows in which they did not move themselves.

    ``counted``: facts of generators.offsets by column. What moves is added to ``changed``, and takes others along.
    """
    out = dict(columns)
    for column in plan.columns:
        source, facts = column.source, counted.get(column.name, {})
        if not isinstance(source, Modelled) or column.name in changed or column.name not in out or "parts" in facts:
            continue
        base = base_of(source.options, facts) if facts else None
        if base is None or base not in changed:
            continue
        distance = offsets(before[column.name], before[base], facts)
        if distance is not None:
            made = add_offset(out[base], distance, facts, out[column.name].type)
            own = out[column.name]
            moved = pc.and_(pc.not_equal(before[base], out[base]), pc.equal(before[column.name], own))
            out[column.name] = pc.if_else(fill_null(moved, False), pc.coalesce(made, own), own)
            changed.add(column.name)
    return out
