"""Columns whose rows hold NULL while they are learned and drawn, where the database has something else."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from fixturesynth.schema.model import Schema, Table

__all__ = ["emptied"]


def emptied(schema: Schema, columns: Mapping[str, Collection[str]]) -> Schema:
    """The schema in which ``columns``, by table, may be NULL, whatever is declared.

    >>> from fixturesynth.schema.model import Column, ColumnType
    >>> ends = Column("ends", ColumnType("date", "date"), nullable=False)
    >>> emptied(Schema((Table("deals", (ends,)),)), {"deals": ["ends"]})["deals"].column("ends").nullable
    True
    """
    if not any(columns.values()):
        return schema
    return replace(schema, tables=tuple(_emptied(table, columns.get(table.name, ())) for table in schema))


def _emptied(table: Table, names: Collection[str]) -> Table:
    columns = tuple(replace(c, nullable=True) if c.name in names else c for c in table.columns)
    return replace(table, columns=columns) if names else table
