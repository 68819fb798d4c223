"""After the rows: does every reference that nobody checked find its parent?"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from fixturesynth.errors import LoadError
from fixturesynth.loading.destination import run
from fixturesynth.loading.dialects import Dialect
from fixturesynth.schema.ddl import table_name
from fixturesynth.schema.model import ForeignKey, Schema, Table
from fixturesynth.schema.targets import quote_name

__all__ = ["audit", "orphans"]

ASKED_TOGETHER = 50  # foreign keys in one question


def audit(connection: Connection, dialect: Dialect, schema: Schema, tables: Sequence[str]) -> None:
    """LoadError with table, foreign key and count for the first reference into nothing.

    Looks at foreign keys of ``tables`` and at those that point to them, where the dialect did not check them itself.
    """
    if dialect.references == "after":
        return
    if dialect.references == "deferred":
        _by_pragma(connection, schema, tables)
        return
    asked = [
        (table, fk)
        for table in schema
        for fk in table.foreign_keys
        if fk.declared and fk.parent in schema and (table.name in tables or fk.parent in tables)
    ]
    for start in range(0, len(asked), ASKED_TOGETHER):
        some = asked[start : start + ASKED_TOGETHER]
        answers: Sequence[Any] = [True] * len(some)
        if dialect.asks_together:
            questions = (f"({_lost_references(schema, table, fk, dialect.name)[0]})" for table, fk in some)
            answers = run(connection, f"SELECT {', '.join(questions)}").one()
        for (table, fk), answer in zip(some, answers, strict=True):
            if answer and (count := orphans(connection, schema, table, fk, dialect.name)):
                raise _violation(table.name, fk, count)


def orphans(connection: Connection, schema: Schema, table: Table, fk: ForeignKey, dialect: str) -> int:
    """Rows of ``table`` whose reference is complete and finds no parent: an anti-join in the database."""
    # Different references are few, and the key's index lists them; rows are counted only when something is wrong.
    references, rows = _lost_references(schema, table, fk, dialect)
    return int(run(connection, rows).scalar() or 0) if run(connection, references).scalar() else 0


def _lost_references(schema: Schema, table: Table, fk: ForeignKey, dialect: str) -> tuple[str, str]:
    """Queries that count the different references without a parent, and the rows that hold them."""
    child = [f"c.{quote_name(c, dialect)}" for c in fk.columns]
    matches = " AND ".join(
        f"p.{quote_name(parent, dialect)} = {own}" for own, parent in zip(child, fk.parent_columns, strict=True)
    )
    own, parent = table_name(table, dialect), table_name(schema[fk.parent], dialect)
    given = " AND ".join(f"{column} IS NOT NULL" for column in child)
    lost = f"NOT EXISTS (SELECT 1 FROM {parent} p WHERE {matches})"
    distinct = f"(SELECT DISTINCT {', '.join(child)} FROM {own} c WHERE {given}) c"
    return f"SELECT count(*) FROM {distinct} WHERE {lost}", f"SELECT count(*) FROM {own} c WHERE {given} AND {lost}"


def _by_pragma(connection: Connection, schema: Schema, tables: Sequence[str]) -> None:
    """SQLite's own audit, which also sees keys that were never enforced."""
    for name in tables:
        quoted = quote_name(name, "sqlite")
        found: list[tuple[Any, ...]] = [tuple(row) for row in run(connection, f"PRAGMA foreign_key_check({quoted})")]
        if found:
            number = found[0][3]
            listed: list[tuple[Any, ...]] = [
                tuple(row) for row in run(connection, f"PRAGMA foreign_key_list({quoted})")
            ]
            columns = tuple(str(row[3]) for row in listed if row[0] == number)
            known = next((fk for fk in schema[name].foreign_keys if fk.columns == columns), None)
            fk = known or ForeignKey("fk_" + "_".join(columns), columns, str(found[0][2]), ())
            raise _violation(name, fk, sum(row[3] == number for row in found))


def _violation(table: str, fk: ForeignKey, count: int) -> LoadError:
    return LoadError(
        f"table {table!r}: {count:,} row{'s' * (count > 1)} of foreign key {fk.name} ({', '.join(fk.columns)}) "
        f"reference a row that {fk.parent!r} does not have; nothing was kept"
    )
