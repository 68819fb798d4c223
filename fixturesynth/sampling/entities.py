"""Values given to columns that a table's rows have from the entities that they repeat."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from fixturesynth.arrays import array_of
from fixturesynth.dataset import arrow_type
from fixturesynth.generators.derivation import as_type
from fixturesynth.generators.tablemodel import TableModel
from fixturesynth.planning.plan import Derived, Plan
from fixturesynth.planning.stating import stated
from fixturesynth.sampling.partition import final_type
from fixturesynth.schema.model import Schema, Table

__all__ = ["Given", "as_given", "given_to_entities"]


@dataclass(frozen=True)
class Given:
    """A value that a column of a table takes, in a share of its rows (1: all)."""

    table: str
    column: str
    value: Any
    share: float = 1.0


def as_given(value: Any, table: Table, model: TableModel | None, name: str) -> Any:
    """A value that was asked for, in the Python type of its column; ValueError where the column cannot hold it."""
    column, kind = table.column(name), final_type(table, model, name)
    if value is None or kind != arrow_type(column.type) or pa.types.is_nested(kind):
        return value
    return as_type(array_of([stated(value, column)]), kind)[0].as_py()


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
