"""Unique sets that take only a part of a key's columns: how many rows the values of the parent leave room for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from fixturesynth.planning.plan import Derived, Key, Plan, Reference, Rule, TablePlan
from fixturesynth.planning.uniques import unique_sets
from fixturesynth.rules.contract import ColumnContext
from fixturesynth.rules.registry import capacity
from fixturesynth.schema.model import ForeignKey, Schema, Table

__all__ = ["columns_in_part", "distinct_parents", "part_of", "told_apart"]


def part_of(table: Table, fk: ForeignKey, columns: Collection[str]) -> tuple[str, ...]:
    """The parent's columns that ``columns`` take from the key, where they take some of them and not all; else ()."""
    taken = tuple(t for c, t in zip(fk.columns, fk.parent_columns, strict=True) if c in columns)
    return taken if len(taken) < len(fk.columns) else ()


def told_apart(schema: Schema, table: str) -> frozenset[str]:
    """Columns of the table that must differ without the rest of its key, because a unique set of a child takes them."""
    return frozenset(
        theirs
        for child in schema
        for fk in child.foreign_keys if fk.parent == table
        for unique in unique_sets(child)
        for theirs in part_of(child, fk, unique.columns)
    )  # fmt: skip


def distinct_parents(
    schema: Schema, done: Mapping[str, TablePlan], parent: str, part: Collection[str], locale: str, now: str
) -> int:
    """At least so many distinct tuples the rows of ``parent`` have in ``part``; made sure when they are sampled."""
    plan, table = done[parent], schema[parent]
    if any(isinstance(s := plan.column(c).source, Derived) and s.operation == "ordinal" for c in part):
        part = [c for c in part if not isinstance(plan.column(c).source, Derived)]
        return distinct_parents(schema, done, parent, part, locale, now) if part else 1
    if plan.mode != "generate" or any(not isinstance(plan.column(c).source, Rule | Key | Reference) for c in part):
        return plan.rows
    if any(u.predicate is None and u.columns and set(u.columns) <= set(part) for u in unique_sets(table)):
        return plan.rows
    return max((_distinct(schema, done, plan, table, c, locale, now) for c in part), default=plan.rows)


def _distinct(
    schema: Schema, done: Mapping[str, TablePlan], plan: TablePlan, table: Table, column: str, locale: str, now: str
) -> int:
    source = plan.column(column).source
    if isinstance(source, Key) or (isinstance(source, Rule) and source.call.unique):
        return plan.rows
    if isinstance(source, Rule):
        if any(c.name == column for choice in plan.branches for branch in choice.branches for c in branch):
            return 1
        moment = datetime.fromisoformat(now)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        context = ColumnContext(table.name, column, table.column(column).type, locale, aware)
        return min(plan.rows, capacity(replace(source.call, unique=True), context))
    assert isinstance(source, Reference)
    fk = table.foreign_key(source.foreign_key)
    reference = plan.reference(fk.name)
    shared = any(isinstance(s := plan.column(c).source, Reference) and s.foreign_key != fk.name for c in fk.columns)
    if reference.how not in ("context", "matched") or shared or reference.null_share:
        return 1  # nobody sees to it that more parents have a child
    above = distinct_parents(schema, done, fk.parent, (source.parent_column,), locale, now)
    return min(plan.rows, above)


def columns_in_part(schema: Schema, plan: Plan, others: Collection[tuple[str, str]] = ()) -> dict[str, frozenset[str]]:
    """By table: columns whose values should differ as far as they can, because a unique set of a child takes them.

    ``others``: (table, column) that should differ too.
    """
    found: dict[str, set[str]] = {t.name: set() for t in plan.tables}
    todo = list(others)
    for child in plan.tables:
        table = schema[child.name]
        for unique in child.uniques:
            for fk in table.foreign_keys:
                if fk.parent in found and fk.parent != child.name:
                    todo += [(fk.parent, c) for c in part_of(table, fk, unique.columns)]
    while todo:
        name, column = todo.pop()
        if column in found[name]:
            continue
        found[name].add(column)
        own = plan[name]
        source = own.column(column).source if own.mode == "generate" else None
        if isinstance(source, Reference):
            todo.append((schema[name].foreign_key(source.foreign_key).parent, source.parent_column))
    return {name: frozenset(columns) for name, columns in found.items() if columns}
