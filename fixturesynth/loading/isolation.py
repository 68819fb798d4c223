"""``loaded``: rows in a database for as long as a block runs, and gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable
from weakref import WeakKeyDictionary

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from fixturesynth.dataset import Dataset, arrow_type
from fixturesynth.errors import InputError, did_you_mean
from fixturesynth.loading.auditing import audit
from fixturesynth.loading.conversion import fit, natural
from fixturesynth.loading.destination import Destination, Done, driver_of, run
from fixturesynth.loading.dialects import dialect_of
from fixturesynth.loading.executemany import prepared_rows
from fixturesynth.loading.filling import fill
from fixturesynth.loading.preparing import arrange
from fixturesynth.schema.model import Column, Schema, Table
from fixturesynth.schema.reflection import reflect

__all__ = ["loaded"]

_SCHEMAS: WeakKeyDictionary[Engine, Schema] = WeakKeyDictionary()
_LASTING: WeakKeyDictionary[Engine, dict[str, str]] = WeakKeyDictionary()
# What a load sets for its session, and must not leave to the code under test.
_RESTORED = {
    "postgresql": ("SET LOCAL timezone TO DEFAULT", "SET LOCAL datestyle TO DEFAULT"),
    "mysql": (
        "SET SESSION sql_mode = DEFAULT",
        "SET SESSION time_zone = DEFAULT",
        "SET SESSION foreign_key_checks = 1",
    ),
}


@runtime_checkable
class _Statements(Protocol):
    """A drawn script: its INSERT statements in order."""

    statements: tuple[str, ...]


@contextmanager
def loaded(target: Engine | Connection, dataset: Any, *, schema: Schema | None = None) -> Iterator[Connection]:
    """Load ``dataset`` into the tables of ``target``; everything that happens in the block is rolled back after it.

    Args:
        target: an Engine: a connection of its own, in a transaction. A Connection: a savepoint in its transaction.
        dataset: rows by table (dictionaries, frames, mapped objects), a ``Dataset``, or a drawn script.
        schema: of the tables; by default reflected once for each engine.

    Yields:
        The connection. Code under test must use it: ``Session(bind=connection,
        join_transaction_mode="create_savepoint")`` may commit and is rolled back all the same.

    Raises:
        LoadError: the database refused the rows, naming the table.
    """
    if isinstance(target, Connection):
        with _savepoint(target):
            _fill(target, dataset, schema)
            yield target
        return
    with target.connect() as connection:
        dialect = dialect_of(target.dialect.name)
        if dialect.detach:
            connection.detach()  # its session settings must not live on in the pool
        with _begun(connection):
            _fill(connection, dataset, schema)
            yield connection


@contextmanager
def _savepoint(connection: Connection) -> Iterator[None]:
    point = connection.begin_nested()
    try:
        yield
    finally:
        point.rollback()


@contextmanager
def _begun(connection: Connection) -> Iterator[None]:
    """A transaction that is rolled back. SQLite's driver begins none before a savepoint, unless it is told to."""
    driver = driver_of(connection) if connection.dialect.name == "sqlite" else None
    isolation = None
    if driver is not None:
        isolation = driver.isolation_level
        driver.execute("PRAGMA foreign_keys = ON")
        driver.isolation_level = None
        driver.execute("BEGIN")
    transaction = connection.begin() if not connection.in_transaction() else connection.get_transaction()
    assert transaction is not None
    try:
        yield
    finally:
        if transaction.is_active:
            transaction.rollback()
        if driver is not None:
            if driver.in_transaction:
                driver.execute("ROLLBACK")
            driver.isolation_level = isolation


def _fill(connection: Connection, dataset: Any, schema: Schema | None) -> None:
    if isinstance(dataset, _Statements) and not isinstance(dataset, Mapping):
        for statement in dataset.statements:
            run(connection, statement)
        return
    if not isinstance(dataset, Mapping):
        raise InputError(
            f"Expected rows by table, a Dataset or a drawn script, but got {type(dataset).__name__}; "
            "draw it with from_schema(...)"
        )
    if not isinstance(dataset, Dataset) and _are_objects(dataset):
        with Session(bind=connection, join_transaction_mode="create_savepoint") as session:
            session.add_all([one for objects in dataset.values() for one in objects])
            session.commit()
        return
    found = schema or _schema_of(connection)
    data = _as_dataset(dataset, found)
    dialect = dialect_of(connection.dialect.name)
    if dialect.name == "sqlite":
        dialect = replace(dialect, rows=_rows_as_written_by_sqlalchemy)
    plan = arrange(data, found, None, dialect)
    _refuse_lasting(connection, data, found)
    for statement in dialect.begin:
        run(connection, statement)
    fill(connection, dialect, plan, data)
    if dialect.numbers:
        dialect.numbers(connection, [Destination(found[n], plan.columns[n], dialect.name) for n in plan.order])
    for statement in dialect.end:
        run(connection, statement)
    audit(connection, dialect, found, plan.order)
    for statement in _RESTORED.get(dialect.name, ()):
        run(connection, statement)


