"""Reflection of DuckDB from its ``duckdb_*()`` table functions (https://duckdb.org/docs/sql/meta/duckdb_table_functions).

Constraints are read from ``constraint_text``, which every version has; the columns that break it up came later.
"""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fixturesynth.errors import SourceError, did_you_mean
from fixturesynth.schema.cursor import Cursor, split_commas
from fixturesynth.schema.declarations import Types, index_members, read_create_table, read_table_constraint, settle
from fixturesynth.schema.draft import Draft, freeze, table_name
from fixturesynth.schema.model import Column, Dialect, Schema, Unique
from fixturesynth.schema.types import parse_type

__all__ = ["read_duckdb"]

DIALECT: Dialect = "duckdb"
Row = Any
HERE = "database_name = current_database() AND schema_name IN :schemas"
SCHEMAS = "SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database() AND NOT internal"
TABLES = f"SELECT * FROM duckdb_tables() WHERE {HERE} AND NOT internal AND NOT temporary ORDER BY table_oid"
COLUMNS = f"SELECT * FROM duckdb_columns() WHERE {HERE} AND NOT internal ORDER BY table_oid, column_index"
CONSTRAINTS = f"""
SELECT schema_name, table_name, constraint_type, constraint_text FROM duckdb_constraints()
WHERE {HERE} AND constraint_type <> 'NOT NULL' ORDER BY table_oid, constraint_index
"""
INDEXES = f"SELECT * FROM duckdb_indexes() WHERE {HERE} AND is_unique AND NOT is_primary ORDER BY table_oid, index_oid"


def read_duckdb(connection: Connection, schemas: Sequence[str] | None = None) -> Schema:
    """The schema of the database that ``connection`` is open on: the default schema, or the ``schemas`` named."""
    default = str(connection.exec_driver_sql("SELECT current_schema()").scalar())
    known = [default, *(name for (name,) in connection.exec_driver_sql(SCHEMAS))]
    for schema in schemas or ():
        if schema not in known:
            raise SourceError(f"no schema {schema!r} in this database; {did_you_mean(schema, set(known))}")
    chosen = list(schemas) if schemas is not None else [default]

    def rows(query: str) -> Sequence[Row]:
        statement = sa.text(query).bindparams(sa.bindparam("schemas", expanding=True))
        return connection.execute(statement, {"schemas": chosen}).all()

    types = Types(DIALECT)
    drafts: dict[tuple[str, str], Draft] = {}
    written: dict[tuple[str, str], dict[str, Column]] = {}
    for table in rows(TABLES):
        key = (table.schema_name, table.table_name)
        name = table_name(table.schema_name, table.table_name, default)
        text = read_text(table.sql, name)
        written[key] = {c.name: c for c in text.columns}
        drafts[key] = Draft(name, table.schema_name, comment=getattr(table, "comment", None))
    for row in rows(COLUMNS):
        key = (row.schema_name, row.table_name)
        if key in drafts:
            drafts[key].columns.append(read_column(row, drafts[key], written[key].get(row.column_name)))
    for row in rows(CONSTRAINTS):
        key = (row.schema_name, row.table_name)
        if key in drafts and not read_table_constraint(
            Cursor.over(row.constraint_text, DIALECT), drafts[key], types, resolver(row.schema_name, default)
        ):
            drafts[key].not_understood.append(f"constraint: {row.constraint_text}")
    for row in rows(INDEXES):
        key = (row.schema_name, row.table_name)
        if key in drafts:
            drafts[key].uniques.append(read_index(row))
    for draft in drafts.values():
        settle(draft, DIALECT)
    return freeze(drafts.values(), DIALECT, default, any_case=True)


def resolver(schema: str, default: str) -> Callable[[str | None, str], str]:
    """A referenced table stands in the schema of the table that references it."""
    return lambda named, parent: table_name(named or schema, parent, default)


def read_text(sql: str, name: str) -> Draft:
    """CREATE TABLE, for the collations and virtual columns that the functions do not list."""
    cursor = Cursor.over(sql, DIALECT)
    cursor.skip_to("(")
    return read_create_table(cursor, Types(DIALECT), name, None, lambda _, parent: parent)


def read_column(row: Row, draft: Draft, written: Column | None) -> Column:
    found = parse_type(row.data_type, DIALECT)
    if found.kind == "other":
        draft.not_understood.append(f"type {row.data_type} of column {row.column_name}")
    generated = written.generated if written else None
    default = None if generated or row.column_default in (None, "NULL") else row.column_default
    return Column(
        name=row.column_name,
        type=found,
        nullable=row.is_nullable,
        default=default,
        autoincrement=(default or "").lower().startswith("nextval("),
        generated=generated,
        collation=written.collation if written else None,
        comment=getattr(row, "comment", None),
    )


def read_index(row: Row) -> Unique:
    cursor = Cursor.over(row.sql, DIALECT)
    cursor.skip_to("ON")
    cursor.accept("ON")
    cursor.qualified()
    columns, expressions = index_members(split_commas(cursor.group()), DIALECT)
    return Unique(row.index_name, columns, expressions, is_index=True)
