"""What is in a database already: rows by table, and the largest number of a column."""

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection

from fixturesynth.loading.destination import run
from fixturesynth.loading.fetching import own_rows, table_reference
from fixturesynth.loading.reading import connected
from fixturesynth.schema.model import Schema, Table
from fixturesynth.schema.targets import quote_name

__all__ = ["count_rows", "has_rows", "largest_numbers"]


def count_rows(source: str | Path, schema: Schema) -> dict[str, int]:
    """Rows of every table; SourceError when the database cannot be read."""
    with connected(source) as connection:
        return {t.name: _whole(connection, f"SELECT count(*) FROM {own_rows(connection, t)}") for t in schema}


def has_rows(source: str | Path, schema: Schema) -> bool:
    """Whether any table has a row, without counting them."""
    with connected(source) as connection:
        return any(_first(connection, table) for table in schema)


def largest_numbers(source: str | Path, schema: Schema, columns: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """The largest value of integer columns, by ``table.column``; columns without any value are left out."""
    found = {}
    with connected(source) as connection:
        for table, names in columns.items():
            for name in names:
                quoted = quote_name(name, schema.dialect)
                of = table_reference(connection, schema[table])
                largest = run(connection, f"SELECT max({quoted}) FROM {of}").scalar()
                if largest is not None:
                    found[f"{table}.{name}"] = int(largest)
    return found


def _whole(connection: Connection, statement: str) -> int:
    return int(run(connection, statement).scalar() or 0)


def _first(connection: Connection, table: Table) -> bool:
    statement = f"SELECT 1 FROM {own_rows(connection, table)} LIMIT 1"
    return run(connection, statement).first() is not None
