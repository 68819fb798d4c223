"""Keys that children's checks speak of: what a check leaves of a reference, the key that it refers to keeps to."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from fixturesynth.schema.model import Schema, Table
from fixturesynth.schema.predicates import ColumnDomain, TableConstraints, compile_constraints

__all__ = ["room_of", "within_children"]


def within_children(
    schema: Schema, table: Table, constraints: TableConstraints, rows: int, now: str
) -> TableConstraints:
    """The constraints of ``table``, with the domains of its keys narrowed to those of single columns that refer to
    them, where these leave room for the ``rows`` that it was learned from."""
    domains = dict(constraints.domains)
    for child, foreign_key in schema.children_of(table.name):
        if child.name == table.name or len(foreign_key.columns) != 1 or not child.checks:
            continue
        theirs = compile_constraints(child, schema.dialect, now=now).domains.get(foreign_key.columns[0])
        column = foreign_key.parent_columns[0]
        if theirs is None or theirs.only_null or room_of(theirs) < rows:
            continue
        narrower = replace(theirs, column=column, not_null=False)
        if narrower != ColumnDomain(column):
            domains[column] = domains[column].intersect(narrower) if column in domains else narrower
    return replace(constraints, domains=domains)


def room_of(domain: ColumnDomain) -> float:
    """How many values a list or whole numbers between two bounds are; infinity for all other domains."""
    if domain.allowed is not None:
        return len(domain.allowed)
    if isinstance(domain.low, int | float) and isinstance(domain.high, int | float):
        return float(domain.high - domain.low + 1)
    return inf
