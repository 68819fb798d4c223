"""Values given to columns that a table's rows have from the entities that they repeat."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from fixturesynth.planning.plan import Derived, Plan
from fixturesynth.schema.model import Schema

__all__ = ["Given", "given_to_entities"]


@dataclass(frozen=True)
class Given:
    """A value that a column of a table takes, in a share of its rows (1: all)."""

    table: str
    column: str
    value: Any
    share: float = 1.0


def given_to_entities(schema: Schema, plan: Plan, given: tuple[Given, ...]) -> tuple[Given, ...]:
    """``given`` with values of what all rows of an entity agree in given to entities: a share is then one of them."""
    out: list[Given] = []
    todo = list(given)
    names = {t.name for t in plan.tables}
    while todo:
        item = todo.pop(0)
        source = plan[item.table].column(item.column).source if item.table in names else None
        above = None
        if isinstance(source, Derived) and source.operation == "copy" and source.foreign_key is not None:
            above = schema[schema[item.table].foreign_key(source.foreign_key).parent]
        if isinstance(source, Derived) and above is not None and above.repeated_in == item.table:
            todo.append(replace(item, table=above.name, column=source.sources[0]))
            if item.share < 1.0:
                continue
        out.append(item)
    return tuple(out)