def _rows_as_written_by_sqlalchemy(
    connection: Connection, destination: Destination, table: pa.Table, done: Done
) -> None:
    """SQLite keeps moments as texts and compares them so: code under test writes and asks for six digits."""
    columns = []
    for name in table.column_names:
        values = table.column(name)
        if pa.types.is_timestamp(values.type):
            texts = [v and v.replace(tzinfo=None).isoformat(" ", "microseconds") for v in values.to_pylist()]
            values = pa.chunked_array([pa.array(texts, pa.string())])
        elif pa.types.is_time(values.type):
            texts = [v if v is None else v.isoformat("microseconds") for v in values.to_pylist()]
            values = pa.chunked_array([pa.array(texts, pa.string())])
        columns.append(values)
    prepared_rows(connection, destination, pa.table(columns, names=table.column_names), done)


def _refuse_lasting(connection: Connection, data: Dataset, schema: Schema) -> None:
    """InputError for tables of MySQL whose engine knows no transactions: their rows would stay."""
    if connection.dialect.name not in ("mysql", "mariadb"):
        return
    engine = connection.engine
    if engine not in _LASTING:
        query = (
            "SELECT t.TABLE_NAME AS name, t.ENGINE AS kind FROM information_schema.TABLES t "
            "JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE "
            "WHERE t.TABLE_SCHEMA = DATABASE() AND e.TRANSACTIONS = 'NO'"
        )
        _LASTING[engine] = {str(row.name): str(row.kind) for row in run(connection, query)}
    for name in data:
        if (kind := _LASTING[engine].get(schema[name].bare_name)) is not None:
            raise InputError(
                f"table {name!r} has the storage engine {kind}, which knows no transactions: its rows would stay; "
                f"give it ENGINE=InnoDB in the test database"
            )


def _schema_of(connection: Connection) -> Schema:
    engine = connection.engine
    if engine not in _SCHEMAS:
        _SCHEMAS[engine] = reflect(connection)
    return _SCHEMAS[engine]


def _are_objects(dataset: Mapping[str, Any]) -> bool:
    first = next((rows[0] for rows in dataset.values() if isinstance(rows, list) and rows), None)
    return first is not None and sa.inspect(type(first), raiseerr=False) is not None


def _as_dataset(dataset: Mapping[str, Any], schema: Schema) -> Dataset:
    """Tables with rows, their columns in the types of the schema."""
    tables = {}
    for name, rows in dataset.items():
        if name not in schema:
            raise InputError(f"no table {name!r} in the database: {did_you_mean(name, schema.names)}")
        made = _as_table(rows, schema[name]) if isinstance(rows, list) else _fitted(rows, schema[name])
        if made.num_rows:
            tables[name] = made
    return Dataset(tables)


def _as_table(rows: list[Mapping[str, Any]], table: Table) -> pa.Table:
    names = list(dict.fromkeys(c for row in rows for c in row))
    _known(names, table)
    return pa.table({n: _array([row.get(n) for row in rows], table.column(n)) for n in names})


def _array(values: list[Any], column: Column) -> pa.ChunkedArray:
    try:
        return pa.chunked_array([pa.array(values, arrow_type(column.type))])
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return fit(pa.chunked_array([natural(values)]), column.type)


def _fitted(rows: Any, table: Table) -> pa.Table:
    """A frame or an Arrow table."""
    arrow = rows if isinstance(rows, pa.Table) else Dataset.from_frames({table.name: rows}).arrow(table.name)
    _known(arrow.column_names, table)
    return pa.table({n: fit(arrow.column(n), table.column(n).type) for n in arrow.column_names})


def _known(names: list[str], table: Table) -> None:
    for name in names:
        if name not in table:
            raise InputError(f"table {table.name!r} has no column {name!r}: {did_you_mean(name, table.column_names)}")
