"""One row changed in a database: the statements that property-based tests run between loads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from fixturesynth.errors import InputError

__all__ = ["statement_of"]


def statement_of(kind: str, table: str, key: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    """The INSERT, UPDATE or DELETE that changes one row of ``table`` (``schema.table`` outside the default schema)."""
    schema, _, bare = table.rpartition(".")
    columns: list[sa.ColumnClause[Any]] = [sa.column(c) for c in {**key, **values}]
    target = sa.table(bare, *columns, schema=schema or None)
    where = [target.c[c].is_(None) if v is None else target.c[c] == _literal(v) for c, v in key.items()]
    made = {c: _literal(v) for c, v in values.items()}
    if kind == "insert":
        return sa.insert(target).values(made)
    if kind == "update":
        return sa.update(target).where(*where).values(made)
    if kind == "delete":
        return sa.delete(target).where(*where)
    raise InputError(f"unknown kind of change {kind!r}: there are: insert, update, delete")


def _literal(value: Any) -> Any:
    """A value whose type the database finds for itself where it travels as text: an enum, a uuid, a document."""
    if value is None:
        return sa.null()
    return sa.literal(value, sa.types.NullType()) if isinstance(value, str | list) else sa.literal(value)
