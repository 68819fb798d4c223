"""Columns and an index for users of ``hypothesis.extra.pandas``, who put frames together by themselves."""

from __future__ import annotations

from typing import Any

from hypothesis.extra import pandas as extra
from hypothesis.strategies import SearchStrategy

from fixturesynth.errors import InputError, did_you_mean
from fixturesynth.strategies.choices import Choices, Drawn
from fixturesynth.strategies.description import Settings, Source, TableRules
from fixturesynth.strategies.sources import compiled

__all__ = ["columns", "index"]

FILLED = 0.75
DTYPES = {"integer": "int64", "year": "int64", "float": "float64", "boolean": "bool"}


def columns(source: Any, table: str) -> list[Any]:
    """``hypothesis.extra.pandas.column`` for every column of ``table``, for ``data_frames(columns(...))``.

    Each column by itself is valid: its values, nulls and, where it is unique alone, uniqueness. What ties columns and
    tables together is for ``from_schema``.
    """
    found, rules = _rules(source, table)
    alone = {u.columns[0] for u in rules.uniques if len(u.columns) == 1 and not u.partial}
    out = []
    for name in rules.columns:
        declared = found.schema[table].column(name)
        cells = [c for k in rules.components for w in k.ways for c in w.cells if c.name == name]
        null = any(c.null for c in cells)
        dtype = DTYPES.get(declared.type.kind, "object") if not null else "object"
        out.append(extra.column(name, elements=_elements(rules, name), dtype=dtype, unique=name in alone))
    return out


def index(source: Any, table: str, *, min_size: int = 0, max_size: int = 10) -> SearchStrategy[Any]:
    """Indexes of the primary key's values, for ``data_frames(..., index=index(...))``; the key must be one column."""
    found, rules = _rules(source, table)
    key = found.schema[table].primary_key
    if key is None or len(key.columns) != 1:
        raise InputError(f"{table}: an index needs a primary key of one column; leave index= out")
    dtype = DTYPES.get(found.schema[table].column(key.columns[0]).type.kind, "object")
    return extra.indexes(
        elements=_elements(rules, key.columns[0]), dtype=dtype, min_size=min_size, max_size=max_size, unique=True
    )


def _rules(source: Any, table: str) -> tuple[Source, TableRules]:
    found = compiled(source, Settings())
    if table not in found.tables:
        raise InputError(f"no table {table!r}: {did_you_mean(table, found.tables)}")
    return found, found.tables[table]


def _elements(rules: TableRules, name: str) -> SearchStrategy[Any]:
    if name in rules.counted:
        return Drawn(lambda choices: choices.integer(1, 2**31 - 1), name)
    component = next(c for c in rules.components if name in c.names)
    cells = [c for w in component.ways for c in w.cells if c.name == name]

    def draw(choices: Choices) -> Any:
        cell = cells[choices.index(len(cells))]
        if cell.span is None or (cell.null and not choices.flag(FILLED)):
            return None
        return cell.span.draw(choices)

    return Drawn(draw, name)
