"""Entities that the rows of a table repeat, as tables of their own that the rows reference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from fixturesynth.schema.model import ForeignKey, Schema, Table

__all__ = ["owner_of", "with_repeated"]


def with_repeated(schema: Schema, entities: Iterable[Table]) -> Schema:
    """The schema with tables ``entities``, each of which the rows of table ``repeated_in`` reference by its key.

    >>> from fixturesynth.schema.model import Column, ColumnType, PrimaryKey
    >>> number = Column("order_no", ColumnType("integer", "integer"))
    >>> entity = Table("lines per order_no", (number,), primary_key=PrimaryKey(("order_no",)), repeated_in="lines")
    >>> whole = with_repeated(Schema((Table("lines", (number,)),)), [entity])
    >>> whole.names, whole["lines"].foreign_keys[0].parent, whole.shown.names
    (('lines', 'lines per order_no'), 'lines per order_no', ('lines',))
    """
    for entity in entities:
        tables = (*(_referring(t, entity) if t.name == entity.repeated_in else t for t in schema), entity)
        schema = replace(schema, tables=tables)
    return schema


def _referring(table: Table, entity: Table) -> Table:
    key = entity.primary_key.columns if entity.primary_key else ()
    name = "fk_" + "_".join(key)
    while any(fk.name == name for fk in table.foreign_keys):
        name += "_"
    reference = ForeignKey(name, key, entity.name, key, declared=False, repeating=True)
    return replace(table, foreign_keys=(*table.foreign_keys, reference))


def owner_of(schema: Schema, table: str) -> str:
    """The table of the source whose rows repeat the entities ``table``; ``table`` itself where it is one."""
    while (above := schema[table].repeated_in) is not None:
        table = above
    return table
