"""Columns that may be NULL by their declaration and never are by a check."""

from dataclasses import replace

from fixturesynth.schema.model import Schema, Table
from fixturesynth.schema.predicates import NotUnderstood, compile_constraints

__all__ = ["with_required"]


def with_required(schema: Schema, now: str) -> Schema:
    """The schema with references that a check never lets be NULL declared so: they are planned as if they were.

    A table that no row can enter by its checks is left as it is, to be refused where its rules are planned.
    """
    tables = tuple(_with_required(table, schema.dialect, now) for table in schema)
    changed = any(new is not old for new, old in zip(tables, schema, strict=True))
    return replace(schema, tables=tables) if changed else schema


def _with_required(table: Table, dialect: str, now: str) -> Table:
    keys = {c for fk in table.foreign_keys for c in fk.columns if table.column(c).nullable}
    asking = tuple(c for c in table.checks if keys & set(c.columns) and "null" in c.text.lower())
    if not asking:
        return table
    try:
        domains = compile_constraints(replace(table, checks=asking), dialect, now=now).domains
    except NotUnderstood:
        return table
    required = {name for name in keys if name in domains and domains[name].not_null}
    if not required:
        return table
    return replace(table, columns=tuple(replace(c, nullable=False) if c.name in required else c for c in table.columns))
