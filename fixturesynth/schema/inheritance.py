"""What classes that inherit from each other ask of the rows of their tables, which no database enforces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.orm import Mapper, registry

from fixturesynth.schema.decorated import literal_of
from fixturesynth.schema.draft import table_name
from fixturesynth.schema.model import Check, Schema, Subtype, Table
from fixturesynth.schema.targets import quote_name

__all__ = ["registry_of", "with_inheritance"]

DIALECT = DefaultDialect()


def registry_of(thing: Any) -> registry | None:
    """The registry of a declarative base, of SQLModel or of a mapped class; None for anything else."""
    return next(
        (found for name in ("registry", "_sa_registry") if isinstance(found := getattr(thing, name, None), registry)),
        None,
    )


def with_inheritance(schema: Schema, classes: Any) -> Schema:
    """The schema with what the mapped classes of a base ask of rows, so that each can be loaded as its class.

    The column that tells classes apart has one of their names; in one table, columns of a class are NULL in rows of
    others (checks with ``declared=False``); a row of a joined table is one of its own class (``Table.subtype``).
    """
    found = registry_of(classes)
    tops = [m for m in found.mappers if _tells_classes(m)] if found is not None else []
    tables = {table.name: table for table in schema}
    for top in sorted(tops, key=lambda m: _name(m.local_table)):
        name = _name(top.local_table)
        family = [m for m in top.self_and_descendants if not m.concrete]
        if name not in tables or str(top.polymorphic_on.name) not in tables[name]:  # type: ignore[union-attr]
            continue
        joined = [m for m in family if m is not top and not m.single]
        tables[name] = _with_checks(tables[name], top, family, schema.dialect, alone=not joined)
        for mapper in (top, *joined) if joined else ():
            if (own := tables.get(_name(mapper.local_table))) is not None:
                tables[own.name] = replace(own, subtype=_subtype(own, mapper, top, family))
    return replace(schema, tables=tuple(tables[table.name] for table in schema))


def _tells_classes(mapper: Mapper[Any]) -> bool:
    """Whether a class is at the top of others and a column of its own table tells them apart."""
    column = mapper.polymorphic_on
    return mapper.inherits is None and isinstance(column, sa.Column) and column.table is mapper.local_table


def _name(table: Any) -> str:
    return table_name(table.schema, table.name, table.metadata.schema)


def _with_checks(table: Table, top: Mapper[Any], family: list[Mapper[Any]], dialect: str, *, alone: bool) -> Table:
    column = table.column(str(top.polymorphic_on.name))  # type: ignore[union-attr]
    values = _values(top, family)
    if not values:
        return table
    named = quote_name(column.name, dialect)
    made = []
    if column.type.kind != "enum" or set(values) < set(column.type.values):
        made.append(("classes", f"{named} IN ({', '.join(literal_of(v) for v in values)})", {column.name}))
    if column.nullable:
        made.append(("class", f"{named} IS NOT NULL", {column.name}))
    own = _own_columns(table, top, family) if alone else {}
    if own:
        branches = []
        for mapper in family:
            strange = [f"{quote_name(c, dialect)} IS NULL" for c, at in own.items() if mapper not in at]
            for value in _values(top, [mapper]):
                branches.append(f"({' AND '.join([f'{named} = {literal_of(value)}', *strange])})")
        made.append(("columns", " OR ".join(branches), {column.name, *own}))
    checks = (
        Check(f"{what}_by_{column.name}", text, tuple(c for c in table.column_names if c in names), declared=False)
        for what, text, names in made
    )
    return replace(table, checks=(*table.checks, *checks))


def _own_columns(table: Table, top: Mapper[Any], family: Iterable[Mapper[Any]]) -> dict[str, set[Mapper[Any]]]:
    """Columns that only some classes have, with these; those that may not be NULL are everybody's."""
    common = {c.name for c in _columns(top)}
    found: dict[str, set[Mapper[Any]]] = {}
    for mapper in family:
        for column in _columns(mapper):
            if column.name not in common and column.name in table and table.column(column.name).nullable:
                found.setdefault(column.name, set()).add(mapper)
    return {name: found[name] for name in table.column_names if name in found}


def _columns(mapper: Mapper[Any]) -> Iterator[sa.Column[Any]]:
    for column in mapper.columns:
        if isinstance(column, sa.Column) and column.table is mapper.local_table:
            yield column


def _subtype(table: Table, mapper: Mapper[Any], top: Mapper[Any], family: list[Mapper[Any]]) -> Subtype | None:
    link = None
    if mapper.inherits is not None:
        above = _name(mapper.inherits.local_table)
        key = table.primary_key.columns if table.primary_key else ()
        link = next((fk.name for fk in table.foreign_keys if fk.parent == above and set(fk.columns) == set(key)), None)
        if link is None:
            return None
    values = _values(top, [m for m in family if m.local_table is mapper.local_table])
    column = str(top.polymorphic_on.name)  # type: ignore[union-attr]
    return Subtype(link, _name(top.local_table), column, tuple(str(v) for v in values))


def _values(top: Mapper[Any], mappers: Iterable[Mapper[Any]]) -> list[str | int]:
    """What the column says of these classes, as the database holds it; classes without a name of their own have no
    rows."""
    kind = top.polymorphic_on.type.dialect_impl(DIALECT)  # type: ignore[union-attr]
    process = kind.bind_processor(DIALECT)
    names = [m.polymorphic_identity for m in mappers if m.polymorphic_identity is not None]
    held = [process(n) if process is not None else n for n in names]
    return list(dict.fromkeys(v for v in held if isinstance(v, str | int)))
