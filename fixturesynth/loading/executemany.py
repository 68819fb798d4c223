"""SQLite by prepared executemany, and any other database by SQLAlchemy Core."""

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy import Connection

from fixturesynth.loading.destination import Destination, Done, driver_of
from fixturesynth.loading.wire import batches, json_texts, python_rows

__all__ = ["core_rows", "prepared_rows"]


def prepared_rows(connection: Connection, destination: Destination, table: pa.Table, done: Done) -> None:
    """One prepared statement for all rows, run by SQLite's own driver."""
    marks = ", ".join("?" * len(destination.columns))
    statement = f"INSERT INTO {destination.name} ({destination.column_list}) VALUES ({marks})"
    driver = driver_of(connection)
    written = 0
    for batch in batches(table):
        driver.executemany(statement, python_rows(batch))
        written += batch.num_rows
        done(written)


def core_rows(connection: Connection, destination: Destination, table: pa.Table, done: Done) -> None:
    """SQLAlchemy writes the statement and joins rows as its dialect can."""
    columns: list[sa.ColumnClause[object]] = [sa.column(c.name) for c in destination.columns]
    target = sa.table(destination.table.bare_name, *columns, schema=destination.table.schema)
    written = 0
    for batch in batches(table):
        nested = [pa.types.is_nested(array.type) for array in batch.columns]
        lists = [(json_texts(a) if n else a).to_pylist() for a, n in zip(batch.columns, nested, strict=True)]
        rows = [dict(zip(batch.schema.names, values, strict=True)) for values in zip(*lists, strict=True)]
        connection.execute(sa.insert(target), rows)
        written += batch.num_rows
        done(written)
