"""Composed texts made again from what their pieces have become: moved dates, exchanged parents."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.planning.plan import ColumnPlan, Rule
from fixturesynth.sampling.assembly import Assembly, made
from fixturesynth.sampling.succession import computed_again

__all__ = ["composed_again"]

Columns = dict[str, pa.Array]


def composed_again(assembly: Assembly, columns: Columns, given: Collection[str]) -> Columns:
    """The columns with composed texts as their pieces are now, and what hangs on them; NULLs stay where they are.

    ``given``: columns that the user set, which stay.
    """
    waiting = [c for c in assembly.plan.columns if _is_composed(c) and c.name in columns and c.name not in given]
    out, changed = dict(columns), set[str]()
    while waiting:
        names = {c.name for c in waiting}
        ready = [c for c in waiting if isinstance(c.source, Rule) and not names & set(c.source.needs)] or waiting[:1]
        for column in ready:
            own, values = out[column.name], made(assembly, column, out)
            values = pc.if_else(pc.and_(own.is_valid(), values.is_valid()), values, own)
            if not values.equals(own):
                out[column.name] = values
                changed.add(column.name)
        waiting = [c for c in waiting if c not in ready]
    return computed_again(assembly, out, changed, set(given)) if changed else out


def _is_composed(column: ColumnPlan) -> bool:
    return isinstance(column.source, Rule) and column.source.call.name == "composed"
